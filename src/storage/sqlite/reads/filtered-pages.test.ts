/** What is looked for in a range of time, where rows come in its order, nearly, or not at all. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type Folder, newFolder } from "../../../../tests/folder.ts";
import { message } from "../../../../tests/messages.ts";
import { fc } from "../../../../tests/property.ts";
import type { Message } from "../../../core/message.ts";
import type { MessageQuery } from "../../../core/store.ts";
import { systemClock } from "../../../lib/clock.ts";
import { openForReading, openForWriting } from "../connection/files.ts";
import { migrate } from "../connection/schema.ts";
import { INDEX_LIMITS, type IndexLimits } from "../derived/followers.ts";
import { openLogIndex } from "../derived/log-index.ts";
import { commitGroup } from "../ingest/group-commit.ts";
import { Logs } from "../ingest/logs.ts";
import { MessageQueries } from "./message-queries.ts";
import { Scan } from "./scan.ts";

const NEVER = Number.POSITIVE_INFINITY;
const FIRST_MS = Date.UTC(2025, 0, 1);

let folder: Folder;
beforeEach(() => {
  folder = newFolder();
});
afterEach(() => folder.remove());

const at = (second: number) => new Date(FIRST_MS + second * 1000).toISOString();

/**
 * A log that the index has followed to its end, and in two readers' hands: one by the index, one
 * row by row.
 */
function withLog<T>(
  name: string,
  messages: readonly Message[],
  limits: IndexLimits,
  read: (queries: MessageQueries, scan: Scan) => T,
): T {
  const path = join(folder.path, name);
  using writer = openForWriting(path);
  writer.run("pragma synchronous = off");
  migrate(writer, path);
  const logs = new Logs(writer);
  commitGroup(writer, logs, [{ createdAt: "", messages }]);
  logs.close();
  using log = openForReading(path);
  const index = openLogIndex(log, path, limits, 1024);
  while (index.advance());
  index.close();
  using db = openForReading(path);
  db.run("attach ? as derived", [index.path]);
  return read(new MessageQueries(db, systemClock, limits), new Scan(db, systemClock));
}

const ROWS_AN_INSTANT = 5;
const INSTANTS = 60;

/** How late a message comes, in messages: most in time, some a little late, some by any time. */
const lateness = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.nat(20) },
  { weight: 1, arbitrary: fc.integer({ min: -400, max: 400 }) },
);
const WORDS = ["albatross", "pelican", "albatross and pelican", "nothing"];
const rows = fc.array(
  fc.record({ id: fc.nat(2 ** 31), late: lateness, word: fc.constantFrom(...WORDS), to: fc.nat(2) }),
  { minLength: 1, maxLength: INSTANTS * ROWS_AN_INSTANT, size: "max" },
);
const second = fc.option(fc.nat(INSTANTS), { nil: undefined });
const asked = fc.record({
  q: fc.constantFrom("albatross", "pelican", "s and p", "a", undefined),
  to: fc.constantFrom("+0", undefined, undefined),
  source: fc.constantFrom("native", undefined),
  since: second,
  until: second,
  offset: fc.constantFrom(0, 0, 5, 100),
  limit: fc.constantFrom(1, 10, 400),
});

test("a word, a recipient or a source in a range of time is found as a scan finds it, however rows are ordered", () => {
  let run = 0;
  const defined = ({ since, until, ...query }: typeof asked extends fc.Arbitrary<infer T> ? T : never) =>
    Object.fromEntries(
      Object.entries({
        ...query,
        since: since === undefined ? undefined : at(since),
        until: until === undefined ? undefined : at(until),
      }).filter(([, value]) => value !== undefined),
    ) as unknown as MessageQuery;
  fc.assert(
    fc.property(
      rows,
      fc.array(asked, { minLength: 8, maxLength: 8 }),
      fc.record({
        stretchRows: fc.constantFrom(1, 4, 7),
        lookupCost: fc.constantFrom(0, 1, 8, 1000),
        stepRows: fc.constantFrom(7, 64),
        segmentRows: fc.constantFrom(3, 50),
      }),
      (given, queries, { stepRows, ...some }) => {
        const messages = given.map(({ id, late, word, to }, index) =>
          message(`m${id}`, {
            ts: at(Math.floor((index - late) / ROWS_AN_INSTANT)),
            text: `${word} ${index}`,
            to: `+${to}`,
          }),
        );
        const steps = { time: stepRows, senders: stepRows, search: stepRows, events: stepRows };
        const limits = { ...INDEX_LIMITS, ...some, leafRows: 9, shortRows: 0, stepRows: steps };
        withLog(`${run++}.db`, messages, limits, (indexed, scan) => {
          for (const query of queries.map(defined)) {
            let page = indexed.list(query, NEVER);
            expect({ query, page }).toEqual({ query, page: scan.list(query, NEVER) });
            if (page.next === undefined) continue;
            const next = { ...query, offset: 0, after: page.next };
            page = indexed.list(next, NEVER);
            expect({ next, page }).toEqual({ next, page: scan.list(next, NEVER) });
          }
        });
      },
    ),
    { numRuns: 60, endOnFailure: true },
  );
}, 120_000);

test("of a frequent word in half of the time few rows are looked up, and the total is exact", () => {
  const path = join(folder.path, "counted.db");
  const MESSAGES = 20_000;
  using writer = openForWriting(path);
  writer.run("pragma synchronous = off");
  migrate(writer, path);
  const logs = new Logs(writer);
  const messages = Array.from({ length: MESSAGES }, (_, index) =>
    message(`m${(index * 7919) % MESSAGES}`, {
      ts: at(index - (index % 10)),
      text: index % 20 === 0 ? "the albatross" : "nothing",
    }),
  );
  commitGroup(writer, logs, [{ createdAt: "", messages }]);
  logs.close();
  using log = openForReading(path);
  const limits = { ...INDEX_LIMITS, stretchRows: 256 };
  const index = openLogIndex(log, path, limits, 1024);
  while (index.advance());
  index.close();
  // Every way to a row reads its key, and reading it is counted.
  writer.run("alter table messages rename to stored");
  writer.run(`create view messages as select stored.rowid as rowid, message_id, from_msisdn, to_msisdn, ts, text,
    created_at, seq, counted(ts_key) as ts_key, checksum from stored`);
  let looked = 0;
  using db = openForReading(path);
  db.function("counted", (key: string) => {
    looked++;
    return key;
  });
  db.run("attach ? as derived", [index.path]);
  const queries = new MessageQueries(db, systemClock, limits);
  const page = queries.list({ q: "albatross", since: at(MESSAGES / 2), limit: 10, offset: 0 }, NEVER);
  expect([page.total, page.data.length]).toEqual([MESSAGES / 2 / 20, 10]);
  expect(looked).toBeLessThan(60);
});
