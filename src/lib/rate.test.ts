import { expect, test } from "bun:test";
import { parseRate } from "./rate.ts";

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
