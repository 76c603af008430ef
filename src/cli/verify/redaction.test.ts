import { expect, test } from "bun:test";
import { redactionFor } from "./redaction.ts";

test("values of parameters are hidden by their names, and what a terminal obeys is escaped", () => {
  const url = "https://a.example/p?a=1&Token=one&x?api_key=two&sig&b=3&pass=f=our#x";
  const { signed, text } = redactionFor({ kind: "meta", secret: "hunter2" }, url);
  expect(signed(`${url} and hunter2`)).toBe(
    "https://a.example/p?a=1&Token=***&x?api_key=***&sig&b=3&pass=*** and ***",
  );
  expect(text("\n\x1b[31m\x9b31m\u2028\u202e\u2066\u200f\u061cé")).toBe(
    "\\u000a\\u001b[31m\\u009b31m\\u2028\\u202e\\u2066\\u200f\\u061cé",
  );
});
