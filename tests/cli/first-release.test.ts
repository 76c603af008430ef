/** What 0.1 stored goes on: its SQLite file, its export, and both on their way to PostgreSQL. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { openForWriting } from "../../src/storage/sqlite/connection/files.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { FIRST_EXPORT, writeFirstRelease } from "../first-release.ts";
import { type Folder, newFolder } from "../folder.ts";
import { message } from "../messages.ts";
import { newPostgresDatabase } from "../postgres/server.ts";
import { exportOf, importInto } from "./exported.ts";
import { postern } from "./postern.ts";

const LONG_MS = 120_000;

let folder: Folder;
let path: string;
beforeEach(() => {
  folder = newFolder();
  path = join(folder.path, "messages.db");
});
afterEach(() => folder.remove());

const url = () => `sqlite:///${path}`;
const recordsOf = (log: string): Record<string, unknown>[] =>
  log
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

const ways = [
  {
    what: "a SQLite file of 0.1",
    make: async () => {
      const db = openForWriting(path);
      writeFirstRelease(db);
      db.close();
    },
  },
  { what: "an export of 0.1 that is imported", make: () => importInto(url(), FIRST_EXPORT) },
];

for (const { what, make } of ways) {
  test(`${what} is served with every message, event, body and number, and goes on`, async () => {
    await make();
    const store = await openForTest({ engine: "sqlite", path });
    expect(await store.list({ limit: 10, offset: 0 })).toMatchObject({
      total: 3,
      data: [
        { message_id: "m1", text: "Grüße 😀" },
        { message_id: "m2", text: null },
        { message_id: "wa:A" },
      ],
    });
    const found = await store.message("wa:A");
    expect(found).toMatchObject({
      seq: 4,
      source: "wa",
      type: "text",
      events: [{ seq: 5, event_key: "A read" }],
    });
    expect(Buffer.from(found?.body ?? []).toString()).toBe('{"id":"A","text":"Hi"}');
    expect(await store.stats()).toMatchObject({ total_messages: 3, senders_count: 2 });
    expect(await store.append({ messages: [message("m1"), message("later")] })).toEqual([
      "differs",
      "created",
    ]);
    expect(await store.message("later")).toMatchObject({ seq: 10 });
    await store.close();
    const records = recordsOf(await exportOf(url()));
    expect(records.slice(0, -1)).toMatchObject(recordsOf(FIRST_EXPORT));
  });

  test(
    `${what} moves to PostgreSQL with every number, and goes on there`,
    async () => {
      await make();
      const target = await newPostgresDatabase();
      const { code, stderr } = await postern(["migrate", "--from", url(), "--to", target.url]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(recordsOf(await exportOf(target.url))).toMatchObject(recordsOf(FIRST_EXPORT));
      const store = await openForTest({ engine: "postgres", url: target.url });
      expect(await store.append({ messages: [message("m1"), message("later")] })).toEqual([
        "differs",
        "created",
      ]);
      expect(await store.message("wa:A")).toMatchObject({ seq: 4, events: [{ seq: 5 }] });
      expect(await store.message("later")).toMatchObject({ seq: 10 });
      expect(await store.stats()).toMatchObject({ total_messages: 4 });
      await store.close();
      await target.drop();
    },
    LONG_MS,
  );
}
