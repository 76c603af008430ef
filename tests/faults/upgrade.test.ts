import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { openForReading, openForWriting } from "../../src/storage/sqlite/connection/files.ts";
import { until } from "../until.ts";
import { writeVersion1 } from "../version1.ts";
import { whatDiffers } from "./examination.ts";
import { folderOfEachTest, post, startPostern } from "./postern-process.ts";

const folder = folderOfEachTest();
/** So many that the index takes several steps, and a kill finds it half made. */
const MESSAGES = 150_000;
const SENDER = "/messages?limit=2&from=%2B1";

const read =
  (url: string) =>
  async (path: string): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${url}${path}`);
    return { status: answer.status, ...((await answer.json()) as object) };
  };

/** Of messages. */
function indexesOf(path: string): string[] {
  using db = openForReading(path);
  const sql =
    "select name from sqlite_schema where type = 'index' and tbl_name = 'messages' and sql is not null";
  const rows = db.query(sql).values();
  return rows.map(([name]) => String(name));
}

/** Rows that every follower had taken, in whatever index file there is. */
function indexedRows(path: string): number {
  using db = new Database(`${path}-index1`, { readonly: true });
  const row = db
    .query<{ row: number }, []>("select min(row) as row from followers where name <> 'events'")
    .get();
  return row?.row ?? 0;
}

function version1(): string {
  const database = join(folder(), "app.db");
  const old = openForWriting(database);
  writeVersion1(old, MESSAGES);
  old.close();
  return database;
}

test("a database of version 1 is served at once", async () => {
  const postern = await startPostern({ database: version1() });
  expect((await post(postern.url, "m1", "Hi"))?.headers.get("postern-result")).toBe("duplicate");
  expect((await post(postern.url, "new one"))?.headers.get("postern-result")).toBe("ok");
  const asked = await Promise.all(["/stats", SENDER, "/messages?limit=1&q=hello"].map(read(postern.url)));
  expect(asked).toMatchObject([
    { status: 200, total_messages: MESSAGES + 1, senders_count: 2 },
    { status: 200, total: MESSAGES, data: [{ message_id: "m0" }, { message_id: "m1" }] },
    { status: 200, total: 1, data: [{ message_id: "new one" }] },
  ]);
}, 120_000);

test("the index of a database of version 1 is made to its end, also after a kill in the middle", async () => {
  const database = version1();
  const killed = await startPostern({ database });
  await until("a part of the index", () => indexedRows(database) > 0);
  killed.kill("SIGKILL");
  await killed.exited;
  expect(indexedRows(database)).toBeLessThan(MESSAGES);
  expect(indexesOf(database)).toEqual(["messages_by_time"]);

  const postern = await startPostern({ database });
  expect(await read(postern.url)(SENDER)).toMatchObject({ status: 200, total: MESSAGES });
  await until("the index is made and the old one dropped", () => indexesOf(database).length === 0);
  expect(await Promise.all(["/stats", SENDER].map(read(postern.url)))).toMatchObject([
    { total_messages: MESSAGES, senders_count: 1 },
    { total: MESSAGES, data: [{ message_id: "m0" }, { message_id: "m1" }] },
  ]);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect(whatDiffers(database)).toEqual([]);
}, 120_000);
