// Reads a description with AsyncAPI's own parser, and generates models of it: asyncapi.mjs FILE. Prints the names of the
// models and of their properties, as JSON.
import fs from "node:fs";
import { Parser } from "@asyncapi/parser";
import { TypeScriptGenerator } from "@asyncapi/modelina";

const { document, diagnostics } = await new Parser().parse(fs.readFileSync(process.argv[2], "utf8"));
const faults = diagnostics.filter(d => d.severity <= 1); // errors and warnings
if (!document || faults.length > 0) {
  console.error(faults);
  process.exit(1);
}
const models = {};
for (const { modelName, model } of await new TypeScriptGenerator({ modelType: "interface" }).generate(document)) {
  models[modelName] = Object.keys(model.properties ?? {});
}
console.log(JSON.stringify(models));
