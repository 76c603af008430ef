import { expect, test } from "bun:test";
import { closest } from "./closest.ts";

const KNOWN = ["secret", "public_url", "verify_token", "map", "preset"];

test.each([
  ["secrt", "secret"],
  ["secrets", "secret"],
  ["sercet", "secret"],
  ["Secret", "secret"],
  ["publicUrl", "public_url"],
  ["public-url", "public_url"],
  ["verify_tokn", "verify_token"],
  ["mpa", "map"],
])("%s is meant to be %s", (given, meant) => expect(closest(given, KNOWN)).toBe(meant));

test.each(["", "x", "password", "url", "a much longer text than any name", "constructor"])(
  "%j is nothing that is known",
  (given) => expect(closest(given, KNOWN)).toBeUndefined(),
);

test("a name that is known is meant itself, whatever stands beside it", () => {
  for (const name of KNOWN) expect(closest(name, KNOWN)).toBe(name);
  expect(closest("x", [])).toBeUndefined();
});
