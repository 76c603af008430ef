/** An index file of the version before types: it serves until a new one has been made beside it. */
import { Database as File } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Store } from "../../src/core/store.ts";
import { openForReading } from "../../src/storage/sqlite/connection/files.ts";
import { INDEX_LIMITS } from "../../src/storage/sqlite/derived/followers.ts";
import { indexNumbers, indexPath, openIndex } from "../../src/storage/sqlite/derived/index-file.ts";
import { LogIndex } from "../../src/storage/sqlite/derived/log-index.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { post } from "../contract/posts-contract.ts";
import { newSqlite, type SqliteDatabase } from "../databases/sqlite.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";

const OLD_VERSION = 8;
const MESSAGES = 3000;

let database: SqliteDatabase;
beforeEach(async () => {
  database = await newSqlite();
});
afterEach(() => database.drop());

const open = (): Promise<Store> => openForTest({ engine: "sqlite", path: database.path });

/** Derived from nothing by the followers as they were. */
function makeOldIndex(): void {
  const path = indexPath(database.path, 1);
  using log = openForReading(database.path);
  const index = openIndex(log, database.path, 1, 1024);
  if (index === undefined) throw new Error(`${path} can't be made`);
  index.run(`pragma user_version = ${OLD_VERSION}`);
  const old = new LogIndex(index, database.path, 1, INDEX_LIMITS);
  while (old.advance() > 0);
  old.close();
}

test("an index of the version before types serves until one with types has taken its place", async () => {
  const first = await open();
  await first.append({ messages: Array.from({ length: MESSAGES }, (_, index) => message(`n${index}`)) });
  await first.append(post("wa", [message("wa:1", { text: "an image" })], [], "image"));
  await first.close();
  for (const number of indexNumbers(database.path))
    for (const end of ["", "-wal", "-shm"])
      await Bun.file(indexPath(database.path, number) + end)
        .delete()
        .catch(() => undefined);
  makeOldIndex();
  expect(await database.differences()).toEqual([]);
  const store = await open();
  try {
    const all = { limit: 5, offset: 0 };
    const check = async () => {
      expect(await store.list({ ...all, type: "image" })).toMatchObject({ total: 1 });
      expect(await store.list({ ...all, type: "text" })).toMatchObject({ total: 0, data: [] });
      expect(await store.list({ ...all, q: "an image" })).toMatchObject({ total: 1 });
      expect(await store.list({ ...all, source: "native" })).toMatchObject({ total: MESSAGES });
    };
    await check();
    await until("the new file alone", () => indexNumbers(database.path).join() === "2");
    await check();
  } finally {
    await store.close();
  }
  using index = new File(indexPath(database.path, 2), { readonly: true });
  expect(index.query("pragma user_version").get()).toEqual({ user_version: OLD_VERSION + 1 });
  expect(await database.differences()).toEqual([]);
});
