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

/** What came with version 7. */
const DELIVERIES = ["destinations", "failures", "replays"];
const metaKeys = () =>
  db
    .query<{ key: string }, []>("select key from meta order by key")
    .all()
    .map(({ key }) => key);
test("a new file gets the columns of the contract, and a second migration changes nothing", () => {
  migrate(db, path);
  const schema = () => db.query("select * from sqlite_schema").all();
  const columns = db.query<{ name: string; pk: number }, []>("pragma table_info(messages)").all();
  const names = columns.map(({ name }) => name);
  for (const name of ["message_id", "from_msisdn", "to_msisdn", "ts", "text", "created_at"])
    expect(names).toContain(name);
  expect(columns.filter(({ pk }) => pk > 0).map(({ name }) => name)).toEqual(["message_id"]);
  const before = schema();
  migrate(db, path);
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
  const older = (seq: number, receivedAt: string) =>
    db.run(
      `insert into messages values ('m${seq}', '+1', '+2', '2025-01-15T10:00:00Z', 'a', '${receivedAt}', ${seq},
        '2025-01-15T10:00:00', null)`,
    );
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
