import { expect, test } from "bun:test";
import { anyMessage } from "../../tests/messages.ts";
import { fc } from "../../tests/property.ts";
import { decodeEventCursor, decodeMessageCursor, encodeEventCursor, encodeMessageCursor } from "./cursor.ts";
import { instantKey, isInstant } from "./instant.ts";

const keys = anyMessage.map(({ ts, message_id }) => ({ tsKey: instantKey(ts), messageId: message_id }));

test("a cursor leads back to its key", () => {
  fc.assert(fc.property(keys, (key) => expect(decodeMessageCursor(encodeMessageCursor(key))).toEqual(key)));
});

test("a cursor needs no escaping in a URL", () => {
  fc.assert(fc.property(keys, (key) => /^[A-Za-z0-9_-]+$/.test(encodeMessageCursor(key))));
});

test("no text makes it throw, and what it takes is a key", () => {
  const near = fc
    .jsonValue({ maxDepth: 2 })
    .map((value) => Buffer.from(JSON.stringify(value)).toString("base64url"));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.base64String(), near), (text) => {
      const key = decodeMessageCursor(text);
      if (key === undefined) return;
      expect(isInstant(`${key.tsKey}Z`)).toBe(true);
      expect(key.messageId.isWellFormed()).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [["2025-01-15T10:00:00.50", "a"]],
  [["2025-01-15T10:00:00.", "a"]],
  [["2025-02-30T10:00:00", "a"]],
  [["2025-01-15T10:00:00Z", "a"]],
  [["2025-01-15T10:00:00", "a\0"]],
  [["2025-01-15T10:00:00", 1]],
  [["2025-01-15T10:00:00"]],
  [["2025-01-15T10:00:00", "a", "b"]],
  [{ 0: "2025-01-15T10:00:00", 1: "a", length: 2 }],
  [null],
  ["x"],
])("%j is no key", (value) => {
  expect(decodeMessageCursor(Buffer.from(JSON.stringify(value)).toString("base64url"))).toBeUndefined();
});

test("an event's cursor leads back to its key", () => {
  const events = fc.record({
    tsKey: anyMessage.map(({ ts }) => instantKey(ts)),
    seq: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  });
  fc.assert(fc.property(events, (key) => expect(decodeEventCursor(encodeEventCursor(key))).toEqual(key)));
});

test.each([[-1], [1.5], ["1"], [null], [2 ** 53]])("%j is no event's number in a cursor", (seq) => {
  const text = Buffer.from(JSON.stringify(["2025-01-15T10:00:00", seq])).toString("base64url");
  expect(decodeEventCursor(text)).toBeUndefined();
});
