/**
 * What a service says and does about SQLite's files: their sizes, and the index file that follows
 * the log.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { newSqlite, type SqliteDatabase } from "../databases/sqlite.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";

const TOKEN = "token-of-the-administrator";
let database: SqliteDatabase;
let service: TestService;
beforeEach(async () => {
  database = await newSqlite();
  service = await newService({ API_TOKEN: TOKEN }, { database });
});
afterEach(async () => {
  await service.stop();
  await database.drop();
});

test("the sizes of the files are there, and how far each follower is behind comes to rest", async () => {
  for (let index = 0; index < 30; index++) await service.post(message(`m${index}`));
  for (const follower of ["time", "senders", "search"]) {
    const series = `postern_follower_lag_rows{follower="${follower}"}`;
    await until(`${follower} to catch up`, async () => (await service.metric(series)) === 0);
  }
  expect(await service.metric("store_index_bytes")).toBeGreaterThan(4096);
  expect(await service.metric("store_wal_bytes")).toBeGreaterThan(0);
});

test("an index that is made anew is a file that takes the place of the old one", async () => {
  await service.post(message("m1"));
  const indexes = () => readdirSync(dirname(database.path)).filter((name) => /-index\d+$/.test(name));
  await until("the first file", () => indexes().join() === "messages.db-index1");
  const headers = { Authorization: `Bearer ${TOKEN}` };
  expect((await service.send("/admin/rebuild-index", { headers })).status).toBe(202);
  await until("the new file alone", () => indexes().join() === "messages.db-index2");
});
