/** What an upgrade says: one line for each file or database, and none where nothing changed. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SCHEMA_VERSION as POSTGRES_VERSION } from "../../src/storage/postgres/connection/schema.ts";
import { openForWriting } from "../../src/storage/sqlite/connection/files.ts";
import { newPostgres } from "../databases/postgres.ts";
import { folderOfEachTest, post, startPostern } from "../faults/postern-process.ts";
import { writeFirstRelease } from "../first-release.ts";
import { until } from "../until.ts";
import { postern, ROOT } from "./postern.ts";

const folder = folderOfEachTest();
const LONG_MS = 120_000;
const UPGRADES = /^(schema upgraded|an index of an earlier version is made anew|the new index is in use)$/;
const ms = expect.any(Number);

/** The lines about upgrades of a start and a stop; `ready` is waited for between them. */
async function upgradesOf(database: string, ready: (log: readonly string[]) => boolean = () => true) {
  const served = await startPostern({ database });
  await until("what is awaited", () => ready(served.log()));
  served.kill("SIGTERM");
  expect(await served.exited).toBe(0);
  return served
    .log()
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ message }) => UPGRADES.test(String(message)))
    .map(({ timestamp, level, ...fields }) => fields);
}

function versionOf(path: string): number {
  using file = new Database(path, { readonly: true });
  return (file.query("pragma user_version").get() as { user_version: number }).user_version;
}

function change(path: string, sql: string): void {
  using file = new Database(path);
  file.run(sql);
}

/** Of 0.1: its schema is version 3. */
function firstRelease(): string {
  const path = join(folder(), "app.db");
  const db = openForWriting(path);
  writeFirstRelease(db);
  db.close();
  return path;
}

test(
  "a start on a SQLite file of 0.1 says from which schema to which, and the next one nothing",
  async () => {
    const path = firstRelease();
    const first = await upgradesOf(path);
    expect(first).toEqual([{ message: "schema upgraded", file: path, from: 3, to: versionOf(path), ms }]);
    expect(await upgradesOf(path)).toEqual([]);
  },
  LONG_MS,
);

test(
  "an index of an earlier version, or by other rules, says which when it is made anew",
  async () => {
    const path = join(folder(), "app.db");
    expect(await upgradesOf(path)).toEqual([]);
    const index = `${path}-index1`;
    const to = versionOf(index);
    const anew = { message: "an index of an earlier version is made anew", file: index };
    change(index, "pragma user_version = 4");
    expect(await upgradesOf(path)).toEqual([{ ...anew, from: 4, to }]);
    change(index, "update identity set rules = 'fold 1, pieces 1'");
    expect(await upgradesOf(path)).toEqual([
      { ...anew, from: "fold 1, pieces 1", to: expect.stringContaining("fold ") },
    ]);
    const served = await startPostern({ database: path });
    await post(served.url, "m1");
    served.kill("SIGTERM");
    await served.exited;
    change(index, `pragma user_version = ${to - 1}`);
    const isRenewed = (log: readonly string[]) =>
      log.some((line) => line.includes("the new index is in use"));
    expect(await upgradesOf(path, isRenewed)).toEqual([
      { message: "the new index is in use", file: `${path}-index2`, from: to - 1, to, ms },
    ]);
  },
  LONG_MS,
);

test(
  "a start on a PostgreSQL database of an earlier version says what it got, and the next one nothing",
  async () => {
    const database = await newPostgres();
    expect(await upgradesOf(database.url)).toEqual([]);
    const client = new Bun.SQL(database.url);
    await client.unsafe("drop table refusals; alter table events drop column type");
    await client.close();
    const version = POSTGRES_VERSION;
    expect(await upgradesOf(database.url)).toEqual([
      { message: "schema upgraded", from: version, to: version, ms, added: "refusals, events.type" },
    ]);
    expect(await upgradesOf(database.url)).toEqual([]);
    await database.drop();
  },
  LONG_MS,
);

test("commands that upgrade a file say so, and those that only read it don't", async () => {
  const path = firstRelease();
  const env = { DATABASE_URL: `sqlite:///${path}` };
  expect((await postern(["export"], { env })).stderr).toBe("");
  const { code, stderr } = await postern(["doctor", "--rebuild"], { env });
  expect(code).toBe(0);
  expect(stderr).toMatch(/app\.db was upgraded in \d+ ms: schema 3 to \d+\n/);
  expect((await postern(["doctor", "--rebuild"], { env })).stderr).toBe("");
});

test("the changelog names the schemas of each version, those of the newest as the code makes them", async () => {
  const changelog = readFileSync(join(ROOT, "CHANGELOG.md"), "utf8");
  const versions = changelog.match(/^## .*$/gm) ?? [];
  const schemas = [...changelog.matchAll(/^## .*\n\nSchema: (\d+) \(SQLite\), (\d+) \(PostgreSQL\)\./gm)];
  expect(schemas.map(([line]) => line.split("\n")[0] ?? "")).toEqual([...versions]);
  const path = join(folder(), "app.db");
  await upgradesOf(path);
  expect(schemas[0]?.slice(1).map(Number)).toEqual([versionOf(path), POSTGRES_VERSION]);
});
