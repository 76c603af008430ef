import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type Folder, newFolder } from "../../../../tests/folder.ts";
import { message } from "../../../../tests/messages.ts";
import { writeVersion1 } from "../../../../tests/version1.ts";
import { StartRefused } from "../../../core/errors.ts";
import { commitGroup } from "../ingest/group-commit.ts";
import { Logs } from "../ingest/logs.ts";
import { examine } from "../maintenance/doctor.ts";
import { exportSlices } from "../maintenance/export.ts";
import { countDeletions } from "./deletions.ts";
import { readDisorder } from "./disorder.ts";
import { openForWriting } from "./files.ts";
import { dropOldIndex, migrate } from "./schema.ts";

let folder: Folder;
let path: string;
let db: Database;
beforeEach(() => {
  folder = newFolder();
  path = join(folder.path, "messages.db");
  db = openForWriting(path);
});
afterEach(() => {
  db.close();
  folder.remove();
});

/** What came with version 10, and before it with version 7. */
const SERIES = [
  ...["record_counts", "request_counts", "series_state", "series_writes"],
  ...["last_records", "refusals"],
];
const DELIVERIES = ["destinations", "failures", "replays", ...SERIES];
const metaKeys = () =>
  db
    .query<{ key: string }, []>("select key from meta order by key")
    .all()
    .map(({ key }) => key);
test("a new file gets the columns of the contract, and a second migration changes nothing", () => {
  expect(migrate(db, path)).toBeUndefined();
  const schema = () => db.query("select * from sqlite_schema").all();
  const columns = db.query<{ name: string; pk: number }, []>("pragma table_info(messages)").all();
  const names = columns.map(({ name }) => name);
  for (const name of ["message_id", "from_msisdn", "to_msisdn", "ts", "text", "created_at"])
    expect(names).toContain(name);
  expect(columns.filter(({ pk }) => pk > 0).map(({ name }) => name)).toEqual(["message_id"]);
  const before = schema();
  expect(migrate(db, path)).toBeUndefined();
  expect(schema()).toEqual(before);
});

test("the pragmas that the promise rests on are set", () => {
  const pragma = (name: string) =>
    Object.values(db.query<Record<string, unknown>, []>(`pragma ${name}`).get() ?? {})[0];
  expect([pragma("journal_mode"), pragma("synchronous"), pragma("wal_autocheckpoint")]).toEqual([
    "wal",
    2,
    0,
  ]);
});

const names = (type: string) =>
  db
    .query<{ name: string }, [string]>(
      "select name from sqlite_schema where type = ? and name not like 'sqlite_%' order by name",
    )
    .all(type)
    .map(({ name }) => name);

test("a file of version 1 keeps its rows and goes on counting; its index is dropped when nobody needs it", () => {
  writeVersion1(db, 3);
  migrate(db, path);
  const indexes = names("index");
  expect(indexes).toContain("messages_by_time");
  expect(metaKeys()).toEqual(["log_id", "probe", "received_disorder"]);
  const logs = new Logs(db);
  const outcomes = commitGroup(db, logs, [
    { createdAt: "2026-01-01T00:00:00.000Z", messages: [message("m1"), message("new")] },
  ]);
  logs.close();
  expect(outcomes).toEqual([["differs", "created"]]);
  const rows = db.query<{ message_id: string; seq: number }, []>(
    "select message_id, seq from messages order by rowid",
  );
  expect(rows.values() as unknown).toEqual([
    ["m0", 10],
    ["m1", 12],
    ["m2", 14],
    ["new", 15],
  ]);
  expect(dropOldIndex(db)).toBe(true);
  expect(dropOldIndex(db)).toBe(false);
  expect(names("index")).toEqual(indexes.filter((name) => name !== "messages_by_time"));
});

test("a file of version 2 keeps its rows, and takes what providers' POSTs hold", () => {
  migrate(db, path);
  for (const table of ["deliveries", "details", "events", "sources", "consumers", ...DELIVERIES])
    db.run(`drop table ${table}`);
  db.run("alter table messages drop column checksum");
  db.run(
    `insert into messages values ('m1', '+1', '+2', '2025-01-15T10:00:00Z', null, '', 7, '2025-01-15T10:00:00')`,
  );
  db.run("pragma user_version = 2");
  migrate(db, path);
  const logs = new Logs(db);
  const event = {
    kind: "status",
    type: null,
    key: "k",
    messageId: null,
    ts: "2025-01-15T10:00:00Z",
    span: { start: 0, end: 1 },
  } as const;
  const post = { source: "wa", body: "aGk=", details: [], events: [event] };
  expect(commitGroup(db, logs, [{ createdAt: "", messages: [], post }])).toEqual([["created"]]);
  logs.close();
  expect(db.query("select seq from events").values()).toEqual([[8]]);
});

test("a file of version 3 keeps its rows, which count as sound; those that come have checksums", () => {
  migrate(db, path);
  withoutHeaders();
  withoutEventTypes();
  for (const table of ["messages", "details", "deliveries", "events"])
    db.run(`alter table ${table} drop column checksum`);
  for (const table of ["consumers", ...DELIVERIES]) db.run(`drop table ${table}`);
  db.run(
    `insert into messages values ('m1', '+1', '+2', '2025-01-15T10:00:00Z', 'a', '', 7, '2025-01-15T10:00:00')`,
  );
  db.run("pragma user_version = 3");
  expect([...exportSlices(path, 0)].flat()).toMatchObject([{ message_id: "m1", text: "a" }]);
  expect(findings()).toEqual([]);
  migrate(db, path);
  const logs = new Logs(db);
  commitGroup(db, logs, [{ createdAt: "2026-01-01T00:00:00.000Z", messages: [message("m2")] }]);
  logs.close();
  const stored = db.query("select checksum is null from messages order by rowid").values();
  expect(stored).toEqual([[1], [0]]);
  expect(findings()).toEqual([]);
  db.run("update messages set text = 'b'");
  expect(() => [...exportSlices(path, 0)]).toThrow('the message with seq 8 (message_id "m2") is damaged');
  expect(findings()).toEqual(['the message with seq 8 (message_id "m2") is damaged: the checksum differs']);
});

test("a file of version 4 keeps its rows, and counts from then on those that somebody deletes", () => {
  migrate(db, path);
  withoutHeaders();
  withoutEventTypes();
  const triggers = () => names("trigger");
  const all = triggers();
  for (const name of all) db.run(`drop trigger ${name}`);
  for (const table of ["consumers", ...DELIVERIES]) db.run(`drop table ${table}`);
  db.run(
    `insert into messages values ('m1', '+1', '+2', '2025-01-15T10:00:00Z', 'a', '', 7, '2025-01-15T10:00:00', null)`,
  );
  db.run("pragma user_version = 4");
  migrate(db, path);
  expect([all.length, triggers()]).toEqual([6, all]);
  expect(countDeletions(db)).toBe(0);
  db.run("delete from messages");
  expect(countDeletions(db)).toBe(1);
  db.run("insert into sources values ('wa')");
  db.run("delete from sources");
  expect(countDeletions(db)).toBe(1);
});

test("a file of version 5 takes consumers, and its times of receipt are taken for disordered as far as it goes", () => {
  migrate(db, path);
  withoutHeaders();
  const older = (seq: number, receivedAt: string) =>
    db.run(
      `insert into messages values ('m${seq}', '+1', '+2', '2025-01-15T10:00:00Z', 'a', '${receivedAt}', ${seq},
        '2025-01-15T10:00:00', null)`,
    );
  withoutEventTypes();
  for (const table of ["consumers", ...DELIVERIES]) db.run(`drop table ${table}`);
  older(7, "2026-01-02T00:00:00.000Z");
  older(9, "2026-01-01T00:00:00.000Z");
  db.run("pragma user_version = 5");
  migrate(db, path);
  expect(names("table")).toContain("consumers");
  expect(readDisorder(db)).toEqual({ seq: 9, latest: "2026-01-01T00:00:00.000" });
});

test("a file of version 6 takes what is kept of deliveries, and counts it", () => {
  migrate(db, path);
  const schema = () => db.query("select type, name, sql from sqlite_schema order by name").all();
  const fresh = schema();
  withoutHeaders();
  withoutEventTypes();
  for (const table of DELIVERIES) db.run(`drop table ${table}`);
  db.run("insert into consumers values ('c', '{}', 'x.1', 1, null)");
  db.run("pragma user_version = 6");
  migrate(db, path);
  expect(schema()).toEqual(fresh);
  expect(db.query("select count(*) from consumers").values()).toEqual([[1]]);
  const figures = () => db.query("select waiting, dead from destinations").values()[0] as unknown[];
  db.run("insert into destinations (name, position, version) values ('a', 'x.1', 0), ('b', 'x.1', 0)");
  for (const [seq, state] of [
    [1, "waiting"],
    [2, "waiting"],
    [3, "dead"],
  ])
    db.run(
      `insert into failures (destination, seq, replay, position, kind, source, sender, state, attempts)
       values ('a', ${seq}, '', 'x.${seq}', 'message', 'native', '', '${state}', 1)`,
    );
  expect(figures()).toEqual([2, 1]);
  db.run("update failures set state = 'dead' where seq < 3");
  expect(figures()).toEqual([0, 3]);
  db.run("delete from failures where seq = 2");
  expect(figures()).toEqual([0, 2]);
});

test("a file of version 7 keeps its events, which have no type and count as sound; those that come have theirs", () => {
  migrate(db, path);
  withoutHeaders();
  withoutEventTypes();
  for (const table of SERIES) db.run(`drop table ${table}`);
  db.run("insert into deliveries values (1, cast('ab' as blob), null)");
  const of = { seq: 1, source: "wa", kind: "status", type: null, event_key: "old", message_id: null };
  const times = { ts: "2025-01-15T10:00:00Z", created_at: "2025-01-15T10:00:01.000Z" };
  // As that version computed it.
  const checksum =
    Bun.hash.crc32(["1\0wa\0status\0old\0\0", times.ts, times.created_at, 1, 0, 1].join("\0")) | 0;
  db.run(
    `insert into events values (1, 1, 'wa', 'status', 'old', null, '${times.ts}', '2025-01-15T10:00:00',
      '${times.created_at}', 1, 0, 1, ${checksum})`,
  );
  db.run("pragma user_version = 7");
  const old = { ...of, ...times, delivery: 1, start: 0, stop: 1 };
  const events = () => [...exportSlices(path, 0)].flat().filter((record) => "event_key" in record);
  expect(events()).toEqual([old as never]);
  expect(findings()).toEqual([]);
  migrate(db, path);
  const logs = new Logs(db);
  const event = { kind: "status", type: "read", key: "new", messageId: null, ts: times.ts } as const;
  const post = {
    source: "wa",
    body: "aGk=",
    details: [],
    events: [{ ...event, span: { start: 0, end: 1 } }],
  };
  expect(commitGroup(db, logs, [{ createdAt: times.created_at, messages: [], post }])).toEqual([["created"]]);
  logs.close();
  expect(events()).toMatchObject([old, { event_key: "new", type: "read" }]);
  expect(findings()).toEqual([]);
  db.run("update events set type = 'sent' where event_key = 'new'");
  expect(events).toThrow("the event with seq 2 is damaged");
});

/** As versions before 8 had them. */
function withoutEventTypes(): void {
  db.run("alter table events drop column type");
}

test("a file of version 8 keeps its POSTs, which have no headers and count as sound; those that come have theirs", () => {
  migrate(db, path);
  withoutHeaders();
  for (const table of SERIES) db.run(`drop table ${table}`);
  const body = Buffer.from("ab");
  db.run("insert into deliveries values (1, ?, ?)", [body, Bun.hash.crc32(body) | 0]);
  const times = { ts: "2025-01-15T10:00:00Z", createdAt: "2025-01-15T10:00:01.000Z" };
  const row = { seq: 1, source: "wa", kind: "status", event_key: "old", message_id: null };
  const part = { ts: times.ts, created_at: times.createdAt, delivery: 1, start: 0, stop: 1 };
  db.run(
    `insert into events (seq, source, kind, event_key, ts, ts_key, created_at, delivery, start, stop)
     values (1, 'wa', 'status', 'old', '${times.ts}', '2025-01-15T10:00:00', '${times.createdAt}', 1, 0, 1)`,
  );
  db.run("pragma user_version = 8");
  const old = [
    { delivery: 1, body_base64: "YWI=" },
    { ...row, ...part },
  ];
  const exportedNow = () => [...exportSlices(path, 0)].flat();
  expect(exportedNow()).toMatchObject(old);
  expect(exportedNow()[0]).not.toHaveProperty("headers");
  expect(findings()).toEqual([]);
  migrate(db, path);
  const logs = new Logs(db);
  const span = { start: 0, end: 1 };
  const event = { kind: "status", type: null, key: "new", messageId: null, ts: times.ts, span } as const;
  const headers = { "x-a": "1" };
  const post = { source: "wa", body: "aGk=", headers, details: [], events: [event] };
  expect(commitGroup(db, logs, [{ createdAt: times.createdAt, messages: [], post }])).toEqual([["created"]]);
  logs.close();
  expect(exportedNow()).toMatchObject([...old, { delivery: 2, body_base64: "aGk=", headers }, { seq: 2 }]);
  expect(findings()).toEqual([]);
  // The checksum covers them, and what the disk has made of them is no reason to give nothing.
  db.run("update deliveries set headers = '{' where delivery = 2");
  expect(exportedNow).toThrow("is damaged");
  expect(findings()).toHaveLength(1);
});

/** As versions before 9 had them. */
function withoutHeaders(): void {
  db.run("alter table deliveries drop column headers");
}

test("a file of version 9 takes numbers over time, and nothing is counted yet", () => {
  migrate(db, path);
  const schema = () => db.query("select type, name, sql from sqlite_schema order by name").all();
  const fresh = schema();
  for (const table of SERIES) db.run(`drop table ${table}`);
  db.run("insert into destinations (name, position, version) values ('a', 'x.1', 0)");
  db.run("pragma user_version = 9");
  expect(findings()).toEqual([]);
  migrate(db, path);
  expect(schema()).toEqual(fresh);
  expect(db.query("select position, at from series_state").values()).toEqual([[null, null]]);
  expect(db.query("select count(*) from destinations").values()).toEqual([[1]]);
});

function findings(): readonly string[] {
  const examination = examine(path);
  let step = examination.next();
  while (step.done !== true) step = examination.next();
  return step.value.parts.flatMap((part) => part.findings);
}

test("a newer file and a stranger's are refused and left as they were", () => {
  migrate(db, path);
  db.run("pragma user_version = 99");
  expect(() => migrate(db, path)).toThrow(StartRefused);
  using theirs = new Database(join(folder.path, "theirs.db"));
  theirs.run("create table messages (id)");
  expect(() => migrate(theirs, "theirs.db")).toThrow(/another program/);
  expect(theirs.query("select name from sqlite_schema").all()).toEqual([{ name: "messages" }]);
});
