import type { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { failure, positionAt, second } from "../../../../tests/failures.ts";
import { type Folder, newFolder } from "../../../../tests/folder.ts";
import { systemClock } from "../../../lib/clock.ts";
import { TimeIsOver } from "../connection/deadline.ts";
import { openForWriting } from "../connection/files.ts";
import { migrate } from "../connection/schema.ts";
import { changeFailures, writeDeliveries } from "../ingest/delivery-rows.ts";
import { type FailureAsk, FailureReader } from "./failures.ts";

const NOW = second(30);
const ROWS = 5000;

let folder: Folder;
let db: Database;
let now: number;
let asked: number;
let statements: string[];
let reader: FailureReader;
beforeEach(() => {
  folder = newFolder();
  const path = join(folder.path, "messages.db");
  db = openForWriting(path);
  migrate(db, path);
  const insert = Array.from({ length: ROWS }, (_, index) => {
    const seq = 2 * index + 1;
    const isWaiting = seq % 7 === 0;
    return failure(seq, { sender: `s${seq % 50}`, state: isWaiting ? "waiting" : "dead", next_at: null });
  });
  const destination = {
    name: "app",
    position: "x.0",
    paused: null,
    probeAskedAt: null,
    version: 0,
    report: null,
  };
  writeDeliveries(db, [
    { do: "put", destination },
    { do: "rows", name: "app", at: NOW, insert, update: [], remove: [] },
  ]);
  now = 0;
  asked = 0;
  statements = [];
  const clock = {
    ...systemClock,
    now: () => {
      asked++;
      return now;
    },
  };
  reader = new FailureReader(db, clock);
});
afterEach(() => {
  db.close();
  folder.remove();
});

const page = (more: object) =>
  ({ of: "failures", given: ["app", { limit: 10, offset: 0, ...more }] }) as FailureAsk;

test("a page that looks at many rows ends at its deadline, and looks at the clock now and then", () => {
  const looked = page({ cause: "none" });
  expect(reader.answer(looked, 1)).toEqual({ data: [], total: 0 });
  expect(asked).toBeWithin(2, 20);
  now = 2;
  expect(() => reader.answer(looked, 1)).toThrow(TimeIsOver);
  expect(() => reader.answer(page({ offset: ROWS - 1 }), 1)).toThrow(TimeIsOver);
});

test("what is asked all the time is found by an index, in its order, and counted nowhere", () => {
  const query = db.query.bind(db);
  db.query = ((sql: string) => {
    statements.push(sql);
    return query(sql);
  }) as typeof db.query;
  const asks: FailureAsk[] = [
    { of: "due", given: ["app", NOW, 10] },
    { of: "waitingSenders", given: ["app"] },
    { of: "firstOf", given: ["app", "s7"] },
    { of: "figures", given: ["app"] },
    page({}),
    page({ state: "dead" }),
    page({ state: "waiting" }),
    page({ positions: [positionAt(1), positionAt(7)] }),
  ];
  for (const ask of asks) reader.answer(ask, 1);
  expect(statements.length).toBeGreaterThanOrEqual(asks.length);
  for (const sql of statements) {
    const plan = db.prepare<{ detail: string }, string[]>(`explain query plan ${sql}`);
    const steps = plan.all(...Array<string>(plan.paramsCount).fill("0")).map(({ detail }) => detail);
    for (const step of steps)
      expect([sql, step]).toEqual([sql, expect.not.stringMatching(/SCAN (?!json_each)|USE TEMP B-TREE/)]);
    if (sql.includes("count(*)") && !sql.includes("group by")) expect(sql).toContain("position in");
  }
});

test("a change of many rows goes on for some of them at a time, and each part is in order", () => {
  for (const change of ["retry", "drop"] as const) {
    let parts = 0;
    let rows = 0;
    for (let after: { seq: number; replay: string } | null | undefined; after !== null; parts++) {
      const some = changeFailures(db, { change, name: "app", filter: {}, now: NOW, after });
      rows += some.rows;
      after = some.next;
      const wrong = db
        .query(
          `select sender from failures where state = 'waiting' group by sender
           having count(next_at) <> 1 or min(seq) <> min(case when next_at is not null then seq end)`,
        )
        .all();
      expect(wrong).toEqual([]);
    }
    expect([change, rows]).toEqual([change, ROWS]);
    expect(parts).toBeGreaterThan(1);
  }
});
