// Calls the TypeScript compiler.
import path from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = path.dirname(fileURLToPath(import.meta.url));

// check compiles files in strict mode, into the folder they are in, and throws what is wrong.
export function check(files) {
  const program = ts.createProgram(files, {
    strict: true, noEmitOnError: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler, lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [], baseUrl: here, paths: { "openapi-fetch": ["node_modules/openapi-fetch/dist/index.d.mts"] },
  });
  const faults = ts.getPreEmitDiagnostics(program).concat(program.emit().diagnostics);
  if (faults.length > 0) {
    throw new Error(ts.formatDiagnostics(faults, { getCurrentDirectory: () => here, getCanonicalFileName: f => f, getNewLine: () => "\n" }));
  }
}
