import { describe, expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import { Lines } from "./lines.ts";
import type { RecordOfLog } from "./record.ts";

const AT = "2025-01-15T10:00:00.000Z";
const message = (fields: object = {}) =>
  ({
    ...{ position: "a.1", kind: "message", source: "native", message_id: "m1", from: "+1", to: "+2" },
    ...{ ts: AT, text: "Hello", type: null, created_at: AT, ...fields },
  }) as RecordOfLog;
const event = (fields: object = {}) =>
  ({
    ...{ position: "a.2", kind: "status", source: "wa", event_key: "k:read", message_id: "wa:1" },
    ...{ ts: AT, created_at: AT, ...fields },
  }) as RecordOfLog;

const WIDE = [
  "日",
  "한",
  "é",
  "e\u0301",
  "👩‍👩‍👧",
  "🇮🇳",
  "👍🏽",
  "❤️",
  "\u200b",
  "ｱ",
  "नि",
  "\ud83c\uddee",
  "\u200d",
  " ",
];
const time = new Date(AT).toTimeString().slice(0, 8);
const plain = { paint: (_: unknown, text: string) => text, today: new Date(AT) };

describe("without a terminal", () => {
  test("records stand below each other, one a line, as long as they are", () => {
    const text = "long ".repeat(100);
    expect(
      new Lines(undefined).of([
        message({ text }),
        event(),
        event({ type: "read" }),
        message({ source: "x", text: null }),
      ]),
    ).toBe(
      [
        `${time}  native  message  +1 → +2  ${text}`,
        `${time}  wa      status   wa:1     k:read`,
        `${time}  wa      status   wa:1     read  k:read`,
        `${time}  x       message  +1 → +2`,
        "",
      ].join("\n"),
    );
  });

  test("a line with an outcome says it behind the time", () => {
    const lines = new Lines(undefined);
    expect(lines.one(message(), { isSuccess: true, said: "200", ms: 12 })).toBe(
      `${time}  200, 12 ms  native  message  +1 → +2  Hello\n`,
    );
  });

  test("what a terminal would obey is shown, and a text with several lines stays on one", () => {
    expect(new Lines(undefined).one(message({ text: "a\r\nb\tc\u001b[2J\u202ed\u2028e" }))).toBe(
      `${time}  native  message  +1 → +2  a⏎b c\\u001b[2J\\u202ed⏎e\n`,
    );
  });
});

describe("on a terminal", () => {
  test("no line is wider than the terminal, whatever the texts hold", () => {
    const texts = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 80 }),
      fc.string({ unit: "binary", maxLength: 80 }),
      fc.array(fc.constantFrom(...WIDE), { maxLength: 60 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(texts, texts, fc.integer({ min: 1, max: 120 }), (text, from, columns) => {
        const paint = (_: unknown, shown: string) => `\u001b[31m${shown}\u001b[39m`;
        const shown = new Lines({ ...plain, paint, columns: () => columns }).of([
          message({ text, from, type: from }),
          event({ source: from, event_key: text }),
        ]);
        const lines = shown.split("\n");
        expect(lines).toHaveLength(3);
        for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
        const obeyed = Bun.stripANSI(shown).match(/[\p{Cc}\p{Bidi_Control}]/gu);
        expect(obeyed).toEqual(["\n", "\n"]);
      }),
    );
  });

  test("what is wide takes its two cells: what follows stands below each other", () => {
    const lines = new Lines({ ...plain, columns: () => 200 });
    const [first = "", second = ""] = lines
      .of([message({ source: "日本👩‍👩‍👧" }), message({ source: "abcdef" })])
      .split("\n");
    const widthBefore = (line: string) => Bun.stringWidth(line.slice(0, line.indexOf("message")));
    expect(widthBefore(first)).toBe(widthBefore(second));
  });

  test("a line that is cut says so, and a column that is too wide is cut by itself", () => {
    const lines = new Lines({ ...plain, columns: () => 66 });
    const [line = ""] = lines.of([message({ from: "9".repeat(50), text: "x".repeat(99) })]).split("\n");
    expect(line).toBe(`${time}  native  message  ${"9".repeat(33)}…  xx…`);
  });

  test("a line of another day comes behind one that names the day", () => {
    const lines = new Lines({ ...plain, columns: () => 80 });
    const other = { created_at: "2025-01-12T12:00:00.000Z" };
    const days = lines.of([message(other), message(other), message()]).split("\n");
    expect(days).toHaveLength(6);
    expect([days[0], days[3]]).toEqual(["Sun Jan 12 2025", "Wed Jan 15 2025"]);
  });
});
