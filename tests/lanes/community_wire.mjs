// PostgreSQL's wire protocol in front of the one-backend engine of `community.mjs`, for several clients.
//
// Clients take turns at the engine: a turn lasts for one query, or from BEGIN to COMMIT. They share what
// PostgreSQL keeps per session: SET, temporary tables, advisory locks, current_user. COPY goes through the
// engine's /dev/blob.
// Messages: https://www.postgresql.org/docs/17/protocol-message-formats.html

import { createServer } from "node:net";

const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
const COPY = /^\s*copy\s.+?\s(from\s+stdin|to\s+stdout)\b/is;

// The engine has to see an error too, or a transaction would go on after a COPY that the client gave up.
const SPOIL = "DO $$ BEGIN RAISE query_canceled USING MESSAGE = 'COPY from stdin failed'; END $$";
// A query that fails with its own text.
const COPY_REFUSED = "SELECT 'COPY with parameters is not possible in this lane'::integer";

const message = (type, ...parts) => {
  const bytes = (part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part);
  const body = Buffer.concat(parts.map(bytes));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
};
const int32 = (number) => Buffer.from(Uint32Array.of(number).buffer).swap32();
const failure = (code, text) => message("E", "SERROR", "VERROR", `C${code}`, `M${text}`, "");
const ready = (status) => message("Z", Buffer.from(status));

/** Yields [type, whole message] for every complete message in a buffer. */
function* messages(buffer) {
  for (let at = 0; at + 5 <= buffer.length; ) {
    const next = at + 1 + buffer.readUInt32BE(at + 1);
    if (next > buffer.length) return;
    yield [String.fromCharCode(buffer[at]), buffer.subarray(at, next)];
    at = next;
  }
}

/** One engine and everybody who talks to it. */
export class Front {
  sessions = new Set();
  #tail = Promise.resolve();
  #count = 0;

  constructor(db) {
    this.db = db;
    this.server = createServer((socket) => this.sessions.add(new Session(this, socket, ++this.#count)));
  }

  /** Returns the port after the first query showed that the engine answers. */
  async listen() {
    await this.clean();
    // A server preloads the library; without it, a copy of a database refuses inserts into hypertables.
    await this.run(message("Q", "LOAD 'timescaledb'"));
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return this.server.address().port;
  }

  /** Applies `-c name=value` of a client's options, for everybody; returns what a session start reports. */
  async settings(options) {
    const endTurn = await this.turn();
    try {
      for (const [, name, value] of options.matchAll(/-c\s*(\w+)=(\S+)/g)) {
        await this.db.query("SELECT set_config($1, $2, false)", [name, value]);
      }
      const { rows } = await this.db.query(SETTINGS, [REPORTED]);
      return rows.map(({ name, setting }) => message("S", name, setting));
    } finally {
      endTurn();
    }
  }

  close() {
    this.server.close();
    for (const session of this.sessions) session.socket.destroy();
  }

  /** Waits for everybody before; resolves to the function that ends the turn. */
  turn() {
    let end;
    const mine = new Promise((resolve) => (end = resolve));
    const before = this.#tail;
    this.#tail = before.then(() => mine);
    return before.then(() => end);
  }

  /** Runs whole messages; returns the answer without notifications, which go to every listener. */
  async run(bytes) {
    const answer = Buffer.from(await this.db.execProtocolRaw(new Uint8Array(bytes)));
    const kept = [];
    for (const [type, whole] of messages(answer)) {
      if (type !== "A") kept.push(whole);
      else for (const session of this.sessions) if (session.listens) session.socket.write(whole);
    }
    return Buffer.concat(kept);
  }

  async copyIn(sql, data) {
    await this.db._handleBlob(new Blob(data));
    const answer = await this.run(message("Q", sql.replace(/from\s+stdin/i, "FROM '/dev/blob'")));
    await this.db._cleanupBlob();
    return answer;
  }

  async copyOut(sql) {
    const answer = await this.run(message("Q", sql.replace(/to\s+stdout/i, "TO '/dev/blob'")));
    const blob = await this.db._getWrittenBlob();
    return { answer, data: blob && Buffer.from(await blob.arrayBuffer()) };
  }

  async leave(session, endTurn) {
    this.sessions.delete(session);
    if (this.db.closed) return;
    const end = endTurn ?? (await this.turn());
    try {
      if (endTurn) await this.run(message("Q", "ROLLBACK"));
      if (this.sessions.size === 0 && !this.db.closed) await this.clean();
    } finally {
      end(); // a broken engine must not leave the others waiting: they are told when they ask
    }
  }

  /** A session as a server starts it; the engine's own start leaves pg_catalog on the path, at debug3. */
  async clean() {
    await this.run(message("Q", "DISCARD ALL"));
    await this.run(message("Q", 'SET search_path TO "$user", public; SET client_min_messages TO notice'));
  }
}

const SETTINGS = "SELECT name, setting FROM pg_settings WHERE name = ANY($1)";
const REPORTED = [
  "client_encoding", "DateStyle", "integer_datetimes", "IntervalStyle", "server_encoding", "server_version",
  "standard_conforming_strings", "TimeZone",
];

/** One client: cuts its bytes into units the engine can answer, in order. */
class Session {
  listens = false;
  #started = false;
  #pending = Buffer.alloc(0);
  #extended = []; // Parse, Bind, ... up to their Sync or Flush
  #copy; // {sql, data} between COPY ... FROM STDIN and its end
  #status = "I"; // as in ReadyForQuery: I idle, T in a transaction, E in a failed one
  #endTurn;
  #work = Promise.resolve();

  constructor(front, socket, number) {
    this.front = front;
    this.socket = socket;
    this.prefix = `c${number}`;
    socket.on("data", (bytes) => this.#then(() => this.#take(bytes)));
    socket.on("error", () => socket.destroy()); // a client that hangs up is not an error here
    socket.on("close", () => this.#then(() => front.leave(this, this.#endTurn)));
  }

  /** Does one thing after the other, in the order the client asked. */
  #then(work) {
    this.#work = this.#work.then(work).catch((error) => this.#broken(error));
  }

  #broken(error) {
    this.socket.end(failure("XX000", `the engine failed: ${error?.message ?? error}`));
  }

  async #take(bytes) {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    while (!this.#started) if (!(await this.#greet())) return;
    let used = 0;
    for (const [type, whole] of messages(this.#pending)) {
      used += whole.length;
      await this.#one(type, whole);
    }
    this.#pending = this.#pending.subarray(used);
  }

  /** Handles one message before the session starts; false when more bytes are needed. */
  async #greet() {
    if (this.#pending.length < 8 || this.#pending.length < this.#pending.readUInt32BE(0)) return false;
    const length = this.#pending.readUInt32BE(0);
    const code = this.#pending.readUInt32BE(4);
    const words = this.#pending.toString("utf8", 8, length).split("\0");
    this.#pending = this.#pending.subarray(length);
    if (code === SSL_REQUEST || code === GSS_REQUEST) this.socket.write("N");
    else if (code === CANCEL_REQUEST) this.socket.end(); // one thread: what runs cannot be interrupted
    else {
      this.#started = true;
      const settings = await this.front.settings(words[words.indexOf("options") + 1] ?? "");
      const identity = message("K", int32(process.pid), int32(0));
      this.socket.write(Buffer.concat([message("R", int32(0)), ...settings, identity, ready("I")]));
    }
    return true;
  }

  async #one(type, whole) {
    if (type === "X") this.socket.end();
    else if (type === "d") this.#copy?.data.push(Buffer.from(whole.subarray(5)));
    else if (type === "c" || type === "f") await this.#copyEnd(type);
    else if (type === "Q") await this.#simple(whole);
    else {
      this.#extended.push(this.#renamed(type, whole));
      if (type !== "S" && type !== "H") return;
      const unit = Buffer.concat(this.#extended.splice(0));
      await this.#answer(() => this.front.run(unit));
    }
  }

  async #simple(whole) {
    const sql = whole.toString("utf8", 5, whole.length - 1);
    this.listens ||= /^\s*listen\s/i.test(sql);
    const direction = COPY.exec(sql)?.[1].toLowerCase();
    if (direction === undefined) return this.#answer(() => this.front.run(whole));
    if (direction.startsWith("to")) return this.#copyOut(sql);
    this.#copy = { sql, data: [] };
    this.socket.write(message("G", this.#format(sql)));
  }

  /** Format and number of columns; no client so far asks for the number, and only the engine knows it. */
  #format(sql) {
    return Buffer.from([/\bbinary\b/i.test(sql) ? 1 : 0, 0, 0]);
  }

  async #copyEnd(type) {
    const { sql, data } = this.#copy;
    this.#copy = undefined;
    if (type === "c") return this.#answer(() => this.front.copyIn(sql, data));
    await this.#answer(() => this.front.run(message("Q", SPOIL)));
  }

  #copyOut(sql) {
    return this.#answer(async () => {
      const { answer, data } = await this.front.copyOut(sql);
      if (!data) return answer;
      return Buffer.concat([message("H", this.#format(sql)), message("d", data), message("c"), answer]);
    });
  }

  /** Takes the turn unless this session holds it, runs, answers, and ends the turn outside transactions. */
  async #answer(run) {
    this.#endTurn ??= await this.front.turn();
    const answer = await run();
    let finished = false; // a Flush is answered without ReadyForQuery: its Sync is still to come
    for (const [type, whole] of messages(answer)) {
      finished = type === "Z";
      if (finished) this.#status = String.fromCharCode(whole[5]);
    }
    this.socket.write(answer);
    if (!finished || this.#status !== "I") return;
    this.#endTurn();
    this.#endTurn = undefined;
  }

  /** Prepared statements get names of this session's own, for all sessions share one backend. */
  #renamed(type, whole) {
    const body = whole.subarray(5);
    const string = (from) => body.toString("utf8", from, body.indexOf(0, from));
    if (type === "P") {
      const [name, sql] = [string(0), string(body.indexOf(0) + 1)];
      const rest = body.subarray(body.indexOf(0) + 1);
      if (COPY.test(sql)) return message("P", this.#name(name), COPY_REFUSED, Buffer.alloc(2));
      return message("P", this.#name(name), rest);
    }
    if (type === "B") {
      const [portal, name] = [string(0), string(body.indexOf(0) + 1)];
      const rest = body.subarray(body.indexOf(0, body.indexOf(0) + 1) + 1);
      return message("B", portal, this.#name(name), rest);
    }
    const ofStatement = (type === "D" || type === "C") && body[0] === "S".charCodeAt(0);
    return ofStatement ? message(type, body.subarray(0, 1), this.#name(string(1))) : whole;
  }

  #name(name) {
    return name === "" ? "" : `${this.prefix}_${name}`;
  }
}
