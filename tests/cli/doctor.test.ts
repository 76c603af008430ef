/** `postern doctor`: finds whatever differs from the log, and makes it anew with a server and without one. */
import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Folder, newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { newServer, postern, type Server, spawnPostern } from "./postern.ts";

const ROWS = 40_000;
const WORDS = ["Grüße", "hello world", "naïve café", "東京タワー", "👍🏽 ok", "a", "call me at 5", ""];

let folder: Folder;
const made = () => join(folder.path, "made.db");
const used = () => join(folder.path, "used.db");
const env = () => ({ DATABASE_URL: `sqlite:///${used()}` });
const lines = (count: number, name: string) =>
  Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      message_id: `${name}${index}`,
      from: `+${(index * 7) % 501}`,
      to: `+${index % 3}`,
      ts: new Date(Date.UTC(2025, 0, 1) + ((index * 7919) % 1_000_003) * 1000).toISOString(),
      text: index % 11 === 0 ? null : `${WORDS[index % WORDS.length]} ${index}`,
    }),
  ).join("\n");

beforeAll(async () => {
  folder = newFolder();
  const DATABASE_URL = `sqlite:///${made()}`;
  const { code } = await postern(["import", "-"], { env: { DATABASE_URL }, stdin: lines(ROWS, "m") });
  expect(code).toBe(0);
});
afterAll(() => folder.remove());

/** A fresh copy of the database and its index. */
function copy(): void {
  copyFileSync(made(), used());
  copyFileSync(`${made()}-index1`, `${used()}-index1`);
}

function damage(file: string, ...statements: string[]): void {
  using db = new Database(file);
  for (const statement of statements) db.run(statement);
}

describe("without a server", () => {
  test("a sound database is sound, every row of every part", async () => {
    copy();
    const { code, stdout } = await postern(["doctor"], { env: env() });
    expect(stdout).toBe(
      ["log", "time", "senders", "search"]
        .map((part) => `${part.padEnd(8)} ${ROWS.toString().padStart(12)} rows  sound\n`)
        .join(""),
    );
    expect(code).toBe(0);
  });

  const FIRST = "(select min(segment) from segments)";
  const damages: [part: string, what: string, statement: string][] = [
    ["time", "an entry is missing", "delete from by_time where row = 20000"],
    ["time", "an entry leads to another row", "update by_time set row = 7 where row = 20000"],
    ["time", "an entry has another key", "update by_time set ts_key = '2030' where row = 39999"],
    ["time", "a leaf has another size", "update time_leaves set rows = rows + 1 where leaf = 2"],
    ["time", "the first leaf is missing", "delete from time_leaves where leaf = 1"],
    ["senders", "an entry is missing", "delete from by_sender where row = 1"],
    ["senders", "a settled entry has another sender", "update by_sender set sender = '+9' where row = 1"],
    [
      "senders",
      "a waiting entry has another",
      "update waiting_by_sender set sender = '+9' where row = 40000",
    ],
    ["senders", "a waiting entry is missing", "delete from waiting_by_sender where row = 40000"],
    ["senders", "a run is forgotten", "delete from runs"],
    ["senders", "a count is wrong", "update senders set rows = rows - 1 where sender = '+14'"],
    ["senders", "a sender is missing", "delete from senders where sender = '+14'"],
    ["senders", "the total is wrong", "update totals set messages = messages + 1"],
    ["senders", "the number of senders is wrong", "update totals set senders = senders + 1"],
    ["senders", "the top is wrong", "update top_senders set rows = 1"],
    ["search", "a segment is missing", `delete from segments where segment = ${FIRST}`],
    [
      "search",
      "a byte of the lists is another",
      "update postings set bytes = zeroblob(length(bytes)) where rowid = 1",
    ],
    ["search", "a chunk is missing", `delete from postings where segment = ${FIRST} and chunk = 1`],
    [
      "search",
      "a term is another",
      "update blocks set dictionary = zeroblob(length(dictionary)) where block = 0",
    ],
    ["search", "a block is missing", `delete from blocks where segment = ${FIRST} and block = 1`],
    ["search", "a filter is another", "update segments set filters = zeroblob(length(filters))"],
    ["search", "a stream is no bytes", "update blocks set offsets = 'none' where block = 1"],
    ["search", "a size is wrong", "update segments set documents = documents - 1"],
  ];
  test.each(damages)("%s: %s", async (part, _, statement) => {
    copy();
    damage(`${used()}-index1`, statement);
    const { code, stdout, stderr } = await postern(["doctor"], { env: env() });
    const differing = [...stdout.matchAll(/^(\w+) .*DIFFERS$/gm)].map(([, name]) => name);
    expect({ code, differing }).toEqual({ code: 1, differing: [part] });
    expect(stdout).toMatch(/^ {2}\S/m);
    expect(stderr).toContain("--rebuild");
  });

  test("a row of the log whose key does not belong to its instant, and one out of its place", async () => {
    copy();
    damage(
      used(),
      "update messages set ts_key = '2031' where rowid = 5",
      "update messages set seq = 1 where rowid = 9",
    );
    const { code, stdout } = await postern(["doctor"], { env: env() });
    expect(code).toBe(1);
    expect(stdout).toContain("row 5 has the key 2031 for the instant");
    expect(stdout).toContain("row 9 has seq 1 after 8");
  });

  test("--rebuild makes it sound again", async () => {
    copy();
    damage(`${used()}-index1`, "delete from by_time where row > 100", "delete from postings");
    const { code, stdout } = await postern(["doctor", "--rebuild"], { env: env() });
    expect({ code, sound: stdout.match(/sound/g)?.length }).toEqual({ code: 0, sound: 4 });
    expect(readdirSync(folder.path).filter((name) => /^used\.db-index\d+$/.test(name))).toEqual([
      "used.db-index2",
    ]);
  });

  test("an index that is none is told apart from a damaged one", async () => {
    copy();
    for (const end of ["1", "2"])
      writeFileSync(`${used()}-index${end}`, "no database at all, whatever its name says");
    const { code, stdout } = await postern(["doctor"], { env: env() });
    expect(code).toBe(0);
    expect(stdout).toContain("no index that serves this log");
  });

  test("a database that isn't there is told, and none is made", async () => {
    const missing = join(folder.path, "missing.db");
    for (const args of [["doctor"], ["doctor", "--rebuild"]]) {
      const { code, stderr } = await postern(args, { env: { DATABASE_URL: `sqlite:///${missing}` } });
      expect({ code, stderr }).toEqual({ code: 1, stderr: `postern: there is no database at ${missing}\n` });
    }
    expect(readdirSync(folder.path).filter((name) => name.startsWith("missing"))).toEqual([]);
  });
});

describe("beside a server", () => {
  let server: Server;
  afterEach(() => server.stop());

  async function feed(count: number, name: string): Promise<void> {
    const child = await postern(["send", "--file", "-", "--format", "ndjson"], {
      env: server.env,
      stdin: lines(count, name),
    });
    expect(child.code).toBe(0);
  }

  test("finds it sound while messages arrive, and --rebuild goes through the server without a wrong answer", async () => {
    server = await newServer({ env: { API_TOKEN: "token" } });
    const token = { ...server.env, API_TOKEN: "token" };
    await feed(3000, "a");
    const feeding = spawnPostern(["send", "--file", "-", "--format", "ndjson"], {
      env: server.env,
      stdin: lines(4000, "b"),
    });
    const beside = await postern(["doctor"], { env: server.env });
    expect({ code: beside.code, sound: beside.stdout.match(/sound/g)?.length }).toEqual({
      code: 0,
      sound: 4,
    });
    expect(await feeding.exited).toBe(0);

    const totals = new Set<number>();
    let done = false;
    const reading = (async () => {
      while (!done) {
        const answer = await fetch(`${server.url}/messages?q=hello`, {
          headers: { Authorization: "Bearer token" },
        });
        totals.add(((await answer.json()) as { total: number }).total);
      }
    })();
    const rebuilt = await postern(["doctor", "--rebuild"], { env: token });
    done = true;
    await reading;
    expect({ code: rebuilt.code, sound: rebuilt.stdout.match(/sound/g)?.length }).toEqual({
      code: 0,
      sound: 4,
    });
    expect(totals.size).toBe(1);
    const indexes = () => readdirSync(server.folder).filter((name) => /-index\d+$/.test(name));
    await until("the old index to go", () => (indexes().join() === "messages.db-index2" ? true : undefined));
  }, 30_000);

  test("--rebuild without the token says what it takes", async () => {
    server = await newServer();
    const { code, stderr } = await postern(["doctor", "--rebuild"], { env: server.env });
    expect({ code, stderr: stderr.includes("set API_TOKEN") }).toEqual({ code: 1, stderr: true });
    const refused = await postern(["doctor", "--rebuild"], { env: { ...server.env, API_TOKEN: "token" } });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("403");
  });
});
