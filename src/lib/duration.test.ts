import { expect, test } from "bun:test";
import { parseDuration } from "./duration.ts";

test.each([
  ["0s", 0],
  ["250ms", 250],
  ["15s", 15_000],
  ["007s", 7000],
  ["2m", 120_000],
  ["24h", 86_400_000],
  ["7d", 604_800_000],
])("a duration is a whole number and its unit: %s", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  "",
  "15",
  "s",
  "1.5s",
  "-1s",
  "+1s",
  " 1s",
  "1s ",
  "1 s",
  "1S",
  "1h30m",
  "1w",
  "1e3s",
  "1234567890s",
  "1s\n",
])("anything else is no duration: %j", (text) => expect(parseDuration(text)).toBeUndefined());
