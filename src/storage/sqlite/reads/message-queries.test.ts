import type { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { newFolder } from "../../../../tests/folder.ts";
import { message } from "../../../../tests/messages.ts";
import type { MessageQuery } from "../../../core/store.ts";
import { systemClock } from "../../../lib/clock.ts";
import { TimeIsOver } from "../connection/deadline.ts";
import { openForWriting } from "../connection/files.ts";
import { migrate } from "../connection/schema.ts";
import { INDEX_LIMITS } from "../derived/followers.ts";
import { openLogIndex } from "../derived/log-index.ts";
import { commitGroup } from "../ingest/group-commit.ts";
import { Logs } from "../ingest/logs.ts";
import { MessageQueries } from "./message-queries.ts";

const folder = newFolder();
let db: Database;
let queries: MessageQueries;
let now = 0;
beforeAll(() => {
  const path = join(folder.path, "messages.db");
  db = openForWriting(path);
  migrate(db, path);
  const logs = new Logs(db);
  const messages = Array.from({ length: 3000 }, (_, index) =>
    message(`m${index}`, { from: `+${index % 20}` }),
  );
  commitGroup(db, logs, [{ createdAt: "", messages }]);
  logs.close();
  // Nothing has followed yet, and no tail is kept: every read scans.
  const index = openLogIndex(db, path, INDEX_LIMITS, 1024);
  db.run("attach ? as derived", [index.path]);
  queries = new MessageQueries(
    db,
    { ...systemClock, now: () => now, elapsed: () => now },
    { ...INDEX_LIMITS, tailRows: 1 },
  );
});
afterAll(() => {
  db.close();
  folder.remove();
});

const PAGE: MessageQuery = { limit: 10, offset: 0 };
const reads: [string, (deadline: number) => unknown][] = [
  ["a search", (deadline) => queries.list({ ...PAGE, q: "nothing like it" }, deadline)],
  ["a filter by recipient", (deadline) => queries.list({ ...PAGE, to: "+14155550100" }, deadline)],
  ["a filter by sender", (deadline) => queries.list({ ...PAGE, from: "+none" }, deadline)],
  ["a filter by time", (deadline) => queries.list({ ...PAGE, since: "2025-01-01T00:00:00Z" }, deadline)],
  ["everything", (deadline) => queries.list({ limit: 100, offset: 2950 }, deadline)],
  ["statistics", (deadline) => queries.stats(deadline)],
];

test("what was given up is read again", () => {
  const path = join(folder.path, "followed.db");
  using log = openForWriting(path);
  migrate(log, path);
  const logs = new Logs(log);
  const store = (name: string, count: number) =>
    commitGroup(log, logs, [
      {
        createdAt: "",
        messages: Array.from({ length: count }, (_, index) => message(`${name}${index}`, { text: name })),
      },
    ]);
  store("followed", 40);
  const index = openLogIndex(log, path, INDEX_LIMITS, 1024);
  while (index.advance());
  log.run("attach ? as derived", [index.path]);
  const both = new MessageQueries(log, { ...systemClock, now: () => 0, elapsed: () => 0 }, INDEX_LIMITS);
  const totals = () => ["followed", "tail"].map((q) => both.list({ ...PAGE, q }, 1).total);
  store("tail", 3);
  expect(totals()).toEqual([40, 3]);
  both.forget();
  const read = both.bytesRead;
  expect(totals()).toEqual([40, 3]);
  expect(both.bytesRead).toBeGreaterThan(read);
  store("tail again", 2);
  both.forget();
  expect(totals()).toEqual([40, 5]);
  index.close();
  logs.close();
});

test.each(reads)(
  "%s is given up in the middle when its time is over, and the next one is answered",
  (_, read) => {
    now = 1000;
    expect(() => read(999)).toThrow(TimeIsOver);
    expect(db.inTransaction).toBe(false);
    expect(() => read(1000)).not.toThrow();
    expect(queries.stats(1000).total_messages).toBe(3000);
  },
);
