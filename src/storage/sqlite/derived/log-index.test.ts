/**
 * The index beside the log: every seam between what was derived and the tail, and files that can't
 * serve.
 */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Folder, newFolder } from "../../../../tests/folder.ts";
import { anyMessage, anyQuery, anySenderQuery, message } from "../../../../tests/messages.ts";
import { Model } from "../../../../tests/model.ts";
import { processorMs } from "../../../../tests/processor-time.ts";
import { fc } from "../../../../tests/property.ts";
import type { Message } from "../../../core/message.ts";
import type { Upgrade } from "../../../core/upgrade.ts";
import { systemClock } from "../../../lib/clock.ts";
import { Damaged } from "../connection/damage.ts";
import { checkpoint, openForReading, openForWriting } from "../connection/files.ts";
import { migrate } from "../connection/schema.ts";
import { commitGroup } from "../ingest/group-commit.ts";
import { Logs } from "../ingest/logs.ts";
import { MessageQueries } from "../reads/message-queries.ts";
import { INDEX_LIMITS, type IndexLimits } from "./followers.ts";
import { indexPath, openIndex } from "./index-file.ts";
import { LogIndex, makeLogIndex, openLogIndex } from "./log-index.ts";
import { SearchFollower } from "./search-index.ts";
import { SenderFollower, SenderOrder } from "./sender-order.ts";
import { StepRows } from "./step-rows.ts";

let folder: Folder;
beforeEach(() => {
  folder = newFolder();
});
afterEach(() => folder.remove());

const NEVER = Number.POSITIVE_INFINITY;

function openLog(path: string): { db: Database; append: (messages: readonly Message[]) => void } {
  const db = openForWriting(path);
  db.run("pragma synchronous = off");
  migrate(db, path);
  return {
    db,
    append: (messages) => {
      const logs = new Logs(db);
      commitGroup(db, logs, [{ createdAt: "", messages }]);
      logs.close();
    },
  };
}

function withQueries<T>(
  path: string,
  index: LogIndex,
  limits: IndexLimits,
  read: (queries: MessageQueries) => T,
): T {
  using db = openForReading(path);
  db.run("attach ? as derived", [index.path]);
  return read(new MessageQueries(db, systemClock, limits));
}

const limitsOf: fc.Arbitrary<IndexLimits> = fc.record({
  stepRows: fc.record({
    time: fc.integer({ min: 1, max: 9 }),
    senders: fc.integer({ min: 1, max: 9 }),
    search: fc.integer({ min: 1, max: 9 }),
    events: fc.integer({ min: 1, max: 9 }),
  }),
  leafRows: fc.integer({ min: 1, max: 6 }),
  stretchRows: fc.integer({ min: 1, max: 5 }),
  runRows: fc.integer({ min: 1, max: 5 }),
  runs: fc.integer({ min: 1, max: 4 }),
  runSenderRows: fc.integer({ min: 1, max: 4 }),
  waitingSenders: fc.integer({ min: 1, max: 6 }),
  segmentRows: fc.integer({ min: 1, max: 4 }),
  segmentRowsMax: fc.integer({ min: 4, max: 40 }),
  shortRows: fc.constantFrom(0, 4),
  lookupCost: fc.constantFrom(0, 1, 1000),
  tailRows: fc.constantFrom(1000, 1000, 3),
});

test("whatever the followers have taken of the log, and in what steps, answers are those of the model", () => {
  let run = 0;
  fc.assert(
    fc.property(
      limitsOf,
      fc.array(fc.tuple(fc.array(anyMessage, { minLength: 1, maxLength: 12 }), fc.nat(4)), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.array(anyQuery, { minLength: 6, maxLength: 6 }),
      fc.array(anySenderQuery, { minLength: 4, maxLength: 4 }),
      (limits, rounds, asked, askedSenders) => {
        const path = join(folder.path, `${run++}.db`);
        const { db, append } = openLog(path);
        const model = new Model();
        using log = openForReading(path);
        const index = openLogIndex(log, path, limits, 1024);
        withQueries(path, index, limits, (queries) => {
          for (const [messages, steps] of rounds) {
            append(messages);
            for (const each of messages) model.append(each);
            for (let step = 0; step < steps; step++) index.advance();
            for (const query of asked) {
              const { data, total } = queries.list(query, NEVER);
              expect({ query, data: [...data], total }).toEqual({ query, ...model.list(query) });
            }
            for (const query of askedSenders) {
              const { data, total } = queries.senders(query, NEVER);
              const all = model.senders(query);
              const expected = all.slice(query.offset, query.offset + query.limit);
              expect({ query, data: [...data], total }).toEqual({ query, data: expected, total: all.length });
            }
            expect(queries.stats(NEVER)).toEqual(model.stats());
          }
        });
        index.close();
        db.close();
      },
    ),
    { numRuns: 150 },
  );
}, 120_000);

test("a cursor leads through everything, whatever is derived meanwhile", () => {
  const limits: IndexLimits = {
    ...INDEX_LIMITS,
    stepRows: { time: 7, senders: 5, search: 11, events: 3 },
    leafRows: 5,
  };
  const path = join(folder.path, "walk.db");
  const { db, append } = openLog(path);
  append(
    Array.from({ length: 300 }, (_, index) =>
      message(`m${(index * 37) % 300}`, {
        from: `+${index % 4}`,
        ts: `2025-01-15T10:00:${String(index % 10).padStart(2, "0")}Z`,
      }),
    ),
  );
  using log = openForReading(path);
  const index = openLogIndex(log, path, limits, 1024);
  withQueries(path, index, limits, (queries) => {
    for (const filter of [{}, { from: "+1" }, { q: "hello" }]) {
      const seen: string[] = [];
      let after: { tsKey: string; messageId: string } | undefined;
      do {
        const page = queries.list(
          { limit: 9, offset: 0, ...filter, ...(after !== undefined && { after }) },
          NEVER,
        );
        seen.push(...page.data.map(({ message_id }) => message_id));
        after = page.next;
        index.advance();
      } while (after !== undefined);
      const whole = queries.list({ limit: 1000, offset: 0, ...filter }, NEVER);
      expect(seen).toEqual(whole.data.map(({ message_id }) => message_id));
      expect(seen.length).toBe("from" in filter ? 75 : 300);
    }
  });
  index.close();
  db.close();
});

test("a step of all followers reads each row of the log once", () => {
  const path = join(folder.path, "once.db");
  const { db: writer, append } = openLog(path);
  append(Array.from({ length: 50 }, (_, index) => message(`m${index}`)));
  // Every follower has to read the key, and reading it is counted.
  writer.run("alter table messages rename to stored");
  writer.run(`create view messages as select stored.rowid as rowid, message_id, from_msisdn, to_msisdn, ts, text,
    created_at, seq, counted(ts_key) as ts_key from stored`);
  let read = 0;
  const counted = (key: string) => {
    read++;
    return key;
  };
  using log = openForReading(path);
  log.function("counted", counted);
  const db = openIndex(log, path, 1, 1024) as Database;
  db.function("counted", counted);
  const index = new LogIndex(db, path, 1, INDEX_LIMITS);
  expect(index.advance()).toBe(50);
  expect(read).toBe(50);
  index.close();
  writer.close();
});

test("events are followed over a gap that is longer than a step", () => {
  const path = join(folder.path, "gap.db");
  const { db: writer } = openLog(path);
  const logs = new Logs(writer);
  const events = Array.from({ length: 20 }, (_, at) => ({
    kind: "status" as const,
    type: "read",
    key: `${at}`,
    messageId: null,
    ts: "2025-01-15T10:00:00Z",
    span: { start: 0, end: 1 },
  }));
  const post = { source: "wa", body: "aGk=", details: [], events };
  commitGroup(writer, logs, [{ createdAt: "", messages: [], post }]);
  logs.close();
  writer.run("delete from events where event between 2 and 15");
  using log = openForReading(path);
  const limits = { ...INDEX_LIMITS, stepRows: { ...INDEX_LIMITS.stepRows, events: 3 } };
  const index = openLogIndex(log, path, limits, 1024);
  while (index.advance());
  expect(index.event).toBe(20);
  index.close();
  writer.close();
});

test("what was derived is put in better order without a snapshot of the log, which a checkpoint would wait for", () => {
  const limits = { ...INDEX_LIMITS, runRows: 5, runs: 2, segmentRows: 5 };
  const path = join(folder.path, "order.db");
  const { db: writer, append } = openLog(path);
  append(Array.from({ length: 200 }, (_, index) => message(`m${index}`, { from: `+${index}` })));
  using log = openForReading(path);
  const index = openIndex(log, path, 1, 1024) as Database;
  const rows = new StepRows(index);
  const followers = [new SenderFollower(index, limits, true), new SearchFollower(index, limits, true)];
  index.transaction(() => {
    rows.read(0, 200);
    for (let row = 0; row < 200; row += 10) for (const each of followers) each.step(row, row + 10);
  })();
  const count = (table: string) =>
    index.query<{ n: number }, []>(`select count(*) as n from ${table}`).get()?.n ?? 0;
  expect([count("by_sender"), count("segments")]).toEqual([0, 20]);
  index.transaction(() => {
    for (const each of followers) each.rearrange();
    append([message("another")]);
    expect(checkpoint(writer, "truncate")).toMatchObject({ busy: false, walPages: 0 });
  })();
  expect(count("by_sender")).toBeGreaterThan(0);
  expect(count("segments")).toBeLessThan(20);
  index.close();
  writer.close();
});

test("a reader that has seen who waits shows each sender once, and the same, when they have got their places", () => {
  const limits = { ...INDEX_LIMITS, waitingSenders: 3 };
  const path = join(folder.path, "places.db");
  const { db: writer, append } = openLog(path);
  const messages = Array.from({ length: 9 }, (_, at) => message(`m${(at * 7) % 9}`, { from: `+${at % 4}` }));
  append(messages);
  const model = new Model();
  for (const each of messages) model.append(each);
  using log = openForReading(path);
  const index = makeLogIndex(log, path, 1, limits, 1024);
  using writing = new Database(index.path);
  const follower = new SenderFollower(writing, limits, true);
  writing.run("attach ? as log", [path]);
  const rows = new StepRows(writing);
  rows.read(0, 9);
  writing.transaction(() => {
    follower.step(0, 9);
    writing.run("update followers set row = 9");
  })();
  withQueries(path, index, limits, (queries) => {
    const shown = () => {
      const { data } = queries.senders({ limit: 9, offset: 0, order: "desc" }, NEVER);
      return [...data];
    };
    expect(shown()).toEqual(model.senders({ order: "desc" }));
    writing.transaction(() => follower.rearrange())();
    const waiting = "select count(*) as n from waiting_last_messages";
    expect(writing.query(waiting).get()).toEqual({ n: 0 });
    expect(shown()).toEqual(model.senders({ order: "desc" }));
  });
  index.close();
  writer.close();
});

test("a page deep among a sender's messages finds its place once, however many of them wait in runs", () => {
  const [SETTLED, WAITING] = [20_000, 500];
  const limits = { ...INDEX_LIMITS, runSenderRows: WAITING + 1 };
  const path = join(folder.path, "deep.db");
  const { db: writer, append } = openLog(path);
  append(Array.from({ length: SETTLED + WAITING }, (_, index) => message(`m${(index * 7919) % 100_000}`)));
  using log = openForReading(path);
  const index = openIndex(log, path, 1, 1024) as Database;
  const follower = new SenderFollower(index, limits, true);
  const rows = new StepRows(index);
  rows.read(0, SETTLED + WAITING);
  index.transaction(() => follower.step(0, SETTLED))();
  index.transaction(() => follower.step(SETTLED, SETTLED + WAITING))();
  const { from } = message("any");
  const order = new SenderOrder(index, from);
  const settled = index.query(
    "select row from by_sender where sender = ? order by ts_key, message_id limit 50 offset ?",
  );
  const often = (read: () => void) => {
    for (let count = 0; count < 50; count++) read();
  };
  const once = processorMs(() => often(() => settled.all(from, SETTLED / 2)));
  expect(processorMs(() => often(() => order.read(SETTLED / 2, 50)))).toBeLessThan(5 * once + 20);
  const ids = Array.from({ length: SETTLED + WAITING }, (_, row) => `m${(row * 7919) % 100_000}`).sort();
  for (const rank of [0, 1, 499, 500, 501, 10_000, 20_499, 20_500])
    expect(order.read(rank, 3).map(({ messageId }) => messageId)).toEqual(ids.slice(rank, rank + 3));
  index.close();
  writer.close();
});

test("damage that a merge of segments meets is damage of the index", () => {
  const limits = { ...INDEX_LIMITS, segmentRows: 1 };
  const path = join(folder.path, "damaged.db");
  const { db, append } = openLog(path);
  append(Array.from({ length: 16 }, (_, index) => message(`m${index}`)));
  using log = openForReading(path);
  using index = openIndex(log, path, 1, 1024) as Database;
  const rows = new StepRows(index);
  rows.read(0, 16);
  const follower = new SearchFollower(index, limits, true);
  for (let row = 0; row < 16; row++) follower.step(row, row + 1);
  index.run("delete from blocks where segment = 7");
  expect(() => follower.rearrange()).toThrow(Damaged);
  db.close();
});

/** As a version before stretches left it, which also knew nothing of deletions. */
function withoutStretches(index: Database): void {
  index.run("drop table stretches");
  index.run("alter table identity drop column deletions");
}

/** As a version before checksums left it. */
function withoutChecksums(index: Database): void {
  withoutStretches(index);
  for (const [table, column] of [
    ["segments", "checksum"],
    ["segments", "lasts_checksum"],
    ["blocks", "checksum"],
    ["postings", "checksum"],
  ])
    index.run(`alter table ${table} drop column ${column}`);
}

describe("a file that can't serve is made anew", () => {
  const ROWS = 200;
  let path: string;

  function build(name: string, rows: number): string {
    const made = join(folder.path, name);
    const { db, append } = openLog(made);
    append(Array.from({ length: rows }, (_, index) => message(`m${index}`, { from: `+${index % 7}` })));
    using log = openForReading(made);
    const index = openLogIndex(log, made, INDEX_LIMITS, 1024);
    while (index.advance());
    index.close();
    checkpoint(db, "truncate");
    db.close();
    return made;
  }

  /**
   * Opens it as a start does; how far it was at once, and what it holds once it has come to the
   * end.
   */
  function reopen(): { row: number; number: number; files: string[] } {
    using log = openForReading(path);
    const index = openLogIndex(log, path, INDEX_LIMITS, 1024);
    const { row, number } = index;
    while (index.advance());
    withQueries(path, index, INDEX_LIMITS, (queries) => {
      const last = log.query<{ n: number }, []>("select count(*) as n from messages").get()?.n ?? 0;
      expect(queries.list({ limit: 1, offset: 0, q: "hello" }, NEVER).total).toBe(last);
      expect(queries.stats(NEVER).total_messages).toBe(last);
    });
    index.close();
    expect(readdirSync(folder.path).filter((name) => /^log\.db-index\d+-wal$/.test(name))).toEqual([]);
    const files = readdirSync(folder.path).filter((name) => /^log\.db-index\d+$/.test(name));
    return { row, number, files: files.sort() };
  }

  beforeEach(() => {
    path = build("log.db", ROWS);
  });

  test("an index file that serves goes on where it was", () => {
    expect(reopen()).toEqual({ row: ROWS, number: 1, files: ["log.db-index1"] });
  });

  test("an index file of the version before stretches is completed in place, and gets those that it lacks by and by", () => {
    const { stretchRows } = INDEX_LIMITS;
    path = build("long.db", 2 * stretchRows + 100);
    using index = new Database(indexPath(path, 1));
    withoutStretches(index);
    index.run("pragma user_version = 7");
    index.close();
    using log = openForReading(path);
    const upgrades: Upgrade[] = [];
    const completed = openLogIndex(log, path, INDEX_LIMITS, 1024, {
      onUpgrade: (upgrade) => upgrades.push(upgrade),
    });
    expect(upgrades).toEqual([{ file: indexPath(path, 1), from: 7, to: 8, ms: expect.any(Number) }]);
    const { db, append } = openLog(path);
    const stored = () => {
      using read = new Database(indexPath(path, 1), { readonly: true });
      return read.query("select * from stretches").values();
    };
    const late = { q: "hello", since: "2025-01-15T10:00:01Z", limit: 1, offset: 0 };
    const early = { q: "hello", until: "2025-01-15T10:00:01Z", limit: 1, offset: 0 };
    const totals = () =>
      withQueries(path, completed, INDEX_LIMITS, (queries) =>
        [late, early].map((query) => queries.list(query, NEVER).total),
      );
    expect(stored()).toEqual([[2, "", "~"]]);
    expect(totals()).toEqual([0, 2 * stretchRows + 100]);
    append([message("new", { ts: "2025-01-15T10:00:02Z" })]);
    completed.advance();
    const instant = "2025-01-15T10:00:00";
    expect(stored()).toEqual([
      [0, instant, instant],
      [1, instant, instant],
      [2, "", "~"],
    ]);
    expect(totals()).toEqual([1, 2 * stretchRows + 100]);
    completed.close();
    db.close();
  });

  test("an index file of the version before checksums is completed in place, and goes on where it was", () => {
    using index = new Database(indexPath(path, 1));
    withoutChecksums(index);
    index.run("pragma user_version = 6");
    index.close();
    expect(reopen()).toEqual({ row: ROWS, number: 1, files: ["log.db-index1"] });
  });

  test("an index file of the version before events is completed in place, and goes on where it was", () => {
    using index = new Database(indexPath(path, 1));
    for (const table of ["events_by_filter", "event_leaves", "events_by_message"])
      index.run(`drop table ${table}`);
    index.run("delete from followers where name = 'events'");
    withoutChecksums(index);
    index.run("pragma user_version = 5");
    index.close();
    expect(reopen()).toEqual({ row: ROWS, number: 1, files: ["log.db-index1"] });
  });

  const spoilt: [what: string, spoil: () => void][] = [
    ["none", () => rmSync(indexPath(path, 1))],
    ["an empty one", () => truncateSync(indexPath(path, 1), 0)],
    [
      "no database",
      () => writeFileSync(indexPath(path, 1), "not a database, but long enough to be looked at".repeat(200)),
    ],
    ["a torn one", () => truncateSync(indexPath(path, 1), 5000)],
    ["that of another log", () => copyFileSync(indexPath(build("other.db", ROWS), 1), indexPath(path, 1))],
  ];
  test.each(spoilt)("an index file that can't serve is made anew: %s", (_, spoil) => {
    spoil();
    expect(reopen()).toEqual({ row: 0, number: 1, files: ["log.db-index1"] });
  });

  test("an index file that is ahead of a log that was restored from an older copy is made anew", () => {
    copyFileSync(path, join(folder.path, "copy.db"));
    const { db, append } = openLog(path);
    append([message("later")]);
    using log = openForReading(path);
    const index = openLogIndex(log, path, INDEX_LIMITS, 1024);
    while (index.advance());
    index.close();
    log.close();
    db.close();
    for (const end of ["-wal", "-shm"]) rmSync(path + end, { force: true });
    copyFileSync(join(folder.path, "copy.db"), path);
    const other = openLog(path);
    other.append([message("another")]);
    other.db.close();
    expect(reopen()).toMatchObject({ row: 0 });
  });

  test("an index file that was made of a log without rows that a restored copy still has", () => {
    copyFileSync(path, join(folder.path, "copy.db"));
    const { db } = openLog(path);
    db.run("delete from messages where rowid = 7");
    using log = openForReading(path);
    const index = openLogIndex(log, path, INDEX_LIMITS, 1024);
    while (index.advance());
    index.close();
    log.close();
    checkpoint(db, "truncate");
    db.close();
    for (const end of ["-wal", "-shm"]) rmSync(path + end, { force: true });
    copyFileSync(join(folder.path, "copy.db"), path);
    expect(reopen()).toMatchObject({ row: 0 });
  });

  test("an older copy of an index file goes on from its own position", () => {
    const { db, append } = openLog(path);
    append([message("later"), message("latest")]);
    db.close();
    expect(reopen()).toMatchObject({ row: ROWS });
  });

  test("of two index files the one that has come further stays", () => {
    using log = openForReading(path);
    makeLogIndex(log, path, 2, INDEX_LIMITS, 1024).close();
    log.close();
    expect(reopen()).toEqual({ row: ROWS, number: 1, files: ["log.db-index1"] });
  });
});
