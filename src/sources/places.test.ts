import { expect, test } from "bun:test";
import { parsePlace, RequestParts } from "./places.ts";
import { SchemeError } from "./schemes/proof.ts";

const FORM = "application/x-www-form-urlencoded";

function read(text: string, { body = "", type = "application/json", url = "/" } = {}): string | undefined {
  const headers = new Headers({ "Content-Type": type, "X-Id": "7" });
  const request = { method: "POST", headers, url, body: Buffer.from(body) };
  return parsePlace(text, "scheme/id").read(new RequestParts(request));
}

test("a place is a header, a parameter of the query or the form, or a value of the JSON", () => {
  expect(read("header x-id")).toBe("7");
  expect(read("query a", { url: "/hook?a=1&a=2" })).toBe("1");
  expect(read("form a", { body: "a=1&a=2+3", type: `${FORM}; charset=utf-8` })).toBe("2 3");
  expect(read("json a.b[1]", { body: '{"a":{"b":[0,"x"]}}' })).toBe("x");
  expect(read("json.a", { body: '{"a":1.50}' })).toBe("1.50");
  expect(read("json a", { body: '{"a":true}' })).toBe("true");
});

test("what isn't there, has no text, or stands in a body of another form is nothing", () => {
  expect(read("header x-other")).toBeUndefined();
  expect(read("query a", { url: "/hook" })).toBeUndefined();
  expect(read("form a", { body: "a=1" })).toBeUndefined();
  expect(read("json a", { body: "a=1", type: FORM })).toBeUndefined();
  for (const body of ['{"a":null}', '{"a":{}}', '{"a":[]}', "{}", "no JSON"])
    expect(read("json a", { body })).toBeUndefined();
});

test("a text that is no place is refused", () => {
  for (const text of ["", "header", "header ", "cookie a", "header a b", "json a..b"])
    expect(() => parsePlace(text, "scheme/id")).toThrow(SchemeError);
});
