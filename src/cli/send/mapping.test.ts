import { describe, expect, test } from "bun:test";
import { parseMapping } from "./mapping.ts";
import { UnfitRow } from "./template.ts";

const ts = (start: string, step: number, row: number) =>
  JSON.parse(parseMapping({ map: ["ts={time}"], start, step }).bodyOf(row, () => undefined)).ts;

describe("{time}", () => {
  test.each([
    ["2025-01-15T10:00:00Z", 60, 1, "2025-01-15T10:00:00Z"],
    ["2025-01-15T10:00:00Z", 60, 5574, "2025-01-19T06:53:00Z"],
    ["2025-01-15T10:00:00.5Z", 0.25, 3, "2025-01-15T10:00:01Z"],
    ["2025-01-15T10:00:00Z", 0.29, 101, "2025-01-15T10:00:29Z"],
    ["2025-01-15T10:00:00Z", -1, 2, "2025-01-15T09:59:59Z"],
    ["2024-02-29T23:59:59Z", 1, 2, "2024-03-01T00:00:00Z"],
  ])("{time} from %s in steps of %d s is for row %d %s", (start, step, row, expected) => {
    expect(ts(start, step, row)).toBe(expected);
  });

  test.each([1e9, -1e9])("{time} outside the years 0001 to 9999 makes the row unfit (step %d)", (step) => {
    expect(() => ts("2025-01-15T10:00:00Z", step, 1_000_000)).toThrow(UnfitRow);
  });
});

test("a field without a template takes the column of its name, and one without either is left out", () => {
  const { bodyOf } = parseMapping({ map: ["to=+2"], step: 1 });
  const columns = new Map([
    ["from", "+1"],
    ["text", ""],
    ["to", "+9"],
    ["other", "x"],
  ]);
  expect(JSON.parse(bodyOf(1, (name) => columns.get(name)))).toEqual({ from: "+1", to: "+2", text: "" });
});

test("a column that is there twice is ambiguous", () => {
  const { checkColumns } = parseMapping({ map: [], step: 1 });
  expect(() => checkColumns(["a", "b", "a"])).toThrow('"a" is there twice');
});
