import { expect, test } from "bun:test";
import { anyMessage } from "../../../tests/messages.ts";
import { fc } from "../../../tests/property.ts";
import { instantKey, isInstant } from "../../core/instant.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";

const position = anyMessage.map(({ ts, message_id }) => ({ tsKey: instantKey(ts), messageId: message_id }));

test("a cursor leads back to its place", () => {
  fc.assert(fc.property(position, (place) => expect(decodeCursor(encodeCursor(place))).toEqual(place)));
});

test("a cursor needs no escaping in a URL", () => {
  fc.assert(fc.property(position, (place) => /^[A-Za-z0-9_-]+$/.test(encodeCursor(place))));
});

test("no text makes it throw, and what it takes is a place", () => {
  const near = fc
    .jsonValue({ maxDepth: 2 })
    .map((value) => Buffer.from(JSON.stringify(value)).toString("base64url"));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.base64String(), near), (text) => {
      const place = decodeCursor(text);
      if (place === undefined) return;
      expect(isInstant(`${place.tsKey}Z`)).toBe(true);
      expect(place.messageId.isWellFormed()).toBe(true);
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
])("%j is no place", (value) => {
  expect(decodeCursor(Buffer.from(JSON.stringify(value)).toString("base64url"))).toBeUndefined();
});
