// Holds events against their schema as others read it: schema.mjs SCHEMA EVENTS DIRECTORY. EVENTS is JSON lines. ajv
// compiles the schema in strict mode, and the TypeScript compiler takes every event for one of the generated types.
import fs from "node:fs";
import path from "node:path";
import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { compile } from "json-schema-to-typescript";
import { check } from "./typescript.mjs";

const [, , file, lines, directory] = process.argv;
const schema = JSON.parse(fs.readFileSync(file, "utf8"));
const ajv = new Ajv.default({ strict: true, allErrors: true });
formats.default(ajv);
const valid = ajv.compile(schema);
const events = fs.readFileSync(lines, "utf8").trim().split("\n");
for (const event of events) {
  const read = JSON.parse(event);
  if (!valid(read)) throw new Error(`${event}: ${ajv.errorsText(valid.errors)}`);
  delete read.data;
  if (valid(read)) throw new Error(`${event}: is taken without its data`);
}

const types = await compile(schema, "event", { bannerComment: "" });
const name = /export type (\w+) =/.exec(types)[1];
fs.writeFileSync(path.join(directory, "event.ts"), types);
fs.writeFileSync(path.join(directory, "use.ts"), `import type { ${name} } from "./event";
${events.map((event, i) => `export const e${i}: ${name} = ${event};`).join("\n")}
export function tell(e: ${name}): string {
  switch (e.type) {
    case "conference.member.joined":
    case "conference.member.left":
    case "conference.member.kicked":
      return e.subject + e.sequence + e.data.userNick;
    case "conference.meeting.gap":
    case "conference.source.blind":
    case "conference.source.seeing":
      return e.data.reason + e.data.from;
    case "conference.meeting.started":
    case "conference.meeting.updated":
    case "conference.meeting.ended":
      return e.data.title + e.data.peak;
    case "conference.audit.checkpoint":
      return e.data.checkpoint;
    case "conference.access.read":
      return e.data.what + e.data.by;
    case "conference.person.erased":
      return e.data.conferenceId + e.data.reason;
    default:
      return e.id;
  }
}
// @ts-expect-error an event of a member without data
export const wrong: ${name} = ${JSON.stringify({ ...JSON.parse(events[0]), data: {} })};
`);
check([path.join(directory, "use.ts")]);
console.log(events.length);
