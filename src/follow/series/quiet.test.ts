import { expect, test } from "bun:test";
import { HOURS, isQuiet, usualPerHour } from "./quiet.ts";

const WEEK = 168;
/** Hours that end now; `rows` says how many came so many hours ago. */
const hours = (rows: (ago: number) => number) =>
  Array.from({ length: HOURS }, (_, index) => rows(HOURS - 1 - index));
/** Nothing for so many whole hours, and the one under way. */
const silent = (whole: number, before: (ago: number) => number) =>
  hours((ago) => (ago <= whole ? 0 : before(ago)));

test("a steady source is quiet after two whole hours, not before", () => {
  const steady = () => 30;
  expect(isQuiet(silent(0, steady))).toBe(false);
  expect(isQuiet(silent(1, steady))).toBe(false);
  expect(isQuiet(silent(2, steady))).toBe(true);
  expect(isQuiet(silent(5 * WEEK, steady))).toBe(false);
  expect(isQuiet(silent(27 * 24, steady))).toBe(true);
});

test("who sleeps at night and at weekends is not quiet then, and is on a working day", () => {
  // Now is Monday, 08:xx; nine to five on working days.
  const isWorking = (ago: number) => {
    const hour = (((8 - ago) % WEEK) + WEEK) % WEEK;
    return Math.floor(hour / 24) < 5 && hour % 24 >= 9 && hour % 24 < 17;
  };
  const office = (ago: number) => (isWorking(ago) ? 100 : 0);
  for (let shift = 0; shift < WEEK; shift++) {
    const usual = hours((ago) => office(ago - shift));
    expect([shift, isQuiet(usual)]).toEqual([shift, false]);
    // An hour later than usual, as when clocks are put back.
    const late = hours((ago) => (ago < 3 * 24 ? office(ago + 1 - shift) : office(ago - shift)));
    expect([shift, isQuiet(late)]).toEqual([shift, false]);
  }
  // It is Monday, 12:xx, and nothing has come since Friday.
  const monday = hours((ago) => (ago < 60 ? 0 : office(ago - 4)));
  expect(isQuiet(monday)).toBe(true);
});

test("a source without much of a past is never quiet", () => {
  expect(isQuiet(hours(() => 0))).toBe(false);
  expect(isQuiet(silent(48, (ago) => (ago < 10 * 24 ? 100 : 0)))).toBe(false);
  expect(isQuiet(silent(48, (ago) => (ago < 20 * 24 ? 100 : 0)))).toBe(true);
  expect(isQuiet(silent(24, () => 2))).toBe(false);
});

test("one week without those hours is reason enough", () => {
  const once = (ago: number) => (ago > 2 * WEEK - 12 && ago < 2 * WEEK + 12 ? 0 : 100);
  expect(isQuiet(silent(6, once))).toBe(false);
});

test("what is usual is the median of this hour in the weeks that the source has", () => {
  const rows = [7, 1, 100, 4];
  const of = (weeks: number) =>
    hours((ago) => (ago % WEEK === 0 && ago > 0 ? (rows[ago / WEEK - 1] ?? 0) : ago < weeks * WEEK ? 1 : 0));
  expect(usualPerHour(of(8))).toBe(5.5);
  expect(usualPerHour(hours((ago) => (ago < WEEK ? 9 : 0)))).toBeNull();
  expect(usualPerHour(hours((ago) => (ago <= WEEK ? 9 : 0)))).toBe(9);
  expect(usualPerHour(hours(() => 0))).toBeNull();
});
