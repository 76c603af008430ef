/** How fast a destination takes what it is sent. */
import { expect, test } from "bun:test";
import { Rates } from "./rates.ts";

test("a rate is that of the last minute, and begins anew with another process", () => {
  const rates = new Rates();
  expect(rates.perSecond("app")).toBeUndefined();
  rates.note("app", 1000, 0);
  expect(rates.perSecond("app")).toBeUndefined();
  rates.note("app", 1000, 5000);
  expect(rates.perSecond("app")).toBe(0);
  rates.note("app", 1150, 15_000);
  expect(rates.perSecond("app")).toBe(10);
  // What was a minute ago counts no more.
  rates.note("app", 1150, 70_000);
  expect(rates.perSecond("app")).toBe(0);
  rates.note("app", 3, 71_000);
  expect(rates.perSecond("app")).toBeUndefined();
  rates.note("app", 7, 73_000);
  expect(rates.perSecond("app")).toBe(2);
  expect(rates.perSecond("other")).toBeUndefined();
});
