// Looks at AsyncAPI documents with the reference parser, and at messages with the schemas in them.
// Usage: node asyncapi_check.mjs FOLDER-OF-NODE_MODULES FILE... < {"NAME OF SCHEMA": [MESSAGE, ...]}
// Prints for each file what the parser says, and which messages (its own examples, and those given) do not fit.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";

const [packages, ...files] = process.argv.slice(2);
const require = createRequire(join(resolve(packages), "package.json"));
const { Parser } = require("@asyncapi/parser");
const ofParser = createRequire(require.resolve("@asyncapi/parser"));
const Ajv = ofParser("ajv").default;
const addFormats = ofParser("ajv-formats").default;

const given = JSON.parse(await text(process.stdin));

function unfit(document) {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema({ $id: "document", components: document.components });
  return Object.entries(document.components.messages).flatMap(([name, message]) => {
    const fits = ajv.getSchema(`document#/components/schemas/${name}`);
    const own = message.examples.map((example) => example.payload);
    return [...own, ...(given[name] ?? [])].flatMap((value) => (fits(value) ? [] : [{ name, errors: fits.errors }]));
  });
}

async function look(file) {
  const source = await readFile(file, "utf8");
  const { diagnostics } = await new Parser().parse(source, { source: file });
  const said = diagnostics.map(({ code, severity, message, path }) => ({ code, severity, message, path }));
  return { said, unfit: unfit(JSON.parse(source)) };
}

const found = [];
for (const file of files) found.push(await look(file));
console.log(JSON.stringify(found));
