/**
 * Messages for tests: plain ones with what a test cares about, and arbitrary ones from small, nasty
 * pools.
 */
import type { Message } from "../src/core/message.ts";
import type { MessageQuery, SenderQuery } from "../src/core/store.ts";
import { fc, storableText } from "./property.ts";

export function message(messageId: string, fields: Partial<Message> = {}): Message {
  return {
    message_id: messageId,
    from: "+919876543210",
    to: "+14155550100",
    ts: "2025-01-15T10:00:00Z",
    text: "Hello",
    ...fields,
  };
}

/**
 * Small pools, so that duplicates, equal instants and matches are common. Astral sorts after U+FFxx
 * by bytes only.
 */
const IDS = [
  "a",
  "b",
  "A",
  "aa",
  "é",
  "\uff61",
  "\u{1f600}",
  "\u{10000}",
  "__proto__",
  "toString",
  "%",
  " x ",
];
const NUMBERS = Array.from({ length: 12 }, (_, index) => `+${index * 7}`);
export const INSTANTS = [
  "2025-01-15T10:00:00Z",
  "2025-01-15T10:00:00.0Z",
  "2025-01-15T10:00:00.000000000Z",
  "2025-01-15T10:00:00.5Z",
  "2025-01-15T10:00:00.50Z",
  "2025-01-15T10:00:00.05Z",
  "2025-01-15T10:00:00.000000001Z",
  "2025-01-15T10:00:01Z",
  "2025-01-15T09:59:59.999999999Z",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999Z",
  "2024-02-29T12:00:00.10Z",
];
const TEXTS = [
  "",
  "Hello",
  "100% of _all_ 'quotes' and \\ strokes",
  "ΟΔΥΣΣΕΥΣ Ὀδυσσεύς",
  "İstanbul ısı",
  "STRASSE Straße STRAẞE",
  "300 \u212a",
  "\u{1f600}\u{1f601} Ⴀ \u{10400}\u{10428}",
  "K k \u017f s S",
];

const id = fc
  .oneof({ weight: 3, arbitrary: fc.constantFrom(...IDS) }, storableText(6))
  .filter((text) => text.trim() !== "");
const number = fc.constantFrom(...NUMBERS);
const instant = fc.constantFrom(...INSTANTS);
const text = fc.oneof(fc.constantFrom(...TEXTS, null), storableText(12));

export const anyMessage: fc.Arbitrary<Message> = fc.record({
  message_id: id,
  from: number,
  to: number,
  ts: instant,
  text,
});

/** A part of one of the texts, in any case, or something else. */
const part = fc.oneof(
  fc
    .tuple(fc.constantFrom(...TEXTS), fc.nat(20), fc.integer({ min: 1, max: 4 }), fc.nat(2))
    .map(([whole, from, length, change]) => {
      const some = Array.from(whole)
        .slice(from, from + length)
        .join("");
      return change === 0 ? some : change === 1 ? some.toLowerCase() : some.toUpperCase();
    })
    .filter((some) => some !== ""),
  storableText(2).filter((some) => some !== ""),
);

export const anyQuery: fc.Arbitrary<MessageQuery> = fc.record(
  {
    limit: fc.integer({ min: 1, max: 12 }),
    offset: fc.oneof(fc.constant(0), fc.nat(12)),
    from: number,
    to: number,
    messageId: id,
    since: instant,
    until: instant,
    q: part,
    order: fc.constantFrom("asc" as const, "desc" as const),
  },
  { requiredKeys: ["limit", "offset"] },
);

/** Of the senders of `anyMessage`, or of others. */
export const anySenderQuery: fc.Arbitrary<SenderQuery> = fc.record(
  {
    limit: fc.integer({ min: 1, max: 8 }),
    offset: fc.oneof(fc.constant(0), fc.nat(8)),
    order: fc.constantFrom("asc" as const, "desc" as const),
    q: fc.constantFrom("", "+", "1", "12", "7", "iG:A", "É", "%"),
  },
  { requiredKeys: ["limit", "offset", "order"] },
);
