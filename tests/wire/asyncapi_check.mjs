// Parses an AsyncAPI document with the reference parser and prints its diagnostics as one JSON list.
// Usage: node asyncapi_check.mjs FOLDER-OF-NODE_MODULES FILE
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [packages, file] = process.argv.slice(2);
const require = createRequire(join(resolve(packages), "package.json"));
const { Parser } = require("@asyncapi/parser");

const { diagnostics } = await new Parser().parse(await readFile(file, "utf8"), { source: file });
console.log(JSON.stringify(diagnostics.map(({ code, severity, message, path }) => ({ code, severity, message, path }))));
