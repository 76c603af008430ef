import { expect, test } from "bun:test";
import { systemClock } from "../lib/clock.ts";
import { ReadingPace } from "./reading-pace.ts";

const MIB = 1024 * 1024;

test("a body of four mebibytes is read at once, and what comes behind it as fast as the pace says", () => {
  let now = 1000;
  const pace = new ReadingPace(50, { ...systemClock, elapsed: () => now });
  expect(pace.waitMs(4 * MIB)).toBe(0);
  expect(pace.waitMs(MIB)).toBeCloseTo(20);
  expect(pace.waitMs(MIB)).toBeCloseTo(40);
  now += 40;
  expect(pace.waitMs(MIB / 10)).toBeCloseTo(2);
  now += 2;
  expect(pace.waitMs(MIB)).toBeCloseTo(20);
  // A rest, however long, is worth one body.
  now += 3_600_000;
  expect(pace.waitMs(4 * MIB)).toBeCloseTo(0);
  expect(pace.waitMs(MIB / 10)).toBeCloseTo(2);
});
