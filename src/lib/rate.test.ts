import { expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { parseRate, rateText } from "./rate.ts";

test.each([
  ["50/s", 50],
  ["30/m", 0.5],
  ["900/h", 0.25],
  ["1/h", 1 / 3600],
  ["999999/s", 999_999],
])("a rate is so many a second, a minute or an hour: %s", (text, perS) => {
  expect(parseRate(text)).toBe(perS);
});

test.each([
  "",
  "50",
  "/s",
  "0/s",
  "05/s",
  "-1/s",
  "1.5/s",
  "50 / s",
  "50/S",
  "50/d",
  "50/sec",
  "1000000/s",
  "50/s\n",
])("anything else is no rate: %j", (text) => expect(parseRate(text)).toBeUndefined());

test.each([
  ["200/s", "200/s"],
  ["30/m", "30/m"],
  ["120/m", "2/s"],
  ["1000/h", "1000/h"],
  ["999999/h", "999999/h"],
  ["1/h", "1/h"],
])("a rate as text has the shortest unit that makes it whole: %s", (text, shown) => {
  expect(rateText(parseRate(text) ?? 0)).toBe(shown);
});

test("any rate as text is the same rate", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_999 }), fc.constantFrom("s", "m", "h"), (number, unit) => {
      const perS = parseRate(`${number}/${unit}`) ?? 0;
      expect(parseRate(rateText(perS))).toBeCloseTo(perS, 9);
    }),
  );
});
