/** What strangers sent is looked through once, however long it is and whatever it repeats. */
import { expect, test } from "bun:test";
import { processorMs } from "../../../tests/processor-time.ts";
import { clockChanges } from "./changes.ts";
import { curlRequests } from "./curl-output.ts";
import { redactionFor } from "./redaction.ts";

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
    const request = { method: "POST", headers: new Headers({ x: long }), body: Buffer.from(long) };
    const url = `https://a.example/?${long}`;
    redactionFor(SOURCE, { ...request, url }).signed(url);
    clockChanges({ ...request, url: `/?${long}` });
    curlRequests(Buffer.from(`> ${long}\n* ${long}\r${long}`));
  };
  expect(processorMs(work)).toBeLessThan(3000);
});
