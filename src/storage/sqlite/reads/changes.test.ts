import type { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type Folder, newFolder } from "../../../../tests/folder.ts";
import { message } from "../../../../tests/messages.ts";
import { systemClock } from "../../../lib/clock.ts";
import { Damaged, type DamagedRow } from "../connection/damage.ts";
import { openForWriting } from "../connection/files.ts";
import { migrate } from "../connection/schema.ts";
import { commitGroup } from "../ingest/group-commit.ts";
import { Logs } from "../ingest/logs.ts";
import { ChangeReader } from "./changes.ts";

let folder: Folder;
let db: Database;
let reader: ChangeReader;
let told: DamagedRow[];
beforeEach(() => {
  folder = newFolder();
  const path = join(folder.path, "messages.db");
  db = openForWriting(path);
  migrate(db, path);
  const logs = new Logs(db);
  const createdAt = "2026-01-01T00:00:00.000Z";
  const span = { start: 0, end: 1 };
  const event = {
    kind: "status",
    type: null,
    key: "e",
    messageId: null,
    ts: "2025-01-15T10:00:00Z",
    span,
  } as const;
  const details = [{ type: "text", span }];
  const post = { source: "wa", body: Buffer.from("body").toString("base64"), details, events: [event] };
  commitGroup(db, logs, [
    { createdAt, messages: [message("m1"), message("m2")] },
    { createdAt, messages: [message("wa:1")], post },
    { createdAt, messages: [message("m3")] },
  ]);
  logs.close();
  told = [];
  reader = new ChangeReader(db, systemClock, (row) => told.push(row));
});
afterEach(() => {
  db.close();
  folder.remove();
});

const read = (after = 0, bodies = true) => reader.read({ after, limit: 10, bodies });

test("nobody is told anything of sound rows", () => {
  expect(read().records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  expect(told).toEqual([]);
});

test("damaged rows are told, each with what of it is damaged, and given as they are", () => {
  db.run("update messages set text = 'changed' where message_id = 'm2'");
  db.run("update details set type = 'changed'");
  db.run("update events set kind = 'edit'");
  db.run("update deliveries set body = x'00'");
  const { records, bodies } = read();
  expect(records).toMatchObject([
    { seq: 1, text: "Hello" },
    { seq: 2, text: "changed" },
    { seq: 3, type: "changed" },
    { seq: 4, kind: "edit" },
    { seq: 5 },
  ]);
  expect([...bodies]).toEqual([[3, Uint8Array.of(0)]]);
  expect(told).toEqual([
    { table: "messages", seq: 2, messageId: "m2" },
    { table: "details", seq: 3, messageId: "wa:1" },
    { table: "events", seq: 4, messageId: null },
    { table: "deliveries", seq: 3, messageId: "wa:1" },
  ]);
});

test("a POST whose bytes are gone is told, and is empty", () => {
  db.run("delete from deliveries");
  expect([...read().bodies]).toEqual([[3, new Uint8Array()]]);
  expect(told).toEqual([{ table: "deliveries", seq: 3, messageId: "wa:1" }]);
});

test("a number that the disk has changed takes nobody past the rows behind it", () => {
  db.run("update messages set seq = 1000 where message_id = 'm2'");
  expect(() => read()).toThrow(Damaged);
});

test("rows that were deleted by hand leave the others in their order", () => {
  db.run("delete from messages where message_id in ('m1', 'm2')");
  expect(read().records.map(({ seq }) => seq)).toEqual([3, 4, 5]);
  expect(read(3).records.map(({ seq }) => seq)).toEqual([4, 5]);
});
