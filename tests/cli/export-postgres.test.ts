/** `postern export` of a PostgreSQL database, beside the replicas that write to it. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { Intake } from "../../src/core/store.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { type Folder, newFolder } from "../folder.ts";
import { message } from "../messages.ts";
import { newPostgresDatabase, type PostgresDatabase } from "../postgres/server.ts";
import { exportOf, importInto } from "./exported.ts";
import { postern } from "./postern.ts";

let folder: Folder;
let target: PostgresDatabase;
beforeEach(async () => {
  folder = newFolder();
  target = await newPostgresDatabase();
}, 120_000);
afterEach(async () => {
  folder.remove();
  await target.drop();
});

test("an export has what replicas store, once and in the order of seq, also from the middle on", async () => {
  const sqlite = `sqlite:///${join(folder.path, "m.db")}`;
  const replicas = await Promise.all([
    openForTest({ engine: "postgres", url: target.url }),
    openForTest({ engine: "postgres", url: target.url }),
  ]);
  const post = (name: string, parts: number): Intake => ({
    messages: [message(`wa:${name}`), message(`wa:${name}`), message(`wa:${name} more`)],
    post: {
      source: "wa",
      body: Buffer.from(name.repeat(parts)),
      details: Array.from({ length: 3 }, () => ({ type: "text", span: { start: 0, end: 1 } })),
      events: Array.from({ length: parts }, (_, index) => ({
        ...{
          kind: "status",
          type: "read",
          key: `${name} ${index % 3}`,
          messageId: null,
          ts: "2025-01-15T10:00:00Z",
        },
        span: { start: 0, end: 1 },
      })),
    },
  });
  const given = Array.from({ length: 400 }, (_, index) => index);
  await Promise.all(
    given.flatMap((index) =>
      replicas.flatMap((store) => [
        store.append({ messages: [message(`m${index}`)] }),
        store.append(post(`p${index}`, 1 + (index % 5))),
      ]),
    ),
  );
  const all = await exportOf(target.url);
  const records = all
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const seqs = records.filter(({ seq }) => seq !== undefined).map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  const ids = records.filter(({ event_key, ts }) => ts && !event_key).map(({ message_id }) => message_id);
  expect(ids).toHaveLength(1200);
  expect(new Set(ids).size).toBe(1200);
  const some = records.find(({ message_id }) => message_id === "wa:p7 more");
  expect((await replicas[0]?.message("wa:p7 more"))?.seq).toBe(some.seq);
  for (const store of replicas) await store.close();
  await importInto(sqlite, all);
  expect((await exportOf(sqlite)) === all).toBe(true);
  const isSame = async (...more: string[]) =>
    (await exportOf(target.url, ...more)) === (await exportOf(sqlite, ...more));
  for (const since of [2, 500, 501, 502, 503, seqs.length, seqs.length + 1])
    expect([since, await isSame("--since-seq", String(since))]).toEqual([since, true]);
  // As in a database of an earlier version, on which no service has run yet.
  await target.query("drop index messages_by_batch");
  expect(await isSame()).toBe(true);
  expect(await isSame("--since-seq", "501")).toBe(true);
}, 120_000);

test("a database that is nobody's is told in one line", async () => {
  const none = await postern(["export"], { env: { DATABASE_URL: target.url } });
  expect(none).toEqual({
    code: 1,
    stdout: "",
    stderr: "postern: there is no database of Postern's at the URL\n",
  });
});
