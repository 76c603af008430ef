import { expect, test } from "bun:test";
import { ReadingPace } from "./reading-pace.ts";

const MIB = 1024 * 1024;

test("a body of four mebibytes is read at once, and what comes behind it at sixty-four a second", () => {
  let now = 1000;
  const pace = new ReadingPace({ now: () => 0, elapsed: () => now });
  expect(pace.waitMs(4 * MIB)).toBe(0);
  expect(pace.waitMs(MIB)).toBe(16);
  expect(pace.waitMs(MIB)).toBe(32);
  now += 32;
  expect(pace.waitMs(64 * 1024)).toBe(1);
  now += 1;
  expect(pace.waitMs(MIB)).toBe(16);
  // A rest, however long, is worth one body.
  now += 3_600_000;
  expect(pace.waitMs(4 * MIB)).toBe(0);
  expect(pace.waitMs(64 * 1024)).toBe(1);
});
