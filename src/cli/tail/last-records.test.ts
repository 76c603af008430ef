import { expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import { lastRecords } from "./last-records.ts";
import type { Page, RecordOfLog } from "./record.ts";

const NOW = Date.parse("2026-11-24T10:00:00Z");
const HOUR_MS = 3_600_000;

interface Row {
  readonly agoMs: number;
  readonly isWanted: boolean;
}

/** Answers as the service does, looks at so many rows a page, and grows while it is read. */
function newLog(rows: readonly Row[], pageRows: number, coming: readonly Row[] = []) {
  const log = [...rows].sort((one, other) => other.agoMs - one.agoMs);
  const arriving = [...coming];
  let pages = 0;
  const recordAt = (index: number) =>
    ({
      position: `log.${index + 1}`,
      created_at: new Date(NOW - (log[index]?.agoMs ?? 0)).toISOString(),
    }) as RecordOfLog;
  const beginOf = (after: string) => {
    if (after === "start") return 0;
    if (after === "now") return log.length;
    if (after.startsWith("log.")) return Number(after.slice(4));
    const first = log.findIndex((row) => NOW - row.agoMs >= Date.parse(after));
    return first < 0 ? log.length : first;
  };
  const pageAfter = (after: string): Promise<Page> => {
    pages++;
    const begin = beginOf(after);
    const end = Math.min(log.length, begin + pageRows);
    const indexes = Array.from({ length: end - begin }, (_, index) => begin + index);
    const data = indexes.filter((index) => log[index]?.isWanted).map(recordAt);
    const page = { data, next: `log.${end}`, more: end < log.length };
    log.push(...arriving.splice(0, 1));
    return Promise.resolve(page);
  };
  const wanted = () => log.flatMap(({ isWanted }, index) => (isWanted ? [`log.${index + 1}`] : []));
  return { pageAfter, wanted, pages: () => pages, rows: () => log.length };
}

test("the last records are the log's last that match, and what comes next goes on behind them without a gap", async () => {
  const row = fc.record({ agoMs: fc.integer({ min: 0, max: 48 * HOUR_MS }), isWanted: fc.boolean() });
  const arriving = row.map(({ isWanted }) => ({ agoMs: 0, isWanted }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 60 }),
      fc.array(arriving, { maxLength: 6 }),
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 2, max: 20 }),
      async (rows, coming, count, pageRows) => {
        const log = newLog(rows, pageRows, coming);
        const { records, next, isCut } = await lastRecords(count, NOW, log.pageAfter);
        expect(isCut).toBe(false);
        const seen = Number(next.slice(4));
        const before = log.wanted().filter((position) => Number(position.slice(4)) <= seen);
        expect(records.map(({ position }) => position)).toEqual(count === 0 ? [] : before.slice(-count));
      },
    ),
  );
});

test("the last records of a quiet log cost a few requests", async () => {
  const log = newLog([{ agoMs: 30 * 24 * HOUR_MS, isWanted: true }], 100);
  expect((await lastRecords(10, NOW, log.pageAfter)).records).toHaveLength(1);
  expect(log.pages()).toBeLessThanOrEqual(13);
});

test("a search that would read too much is given up, and says so", async () => {
  const rows = Array.from({ length: 5000 }, (_, index) => ({
    agoMs: HOUR_MS + index * 1000,
    isWanted: false,
  }));
  const last = { agoMs: 500, isWanted: true };
  const log = newLog([...rows, last], 10);
  const { records, next, isCut } = await lastRecords(2, NOW, log.pageAfter);
  expect({ positions: records.map(({ position }) => position), next, isCut }).toEqual({
    positions: ["log.5001"],
    next: "log.5001",
    isCut: true,
  });
});

test("the last records are found behind a crowd, whenever it came", async () => {
  const crowd = (agoMs: number, aMs: number) =>
    Array.from({ length: 20_000 }, (_, index) => ({
      agoMs: agoMs + Math.floor(index / aMs),
      isWanted: true,
    }));
  for (const [agoMs, aMs] of [
    ...[0, 400, 60_000, 24 * HOUR_MS, 400 * 24 * HOUR_MS].map((ago) => [ago, 10] as const),
    // As an import stores them: all at once.
    [3 * HOUR_MS, 20_000],
  ] as const) {
    const log = newLog(crowd(agoMs, aMs), 1000);
    const { records, isCut } = await lastRecords(10, NOW, log.pageAfter);
    expect({ agoMs, isCut, positions: records.map(({ position }) => position) }).toEqual({
      ...{ agoMs, isCut: false },
      positions: log.wanted().slice(-10),
    });
    expect(log.pages()).toBeLessThan(200);
  }
});
