import { expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { steeredClock } from "../../tests/steered-clock.ts";
import type { RequestLine } from "./log.ts";
import { PrettyLines } from "./pretty-lines.ts";

const REQUEST: RequestLine = {
  level: "INFO",
  requestId: "r-1",
  method: "POST",
  path: "/webhook",
  status: 200,
  latencyMs: 1.234,
  result: "ok",
  fields: { source: "native", message_id: "m1", duplicate: false },
  error: undefined,
};

function newLines(columns?: number) {
  const clock = steeredClock();
  const later: string[] = [];
  const terminal = { columns: () => columns, paint: (_: unknown, text: string) => text };
  const lines = new PrettyLines(terminal, clock, (text) => text !== "" && later.push(text));
  const one = (more: Partial<RequestLine> = {}) => withoutTime(lines.request({ ...REQUEST, ...more }));
  return { lines, clock, later, one };
}

const withoutTime = (line: string) => line.replace(/^\d\d:\d\d:\d\d {2}/, "");

test("a request is one line of status, time, method, path, result and message", () => {
  const { one } = newLines();
  expect(one()).toBe("200  1.2 ms  POST /webhook  ok  m1\n");
  expect(
    one({ method: "GET", path: "/messages", result: undefined, fields: undefined, latencyMs: 68.7 }),
  ).toBe("200   69 ms  GET  /messages\n");
  expect(one({ fields: { source: "a", message_id: "a:1", messages: 1, events: 0 } })).toBe(
    "200  1.2 ms  POST /webhook  ok  a:1\n",
  );
  expect(one({ latencyMs: 12_345, fields: { messages: 2, events: 1 } })).toBe(
    "200  12.3 s  POST /webhook  ok  messages=2 events=1\n",
  );
});

test("a request that failed says why, whole, and by which identifier it is found", () => {
  const { one } = newLines(40);
  const fields = { source: "native", duplicate: false, client: "192.0.2.1", reason: "no secret made it" };
  expect(one({ level: "WARN", status: 401, result: "invalid_signature", fields })).toBe(
    "401  1.2 ms  POST /webhook  invalid_signature  no secret made it  client=192.0.2.1\n",
  );
  expect(one({ level: "ERROR", status: 500, result: "error", fields: undefined, error: "disk gone" })).toBe(
    '500  1.2 ms  POST /webhook  error  request_id=r-1 error="disk gone"\n',
  );
});

test("an event names its level and all its fields", () => {
  const { lines } = newLines(20);
  expect(withoutTime(lines.event("WARN", "a warning", { a: undefined, b: 7, c: 'x "y"' }))).toBe(
    'WARN         a warning  b=7 c="x \\"y\\""\n',
  );
  expect(withoutTime(lines.event("INFO", "stopped", undefined))).toBe("info         stopped\n");
});

test("an ordinary request is cut to the terminal's width", () => {
  const { lines } = newLines(40);
  const line = lines.request({ ...REQUEST, path: `/${"日".repeat(50)}` }).trimEnd();
  expect(Bun.stringWidth(line)).toBeLessThanOrEqual(40);
  expect(line).toEndWith("日…");
});

test("in a second ten requests of a level are shown, and the others are summed up", () => {
  const { lines, clock, later } = newLines();
  const shown = (more: Partial<RequestLine>, count: number) =>
    Array.from({ length: count }, () => lines.request({ ...REQUEST, ...more })).filter((text) => text !== "");
  expect(shown({}, 800)).toHaveLength(10);
  expect(shown({ result: "duplicate" }, 12)).toHaveLength(0);
  expect(shown({ result: undefined, status: 204 }, 1)).toHaveLength(0);
  expect(shown({ level: "ERROR", status: 500, result: "error" }, 3)).toHaveLength(3);
  clock.advance(1000);
  expect(later).toEqual(["          … and 803 more requests: ok ×790, duplicate ×12, 204 ×1\n"]);
  expect(shown({}, 10)).toHaveLength(10);
  clock.advance(1000);
  expect(later).toHaveLength(1);
});

test("what was left out is said when the log is flushed, and only once", () => {
  const { lines, clock, later } = newLines();
  for (let index = 0; index < 11; index++) lines.request(REQUEST);
  expect(lines.rest()).toBe("          … and 1 more request: ok ×1\n");
  clock.advance(1000);
  expect([lines.rest(), ...later]).toEqual([""]);
});

test("nothing that a stranger sent reaches the terminal as more than text on one line", () => {
  const { lines } = newLines(80);
  const text = fc.string({ unit: "binary", maxLength: 60 });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones that are meant
  const obeyed = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
  fc.assert(
    fc.property(text, text, fc.constantFrom("INFO", "ERROR" as const), (path, other, level) => {
      const fields = { message_id: other, reason: other };
      lines.rest();
      const written = [
        lines.request({ ...REQUEST, level, path: `/${path}`, fields, error: other }),
        lines.event(level, other, fields),
      ];
      for (const line of written) {
        expect(line).toEndWith("\n");
        expect(line.slice(0, -1)).not.toMatch(obeyed);
      }
    }),
  );
});
