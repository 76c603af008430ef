import { describe, expect, test } from "bun:test";
import { compareBytes, nanoseconds } from "../../tests/model.ts";
import { fc } from "../../tests/property.ts";
import { INSTANT_PATTERN, instantKey, isInstant } from "./instant.ts";

const two = (value: number) => String(value).padStart(2, "0");

/** Fields that may or may not be a real date, and any fraction. */
const written = fc
  .tuple(
    fc.integer({ min: 0, max: 9999 }),
    fc.integer({ min: 0, max: 14 }),
    fc.integer({ min: 0, max: 33 }),
    fc.integer({ min: 0, max: 26 }),
    fc.integer({ min: 0, max: 62 }),
    fc.integer({ min: 0, max: 62 }),
    fc.stringMatching(/^(\.[0-9]{0,10})?$/),
  )
  .map(
    ([year, month, day, hour, minute, second, fraction]) =>
      `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${fraction}Z`,
  );

const real = written.filter(isInstant);

/** `Date` rolls over what is not real; then the text comes back changed. */
function isRealByDate(text: string): boolean {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z$/.exec(text);
  const seconds = match?.[1];
  if (seconds === undefined || seconds.startsWith("0000")) return false;
  const date = new Date(`${seconds}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString() === `${seconds}.000Z`;
}

describe("isInstant", () => {
  test("isInstant agrees with Date on what is real", () => {
    fc.assert(
      fc.property(written, (text) => isInstant(text) === isRealByDate(text)),
      { numRuns: 5000 },
    );
  });

  test("isInstant knows every day of four centuries", () => {
    for (let year = 1; year <= 2400; year += year < 1800 ? 199 : 1) {
      for (let month = 0; month <= 13; month++) {
        for (const day of [0, 1, 28, 29, 30, 31, 32]) {
          const text = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T00:00:00Z`;
          if (isInstant(text) !== isRealByDate(text)) throw new Error(text);
        }
      }
    }
  });

  test("isInstant refuses any text with one character changed, added or taken away, unless it is an instant again", () => {
    fc.assert(
      fc.property(
        real,
        fc.nat(30),
        fc.string({ unit: "binary", maxLength: 1 }),
        fc.nat(1),
        (text, at, put, cut) => {
          const changed = text.slice(0, at) + put + text.slice(at + cut);
          return isInstant(changed) === isRealByDate(changed);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test("isInstant holds nothing to be an instant that the published pattern refuses", () => {
    const pattern = new RegExp(INSTANT_PATTERN);
    fc.assert(fc.property(written, (text) => !isInstant(text) || pattern.test(text)));
  });
});

describe("instantKey", () => {
  test("instantKey orders as time does", () => {
    fc.assert(
      fc.property(real, real, (a, b) => {
        const [left, right] = [nanoseconds(a), nanoseconds(b)];
        const expected = left < right ? -1 : left > right ? 1 : 0;
        return Math.sign(compareBytes(instantKey(a), instantKey(b))) === expected;
      }),
      { numRuns: 3000 },
    );
  });

  test("instantKey orders fractions of one second as time does", () => {
    const fraction = fc.stringMatching(/^(\.[0-9]{1,9})?$/).map((text) => `2025-01-15T10:00:00${text}Z`);
    fc.assert(
      fc.property(fraction, fraction, (a, b) => {
        const difference = nanoseconds(a) - nanoseconds(b);
        return (
          BigInt(compareBytes(instantKey(a), instantKey(b))) ===
          (difference < 0n ? -1n : difference > 0n ? 1n : 0n)
        );
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["2025-01-15T10:00:00Z", "2025-01-15T10:00:00"],
    ["2025-01-15T10:00:00.0Z", "2025-01-15T10:00:00"],
    ["2025-01-15T10:00:00.000000000Z", "2025-01-15T10:00:00"],
    ["2025-01-15T10:00:00.50Z", "2025-01-15T10:00:00.5"],
    ["2025-01-15T10:00:00.050Z", "2025-01-15T10:00:00.05"],
    ["2025-01-15T10:00:10Z", "2025-01-15T10:00:10"],
    ["2000-10-10T10:10:10Z", "2000-10-10T10:10:10"],
  ])("instantKey of %s is %s", (instant, key) => {
    expect(instantKey(instant)).toBe(key);
  });
});
