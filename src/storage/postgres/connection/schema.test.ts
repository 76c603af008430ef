/** Which servers and databases are refused. What the tables are: tests/postgres/schema.test.ts. */
import { describe, expect, test } from "bun:test";
import { connectionOf, sessionOf } from "../../../../tests/postgres/answering-session.ts";
import { StartRefused } from "../../../core/errors.ts";
import { FOLD_VERSION } from "../../../core/fold-table.ts";
import type { Direct } from "./direct.ts";
import { checkVersion, migrate, SCHEMA_VERSION } from "./schema.ts";

interface Server {
  readonly version?: string;
  readonly encoding?: string;
  readonly fsync?: string;
  /** Of the schema; 0 when there is none. */
  readonly schema?: number;
  /** What came later without another version. */
  readonly missing?: string;
  /** Of the Unicode table by which texts were folded. */
  readonly fold?: string;
}

/** A database as its server shows it. */
function database(server: Server) {
  const { version = "140000", encoding = "UTF8", fsync = "on", schema = SCHEMA_VERSION } = server;
  return sessionOf((sql) => {
    if (sql.includes("server_encoding")) return [{ version, encoding, fsync }];
    if (sql.includes("to_regclass('postern_schema')")) return [{ there: schema > 0 }];
    if (sql.includes("as missing")) return [{ missing: server.missing ?? "" }];
    if (sql.includes("max(version)")) return [{ version: schema }];
    if (sql.includes("fold_version")) return [{ value: server.fold ?? FOLD_VERSION }];
    return [];
  });
}

describe("a start is refused", () => {
  test.each<readonly [what: string, server: Server, words: string]>([
    ["on a server before PostgreSQL 14", { version: "130022" }, "older than PostgreSQL 14"],
    ["in an encoding that isn't UTF8", { encoding: "SQL_ASCII" }, "encoding is SQL_ASCII"],
    ["on a server that doesn't sync", { fsync: "off" }, "fsync=off"],
    ["with texts that another Unicode table folded", { fold: "0" }, "folded by version 0"],
    ["with a schema of a newer Postern", { schema: SCHEMA_VERSION + 1 }, "run the newer Postern"],
  ])("%s", async (_, server, words) => {
    const started = migrate(connectionOf(database(server)));
    await expect(started).rejects.toBeInstanceOf(StartRefused);
    await expect(started).rejects.toThrow(words);
  });
});

test("a replica that has used the database before bears a newer schema, and changes nothing", async () => {
  const session = database({ schema: SCHEMA_VERSION + 1 });
  expect(await migrate(connectionOf(session), { newer: "bear" })).toBeUndefined();
  expect(session.asked.filter((sql) => !sql.startsWith("select"))).toEqual([]);
});

test("a schema that is there is left alone, and needs no direct connection", async () => {
  const session = database({});
  const direct = { use: () => Promise.reject(new Error("it is asked for")) } as unknown as Direct;
  expect(await migrate(connectionOf(session), { direct })).toBeUndefined();
  expect(session.asked.filter((sql) => !sql.startsWith("select"))).toEqual([]);
});

test("tables are made under a lock, over the direct connection where there is one", async () => {
  const [pooled, server] = [database({ schema: 0 }), database({ schema: 0 })];
  const direct = { use: (work: (on: unknown) => unknown) => work(connectionOf(server)) } as unknown as Direct;
  expect(await migrate(connectionOf(pooled), { direct })).toBeUndefined();
  expect(pooled.asked.filter((sql) => sql.includes("create table"))).toEqual([]);
  const lock = server.asked.findIndex((sql) => sql.includes("pg_advisory_xact_lock"));
  const tables = server.asked.findIndex((sql) => sql.includes("create table messages"));
  expect(lock).toBeGreaterThanOrEqual(0);
  expect(tables).toBeGreaterThan(lock);
});

test("who only reads is refused where no Postern has been, and where a newer one has", async () => {
  await checkVersion(database({}));
  await expect(checkVersion(database({ schema: 0 }))).rejects.toThrow("no database of Postern's");
  await expect(checkVersion(database({ schema: SCHEMA_VERSION + 1 }))).rejects.toThrow(
    "run the newer Postern",
  );
});
