import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Folder, newFolder } from "../../../../tests/folder.ts";
import { message } from "../../../../tests/messages.ts";
import { openForWriting } from "../connection/files.ts";
import { migrate } from "../connection/schema.ts";
import { commitGroup, isRefusal, refusalOf } from "./group-commit.ts";
import { Logs } from "./logs.ts";

let folder: Folder;
let path: string;
let db: Database;
let logs: Logs;
beforeEach(() => {
  folder = newFolder();
  path = join(folder.path, "messages.db");
  db = openForWriting(path);
  migrate(db, path);
  logs = new Logs(db);
});
afterEach(() => {
  logs.close();
  db.close();
  folder.remove();
});

const queued = (...ids: string[]) => ({
  createdAt: "2025-01-15T10:00:00.000Z",
  messages: ids.map((id) => message(id)),
});
const commit = (...deliveries: string[][]) =>
  commitGroup(
    db,
    logs,
    deliveries.map((ids) => queued(...ids)),
  );
const stored = () =>
  db
    .query<{ seq: number; message_id: string }, []>("select seq, message_id from messages order by seq")
    .all()
    .map(({ seq, message_id }) => `${seq} ${message_id}`);

/** A constraint that is checked at the commit alone: the message's statement itself succeeds. */
function failAtCommit(messageId: string): void {
  db.run("pragma foreign_keys = on");
  db.run("create table parent (id integer primary key)");
  db.run("create table child (parent integer references parent deferrable initially deferred)");
  db.run(
    `create trigger orphan after insert on messages when new.message_id = '${messageId}' begin insert into child values (1); end`,
  );
}

describe("a commit that fails on data", () => {
  test("a commit that fails on data is tried in halves until the culprit stands alone: 63 are stored and one is refused", () => {
    failAtCommit("bad");
    const ids = Array.from({ length: 64 }, (_, index) => (index === 17 ? "bad" : `good ${index}`));
    const results = commit(...ids.map((id) => [id]));
    expect(results.map((result) => (isRefusal(result) ? result.kind : result.join()))).toEqual(
      ids.map((id) => (id === "bad" ? "data" : "created")),
    );
    expect(stored()).toEqual(ids.filter((id) => id !== "bad").map((id, index) => `${index + 1} ${id}`));
    expect(db.inTransaction).toBe(false);
  });

  test("a commit that fails on data leaves nothing of the culprit's delivery, and its neighbours whole", () => {
    failAtCommit("bad");
    const results = commit(["a", "b"], ["c", "bad", "d"], ["e", "a"]);
    expect(results.map((result) => (isRefusal(result) ? result.kind : [...result]))).toEqual([
      ["created", "created"],
      "data",
      ["created", "duplicate"],
    ]);
    expect(stored()).toEqual(["1 a", "2 b", "3 e"]);
  });

  test("a commit that fails on data with several culprits refuses each of them", () => {
    failAtCommit("bad");
    const results = commit(["bad"], ["a"], ["bad"], ["b"], ["bad"]);
    expect(results.map((result) => (isRefusal(result) ? result.kind : result.join()))).toEqual([
      "data",
      "created",
      "data",
      "created",
      "data",
    ]);
  });
});

test("while another program holds the file the whole group is refused as full, and nothing is halved", () => {
  db.run("pragma busy_timeout = 1");
  using other = new Database(path);
  other.run("begin immediate");
  const results = commit(["a"], ["b"], ["c"]);
  expect(results.map((result) => isRefusal(result) && result.kind)).toEqual(["full", "full", "full"]);
  other.run("rollback");
  expect(commit(["a"])).toEqual([["created"]]);
  expect(stored()).toEqual(["1 a"]);
});

test("a file that may not grow refuses the group as full, and takes it when it may", () => {
  const { page_count } = db.query<{ page_count: number }, []>("pragma page_count").get() ?? { page_count: 0 };
  db.run(`pragma max_page_count = ${page_count}`);
  const large = { createdAt: "", messages: [message("large", { text: "x".repeat(100_000) })] };
  const results = commitGroup(db, logs, [queued("a"), large]);
  expect(results.map((result) => isRefusal(result) && result.kind)).toEqual(["full", "full"]);
  expect(stored()).toEqual([]);
  db.run("pragma max_page_count = 1000000");
  expect(commitGroup(db, logs, [queued("a"), large])).toEqual([["created"], ["created"]]);
});

test.each([
  ["SQLITE_CONSTRAINT_TRIGGER", "data"],
  ["SQLITE_TOOBIG", "data"],
  ["SQLITE_MISMATCH", "data"],
  ["SQLITE_FULL", "full"],
  ["SQLITE_BUSY_SNAPSHOT", "full"],
  ["SQLITE_LOCKED", "full"],
  ["SQLITE_NOMEM", "full"],
  ["SQLITE_IOERR_FSYNC", "disk"],
  ["SQLITE_IOERR_WRITE", "disk"],
  ["SQLITE_CORRUPT", "disk"],
  ["SQLITE_READONLY_DBMOVED", "disk"],
  ["SQLITE_CANTOPEN", "disk"],
])("%s is a failure of kind %s", (code, kind) => {
  expect(refusalOf(Object.assign(new Error("x"), { code })).kind).toBe(kind as "data");
});

test("when even the rollback fails the disk is to blame", () => {
  const error = Object.assign(new Error("x"), { code: "SQLITE_FULL" });
  expect(refusalOf(error, new Error("rollback")).kind).toBe("disk");
});
