/** What is told of headers is what the server's own parser does with them. */
import { afterAll, describe, expect, test } from "bun:test";
import { exchange } from "../../tests/http/wire.ts";
import { processorMs } from "../../tests/processor-time.ts";
import { FIELD_CHARS_MAX, fieldNameMistake, isFieldValue } from "./header-field.ts";

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: ({ headers }) => Response.json(headers.get("x-value")),
});
afterAll(() => server.stop(true));

/** What arrives of a value that is sent; undefined when the request is refused. */
async function arrived(value: string): Promise<string | undefined> {
  const head = `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Value: ${value}\r\n\r\n`;
  const answer = await exchange(server.port as number, head);
  return answer?.status === 200 ? JSON.parse(answer.body) : undefined;
}

const BYTES = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

describe("a value", () => {
  test("a value that a header can carry arrives as it is, and what it can't carry doesn't", async () => {
    // The parser is more patient with DEL than RFC 9110 is.
    const tried = BYTES.filter((byte) => byte !== "\x7f");
    const values = tried.flatMap((byte) => [byte, `a${byte}b`, `${byte}a`, `a${byte}`]);
    const told = values.map((value) => [value, isFieldValue(value)]);
    const done = await Promise.all(values.map(async (value) => [value, (await arrived(value)) === value]));
    expect(told).toEqual(done);
  });

  test("a value that is empty, holds DEL or what is beyond Latin-1 can't be carried", () => {
    for (const value of ["", "a\x7f", "a\u0100", "\u{1f511}", "\ud800"])
      expect(isFieldValue(value)).toBe(false);
  });

  test("a value of the greatest length arrives, and a longer one isn't said to", async () => {
    const longest = "a".repeat(FIELD_CHARS_MAX);
    expect([isFieldValue(longest), await arrived(longest)]).toEqual([true, longest]);
    expect(isFieldValue(`${longest}a`)).toBe(false);
    expect(await arrived("a".repeat(16 * 1024))).toBeUndefined();
  });

  test("a value is judged in an instant, however long it is", () => {
    const judge = () => {
      for (const run of [" ", "\t", "a", "\n", "a "]) isFieldValue(`a${run.repeat(FIELD_CHARS_MAX / 2)}`);
    };
    expect(processorMs(judge)).toBeLessThan(1000);
  });
});

describe("a name", () => {
  test("a name is taken when Headers takes it, unless HTTP itself uses it", () => {
    for (const name of [
      "",
      ...BYTES,
      ...BYTES.map((byte) => `X${byte}Y`),
      "Ünï",
      "я",
      "Authorization",
      "Cookie",
    ]) {
      const known = () => {
        try {
          return new Headers({ [name]: "a" }).get(name) === "a";
        } catch {
          return false;
        }
      };
      expect([name, fieldNameMistake(name) === undefined]).toEqual([name, known()]);
    }
    for (const name of ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "TE"])
      expect(fieldNameMistake(name)).toMatch(/HTTP itself/);
  });
});
