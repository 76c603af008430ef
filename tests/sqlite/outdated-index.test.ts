/** Index files of earlier versions: they serve until a new one has been made beside them. */
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

const VERSION = 10;
const WITHOUT_TYPES = 8;
const WITHOUT_LAST_MESSAGES = 9;
/** As those versions had it. */
const WITHOUT = "drop table last_messages; drop table waiting_last_messages;";
const MESSAGES = 3000;

let database: SqliteDatabase;
beforeEach(async () => {
  database = await newSqlite();
});
afterEach(() => database.drop());

const open = (): Promise<Store> => openForTest({ engine: "sqlite", path: database.path });

/** Derived from nothing by the followers as they were. */
function makeOldIndex(version: number): void {
  const path = indexPath(database.path, 1);
  using log = openForReading(database.path);
  const index = openIndex(log, database.path, 1, 1024);
  if (index === undefined) throw new Error(`${path} can't be made`);
  index.run(`${WITHOUT} pragma user_version = ${version}`);
  const old = new LogIndex(index, database.path, 1, INDEX_LIMITS);
  while (old.advance() > 0);
  old.close();
}

test.each([
  ["types", WITHOUT_TYPES],
  ["last messages", WITHOUT_LAST_MESSAGES],
])("an index of the version before %s serves until one with them has taken its place", async (_, version) => {
  const first = await open();
  await first.append({ messages: Array.from({ length: MESSAGES }, (_, index) => message(`n${index}`)) });
  await first.append(post("wa", [message("wa:1", { text: "an image" })], [], "image"));
  await first.close();
  for (const number of indexNumbers(database.path))
    for (const end of ["", "-wal", "-shm"])
      await Bun.file(indexPath(database.path, number) + end)
        .delete()
        .catch(() => undefined);
  makeOldIndex(version);
  expect(await database.differences()).toEqual([]);
  const store = await open();
  try {
    const all = { limit: 5, offset: 0 };
    const check = async () => {
      expect(await store.list({ ...all, type: "image" })).toMatchObject({ total: 1 });
      expect(await store.list({ ...all, type: "text" })).toMatchObject({ total: 0, data: [] });
      expect(await store.list({ ...all, q: "an image" })).toMatchObject({ total: 1 });
      expect(await store.list({ ...all, source: "native" })).toMatchObject({ total: MESSAGES });
      const last = { message_id: "wa:1", text: "an image", source: "wa", type: "image" };
      expect(await store.listSenders({ ...all, order: "desc" })).toMatchObject({
        data: [{ count: MESSAGES + 1, last_message: last }],
        total: 1,
      });
      expect(await store.stats()).toMatchObject({ senders_count: 1, total_messages: MESSAGES + 1 });
    };
    await check();
    await until("the new file alone", () => indexNumbers(database.path).join() === "2");
    await check();
  } finally {
    await store.close();
  }
  using index = new File(indexPath(database.path, 2), { readonly: true });
  expect(index.query("pragma user_version").get()).toEqual({ user_version: VERSION });
  expect(await database.differences()).toEqual([]);
});
