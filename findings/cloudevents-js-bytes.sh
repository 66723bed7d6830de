#!/usr/bin/env bash
# A structured CloudEvent that is given to the JavaScript SDK as bytes, as message clients give a payload.
#
# Versions: npm cloudevents 10.0.0; Node.js 20.
#
# Guess: HTTP.toEvent decodes a Buffer or Uint8Array as it does a string, or throws a ValidationError.
#
# Seen: neither. It returns an event without an error: an attribute for every byte, named by its position, no type, no source,
# no data, and an id and a time that it makes up. Two readings of the same bytes have two ids. Text and an object are right.
#   text       id 1, type t, data {"a":1}, as it should be
#   object     id 1, type t, data {"a":1}, as it should be
#   Buffer     id made up, type undefined, data undefined, one attribute a byte
#   Uint8Array id made up, type undefined, data undefined, one attribute a byte
#
# So: new TextDecoder().decode(payload) first. Whoever deduplicates by id would otherwise take everything twice.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund cloudevents@10.0.0
cat >read.mjs <<'JS'
import { HTTP } from 'cloudevents'

const text = '{"specversion":"1.0","id":"1","source":"/a","type":"t","datacontenttype":"application/json",' +
  '"sequence":"0000000042","data":{"a":1}}'
const bodies = { text, object: JSON.parse(text), Buffer: Buffer.from(text), Uint8Array: new TextEncoder().encode(text) }
for (const [name, body] of Object.entries(bodies)) {
  const event = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body })
  const attributes = Object.keys(event.toJSON())
  const bytes = attributes.filter(key => /^[0-9]+$/.test(key)).length
  console.log(
    name.padEnd(10), `id ${event.id === '1' ? '1' : event.id ? 'made up' : event.id},`, `type ${event.type},`,
    `data ${JSON.stringify(event.data)},`, bytes === text.length ? 'one attribute a byte' : 'as it should be')
}
JS
node read.mjs | tee got
cat >want <<'TXT'
text       id 1, type t, data {"a":1}, as it should be
object     id 1, type t, data {"a":1}, as it should be
Buffer     id made up, type undefined, data undefined, one attribute a byte
Uint8Array id made up, type undefined, data undefined, one attribute a byte
TXT
diff want got || { echo 'this has changed'; exit 1; }
