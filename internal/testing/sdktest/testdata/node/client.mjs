// Generates a TypeScript client of a running service from the description it serves, compiles it and calls the service:
// client.mjs BASE DIRECTORY.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import createClient from "openapi-fetch";
import openapiTS, { astToString } from "openapi-typescript";
import { check } from "./typescript.mjs";

const [, , base, directory] = process.argv;
const types = await openapiTS(new URL("/openapi.yaml", base));
fs.writeFileSync(path.join(directory, "api.ts"), astToString(types));
const use = path.join(directory, "use.ts");
fs.copyFileSync(new URL("client.ts", import.meta.url), use);
check([use]);
const compiled = path.join(directory, "use.mjs");
fs.renameSync(path.join(directory, "use.js"), compiled);
const { call } = await import(pathToFileURL(compiled));
await call(createClient, base);
