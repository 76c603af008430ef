import { expect, test } from "bun:test";
import { redactionFor } from "./redaction.ts";

const requestTo = (url: string, headers: Record<string, string> = {}, body = "") => ({
  url,
  headers: new Headers(headers),
  body: Buffer.from(body),
});

test("values of parameters are hidden by their names, and what a terminal obeys is escaped", () => {
  const url = "https://a.example/p?a=1&Token=one&x?api_key=two&sig&b=3&pass=f=our#x";
  const { signed, text } = redactionFor({ kind: "meta", secret: "hunter2" }, requestTo(url));
  expect(signed(`${url} and hunter2`)).toBe(
    "https://a.example/p?a=1&Token=***&x?api_key=***&sig&b=3&pass=*** and ***",
  );
  expect(text("\n\x1b[31m\x9b31m\u2028\u202e\u2066\u200f\u061cé")).toBe(
    "\\u000a\\u001b[31m\\u009b31m\\u2028\\u202e\\u2066\\u200f\\u061cé",
  );
});

test("a secret that is a word of ours is hidden in others' texts, and in ours when the request holds it", () => {
  const config = { kind: "meta", secret: "signature" };
  const ours = "no secret made this signature";
  const hidden = "no secret made this ***";
  const said = (headers: Record<string, string>, body = "") =>
    redactionFor(config, requestTo("/webhook/a", headers, body)).said(ours);
  expect(said({ "x-hub-signature": "sha256=00" }, "{}")).toBe(ours);
  expect(redactionFor(config, requestTo("/")).text(ours)).toBe(hidden);
  const token = `Bearer a.${Buffer.from('{"kid":"signature"}').toString("base64url")}.c`;
  expect([said({ a: "signature" }), said({ authorization: token })]).toEqual([hidden, hidden]);
  expect([said({}, '["signature"]'), redactionFor(config, requestTo("/?a=signature")).said(ours)]).toEqual([
    hidden,
    hidden,
  ]);
});
