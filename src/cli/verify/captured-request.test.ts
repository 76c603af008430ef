import { describe, expect, test } from "bun:test";
import { processorMs } from "../../../tests/processor-time.ts";
import { fc } from "../../../tests/property.ts";
import { UsageError } from "../errors.ts";
import { composeRequest, parseRequest, unchunked } from "./captured-request.ts";

const parsed = (text: string) => {
  const { body, ...rest } = parseRequest(Buffer.from(text));
  return { ...rest, body: Buffer.from(body).toString() };
};

describe("a captured request", () => {
  test.each(["\r\n", "\n"])("a captured request may have heads whose lines end with %j", (end) => {
    const head = ["POST /webhook/a?b=%2B1&c HTTP/1.1", "Host: x", "X-Two:  a b \t", "x-two:", "", ""];
    expect(parsed(`${head.join(end)}{"a":1}\r\n`)).toEqual({
      method: "POST",
      target: "/webhook/a?b=%2B1&c",
      headers: [
        ["Host", "x"],
        ["X-Two", "a b"],
        ["x-two", ""],
      ],
      body: '{"a":1}\r\n',
    });
  });

  test("a captured request may lack the protocol's version, headers, a blank line or a body, and begin with blank lines", () => {
    expect(parsed("\r\n\nGET /a")).toEqual({ method: "GET", target: "/a", headers: [], body: "" });
    expect(parsed("GET /a HTTP/2\n\n")).toEqual({ method: "GET", target: "/a", headers: [], body: "" });
    expect(parsed("GET /a\nA: b").headers).toEqual([["A", "b"]]);
  });

  test("a captured request may name the whole address, of which path and query count", () => {
    expect(parsed("POST https://example.org:8443/a?b HTTP/1.1\n\n").target).toBe("/a?b");
    expect(parsed("POST http://example.org HTTP/1.1\n\n").target).toBe("/");
  });

  test("a captured request keeps bytes of the body that are no text", () => {
    const body = Buffer.from([0xff, 0, 0x0a, 0x0d, 0xfe]);
    expect(parseRequest(Buffer.concat([Buffer.from("POST /\n\n"), body])).body).toEqual(body);
  });

  test.each([
    ["", "there is no request in it"],
    ["\n\n", "there is no request in it"],
    ['{"a":1}', "line 1 is no request line such as POST /webhook/name HTTP/1.1"],
    ["POST\n\n", "line 1 is no request line such as POST /webhook/name HTTP/1.1"],
    ["POST /a HTTP/1.1\n{}\n", "line 2 is no header such as Content-Type: application/json"],
    ["POST /a\nA: b\n c\n\n", "line 3 is no header such as Content-Type: application/json"],
    ["POST /a\nA: b\0c\n\n", "line 2 is no header such as Content-Type: application/json"],
  ])("%j is no captured request", (text, message) => {
    expect(() => parsed(text)).toThrow(new UsageError(message));
  });

  test("a captured request is read in an instant, however long a header's spaces are", () => {
    const spaces = " \t".repeat(200_000);
    const parse = () =>
      expect(parsed(`POST /a\nA:${spaces}b${spaces}c${spaces}\n\n`).headers).toEqual([["A", `b${spaces}c`]]);
    expect(processorMs(parse)).toBeLessThan(3000);
  });

  test("a captured request that was composed is parsed to what it was", () => {
    const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/);
    const value = fc.stringMatching(
      /^([\x21-\x7e\xa1-\xff]([\x20-\x7e\xa1-\xff]{0,20}[\x21-\x7e\xa1-\xff])?)?$/,
    );
    const request = fc.record({
      method: token,
      target: fc.stringMatching(/^\/[\x21-\x7e]{0,30}$/),
      headers: fc.array(fc.tuple(token, value), { maxLength: 5 }),
      body: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(request, (given) => {
        expect(parseRequest(composeRequest(given))).toEqual(given);
      }),
    );
  });
});

describe("chunks", () => {
  test("chunks are put together whatever their sizes", () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(chunk),
        fc.constantFrom("\r\n", "\n"),
        fc.constantFrom("", ";a=b"),
        (chunks, end, more) => {
          const sent = chunks.flatMap((bytes) => [
            Buffer.from(`${bytes.length.toString(16)}${more}${end}`),
            bytes,
            Buffer.from(end),
          ]);
          const body = Buffer.concat([...sent, Buffer.from(`0${end}${end}`)]);
          expect(Buffer.from(unchunked(body) ?? [1])).toEqual(Buffer.concat(chunks));
        },
      ),
    );
  });

  test.each([
    "",
    '{"a":1}',
    "3\r\nabc\r\n",
    "2\r\nabc\r\n0\r\n\r\n",
    "3\r\nabc0\r\n\r\n",
    "0\r\n\r\nx",
    "0\r\n",
  ])("%j is no body in chunks", (text) => {
    expect(unchunked(Buffer.from(text))).toBeUndefined();
  });
});
