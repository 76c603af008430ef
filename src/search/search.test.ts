/** The package as others use it: stored in SQLite, in whatever steps, and searched. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { anyRow, partOf, type Row, searchedText } from "../../tests/search-rows.ts";
import {
  compareSegment,
  DamagedSegment,
  type IndexedRow,
  SEARCH_CHECKSUMS,
  SEARCH_TABLES,
  SegmentReader,
  SegmentWriter,
  segmentsHolding,
} from "./search.ts";

const LIMITS = { segmentRows: 8192, segmentRowsMax: 1_048_576 };
const inTime = () => undefined;

function newDatabase(): Database {
  const db = new Database(":memory:", { strict: true });
  db.run(SEARCH_TABLES);
  db.run(SEARCH_CHECKSUMS);
  return db;
}

const indexed = ({ text, label }: Row, index: number): IndexedRow => ({
  row: index + 1,
  text,
  labels: label === "+2" ? [label, "="] : [label],
});

/** Adds the rows so many at a time. */
function addInSteps(
  segments: SegmentWriter,
  rows: readonly IndexedRow[],
  stepRows: number,
  merged = true,
): void {
  for (let at = 0; at < rows.length; at += stepRows) {
    segments.add(at + 1, rows.slice(at, at + stepRows));
    if (merged) segments.merge();
  }
}

function differences(db: Database, rows: readonly IndexedRow[], row: number, sliceRows: number): unknown {
  const [segment, ...others] = segmentsHolding(db, row);
  if (segment === undefined || others.length > 0) throw new Error(`row ${row} is in no segment, or in many`);
  const comparing = compareSegment(db, segment, (first, last) => rows.slice(first - 1, last), sliceRows);
  let seen = 0;
  let step = comparing.next();
  for (; step.done !== true; step = comparing.next()) seen += step.value;
  expect(seen).toBe(step.value.documents);
  return step.value.different;
}

const rowsOf = fc.array(anyRow, { minLength: 1, maxLength: 60 }).map((rows) => rows.map(indexed));
const limitsOf = fc.record({
  segmentRows: fc.integer({ min: 1, max: 3 }),
  segmentRowsMax: fc.integer({ min: 4, max: 100 }),
});

/** Labels that a row has, and labels that it lacks. */
const asked: readonly (readonly [labels: readonly string[], without: readonly string[]])[] = [
  [[], []],
  [["+1"], []],
  [[], ["="]],
  [["+2"], ["="]],
  [["+2", "="], []],
];

describe("a search", () => {
  test("finds what a look at every row finds, in whatever steps the rows came; a phrase's candidates at least", () => {
    fc.assert(
      fc.property(
        rowsOf,
        limitsOf,
        fc.integer({ min: 1, max: 4 }),
        searchedText,
        fc.nat(3),
        (rows, limits, stepRows, other, length) => {
          using db = newDatabase();
          addInSteps(new SegmentWriter(db, limits), rows, stepRows);
          const reader = new SegmentReader(db);
          for (const text of [undefined, partOf(other, 0, length), partOf(rows[0]?.text ?? "", 0, 4)]) {
            for (const [labels, without] of asked) {
              const found = reader.find({ ...(text !== undefined && { text }), labels, without }, inTime);
              const expected = rows
                .filter((row) => text === undefined || row.text?.includes(text) || text === "")
                .filter((row) => labels.every((label) => row.labels.includes(label)))
                .filter((row) => !without.some((label) => row.labels.includes(label)))
                .map(({ row }) => row);
              const matching = [...found.rows()];
              expect(matching.length).toBe(found.count);
              expect(rows.filter(({ row }) => found.has(row)).map(({ row }) => row)).toEqual(matching);
              if (found.exact) expect(matching).toEqual(expected);
              else expect(matching).toEqual(expect.arrayContaining(expected));
            }
          }
        },
      ),
    );
  });

  test("reads what it needs once, and again after it was told to forget", () => {
    using db = newDatabase();
    new SegmentWriter(db, LIMITS).add(1, [{ row: 1, text: "hello", labels: ["+1"] }]);
    const reader = new SegmentReader(db);
    const bytesOf = (labels: string[]) => {
      const before = reader.bytesRead;
      expect([...reader.find({ labels }, inTime).rows()]).toEqual([1]);
      return reader.bytesRead - before;
    };
    const [first, again] = [bytesOf(["+1"]), bytesOf(["+1"])];
    expect(again).toBeLessThan(first);
    reader.forget();
    expect(bytesOf(["+1"])).toBe(first);
  });

  test("asks for the time between segments, and ends when that throws", () => {
    using db = newDatabase();
    const rows = Array.from({ length: 5 }, (_, index) => indexed({ text: "a", label: "+1" }, index));
    addInSteps(new SegmentWriter(db, LIMITS), rows, 1);
    let left = 3;
    const checkTime = () => {
      if (--left === 0) throw new Error("the time is over");
    };
    expect(() => new SegmentReader(db).find({ text: "a" }, checkTime)).toThrow("the time is over");
    expect(left).toBe(0);
  });
});

describe("stored segments", () => {
  test("cover every row once, and are what their rows make, however they were merged and are looked at", () => {
    fc.assert(
      fc.property(
        rowsOf,
        limitsOf,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 9 }),
        (rows, limits, stepRows, sliceRows) => {
          using db = newDatabase();
          addInSteps(new SegmentWriter(db, limits), rows, stepRows);
          for (const { row } of rows) expect(differences(db, rows, row, sliceRows)).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("are merged by sixteen of a tier, and never beyond the most rows of a segment", () => {
    const sizes = (segmentRowsMax: number, count: number) => {
      using db = newDatabase();
      const rows = Array.from({ length: count }, (_, index) => indexed({ text: "a", label: "+1" }, index));
      addInSteps(new SegmentWriter(db, { segmentRows: 1, segmentRowsMax }), rows, 1);
      return db.query("select documents from segments order by first").values().flat();
    };
    expect(sizes(1000, 15)).toEqual(Array(15).fill(1));
    expect(sizes(1000, 17)).toEqual([16, 1]);
    expect(sizes(1000, 256)).toEqual([256]);
    expect(sizes(100, 256)).toEqual([96, ...Array(10).fill(16)]);
  });

  /** What a changed byte, or a part that is gone, is noticed by. */
  const damages: readonly (readonly [what: string, statement: string])[] = [
    ["a changed dictionary", "update blocks set dictionary = zeroblob(length(dictionary))"],
    ["changed offsets", "update blocks set offsets = zeroblob(length(offsets))"],
    ["a block that is gone", "delete from blocks"],
    ["changed postings", "update postings set bytes = x'0507'"],
    ["postings that are gone", "delete from postings"],
  ];
  const changedFilters = [
    "changed filters",
    "update segments set filters = zeroblob(length(filters))",
  ] as const;
  const changedLasts = ["changed last documents", "update segments set lasts = zeroblob(9)"] as const;
  const changedRange = ["another last row", "update segments set last = last + 1"] as const;
  const spoilt = (statement: string) => {
    const db = newDatabase();
    const segments = new SegmentWriter(db, { segmentRows: 1, segmentRowsMax: 100 });
    const rows = Array.from({ length: 16 }, (_, index) => indexed({ text: "hello", label: "+1" }, index));
    addInSteps(segments, rows, 1, false);
    db.run(statement);
    return { db, segments, rows };
  };

  test.each([...damages, changedFilters, changedRange])("a search throws for %s", (_, statement) => {
    const { db } = spoilt(statement);
    expect(() => new SegmentReader(db).find({ text: "ell" }, inTime)).toThrow(DamagedSegment);
    db.close();
  });

  test.each([...damages, changedLasts])("a merge throws for %s", (_, statement) => {
    const { db, segments } = spoilt(statement);
    expect(() => segments.merge()).toThrow(DamagedSegment);
    db.close();
  });

  test.each([...damages, changedFilters, changedLasts])("a comparison tells %s", (_, statement) => {
    const { db, rows } = spoilt(statement);
    expect(differences(db, rows, 1, 10)).not.toEqual([]);
    db.close();
  });
});
