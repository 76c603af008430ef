/** What strangers sent is looked through once, however long it is and whatever it repeats. */
import { expect, test } from "bun:test";
import { processorMs } from "../../../tests/processor-time.ts";
import { clockChanges } from "./clock-changes.ts";
import { shownOf } from "./shown.ts";

const SOURCE = { kind: "meta", secret: "hunter2" };
const RUNS = [
  "a",
  "-",
  "?",
  "&",
  "=",
  "#",
  "token",
  "?token",
  "&token",
  "a.",
  "1",
  ".",
  "2026-01-15T10:00:00.1",
  "%",
];

test.each(RUNS)("a query or a header of nothing but %s is read in an instant", (run) => {
  const long = run.repeat(Math.ceil(400_000 / run.length));
  const work = () => {
    shownOf(SOURCE, `https://a.example/?${long}`).signed(`https://a.example/?${long}`);
    clockChanges({ headers: new Headers({ x: long }), body: Buffer.from(long), url: `/?${long}` });
  };
  expect(processorMs(work)).toBeLessThan(3000);
});

test("values of parameters are hidden by their names, and what a terminal obeys is escaped", () => {
  const url = "https://a.example/p?a=1&Token=one&x?api_key=two&sig&b=3&pass=f=our#x";
  const { signed, text } = shownOf(SOURCE, url);
  expect(signed(`${url} and hunter2`)).toBe(
    "https://a.example/p?a=1&Token=***&x?api_key=***&sig&b=3&pass=*** and ***",
  );
  expect(text("\n\x1b[31m\x9b31m\u2028\u202e\u2066\u200f\u061cé")).toBe(
    "\\u000a\\u001b[31m\\u009b31m\\u2028\\u202e\\u2066\\u200f\\u061cé",
  );
});
