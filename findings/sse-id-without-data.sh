#!/usr/bin/env bash
# A server-sent event that has an id and no data: who resumes after it?
#
# Versions: npm eventsource 4.1.1 and 5.1.5, eventsource-client 1.2.0, launchdarkly-eventsource 2.2.0, undici 7.30.2; Node.js 20.
#
# Guess: all of them reconnect with the id of the last block, since the HTML standard sets the last event id before
# it looks whether there are data to dispatch. A server can then move a reader's place without an event.
#
# Seen: three of five reconnect with the id of the last block that had data, and so ask again for all between.
#   eventsource 4.1.1               [null,"5"]
#   eventsource 5.1.5               [null,"7"]
#   eventsource-client 1.2.0        [null,"5"]
#   launchdarkly-eventsource 2.2.0  [null,"5"]
#   undici 7.30.2                   [null,"7"]
# (Chromium 156 sends "7", too.)
#
# So: a block that is to move a reader's place needs data, if only an empty object under an event name of its own.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund \
  eventsource4@npm:eventsource@4.1.1 eventsource5@npm:eventsource@5.1.5 eventsource-client@1.2.0 \
  launchdarkly-eventsource@2.2.0 undici@7.30.2

cat >ask.mjs <<'JS'
import http from 'node:http'
import { EventSource as ES4 } from 'eventsource4'
import { EventSource as ES5 } from 'eventsource5'
import { createEventSource } from 'eventsource-client'
import ld from 'launchdarkly-eventsource'
import { EventSource as Undici } from 'undici'

// resumes returns the Last-Event-ID of a client's first two requests.
async function resumes(open) {
  const ids = []
  let second
  const both = new Promise((resolve, reject) => {
    second = resolve
    setTimeout(() => reject(new Error('no second request')), 20000).unref()
  })
  const server = http.createServer((req, res) => {
    ids.push(req.headers['last-event-id'] ?? null)
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    if (ids.length === 1) return res.end('retry: 10\nid: 5\ndata: a\n\nid: 7\n\n')
    res.end('retry: 10\n\n')
    second()
  })
  await new Promise(r => server.listen(0, '127.0.0.1', r))
  const client = open(`http://127.0.0.1:${server.address().port}/`)
  await both
  client.close()
  server.closeAllConnections()
  server.close()
  return JSON.stringify(ids.slice(0, 2))
}

const clients = {
  'eventsource 4.1.1': url => new ES4(url),
  'eventsource 5.1.5': url => new ES5(url),
  'eventsource-client 1.2.0': url => createEventSource({ url }),
  'launchdarkly-eventsource 2.2.0': url => {
    const client = new ld.EventSource(url, { initialRetryDelayMillis: 10 })
    client.onerror = () => {}
    return client
  },
  'undici 7.30.2': url => new Undici(url),
}
for (const [name, open] of Object.entries(clients)) console.log(name.padEnd(31), await resumes(open))
process.exit(0)
JS

cat >want <<'TXT'
eventsource 4.1.1               [null,"5"]
eventsource 5.1.5               [null,"7"]
eventsource-client 1.2.0        [null,"5"]
launchdarkly-eventsource 2.2.0  [null,"5"]
undici 7.30.2                   [null,"7"]
TXT
node --no-warnings ask.mjs | tee got
diff want got || { echo 'this has changed'; exit 1; }
