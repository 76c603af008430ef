import { expect, test } from "bun:test";
import { fc } from "../../../../tests/property.ts";
import { instantKey } from "../../../core/instant.ts";
import { hourOf, itemsOf, joinItems, parseItems, sum } from "./items.ts";

const messageOf = (from: string, ts: string) => ({ from, ts, tsKey: instantKey(ts) });

test("messages are counted by sender and hour, events by source and kind", () => {
  const items = itemsOf(
    [
      messageOf("+1", "2025-01-15T10:00:00Z"),
      messageOf("+1", "2025-01-15T10:59:59.999Z"),
      messageOf("+1", "2025-01-15T11:00:00Z"),
      messageOf("+2", "2025-01-15T10:00:00Z"),
    ],
    [
      { source: "wa", kind: "status" },
      { source: "wa", kind: "status" },
      { source: "wa", kind: "other" },
    ],
  );
  expect(parseItems(items)).toEqual({
    messages: [
      ["+1", "2025-01-15T10", 2],
      ["+1", "2025-01-15T11", 1],
      ["+2", "2025-01-15T10", 1],
    ],
    events: [
      ["wa", "status", 2],
      ["wa", "other", 1],
    ],
  });
});

test("what is counted already adds nothing", () => {
  expect(parseItems(null)).toEqual({ messages: [], events: [] });
});

test("no spelling of two names makes them one", () => {
  const pairs = [
    ["a", "b c"],
    ["a b", "c"],
    ["", "a"],
    ["a", ""],
  ] as const;
  const { events } = parseItems(
    itemsOf(
      [],
      pairs.map(([source, kind]) => ({ source, kind })),
    ),
  );
  expect(events).toEqual(pairs.map(([source, kind]) => [source, kind, 1]));
});

test("the hours of keys are ordered as their instants are", () => {
  const instants = ["0001-01-01T00:00:00Z", "2024-12-31T23:59:59.9Z", "2025-01-01T00:00:00Z"];
  const hours = instants.map((instant) => hourOf(instantKey(instant)));
  expect(hours).toEqual(["0001-01-01T00", "2024-12-31T23", "2025-01-01T00"]);
});

test("joined or not, nothing is counted twice and nothing is left out", () => {
  const group = fc.array(fc.tuple(fc.constantFrom("+1", "+2", "+\u{1f600}"), fc.nat(23)), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(group, { maxLength: 5 }), (groups) => {
      const items = groups.map((each) =>
        parseItems(
          itemsOf(
            each.map(([from, hour]) => messageOf(from, `2025-01-15T${String(hour).padStart(2, "0")}:00:00Z`)),
            each.map(([source]) => ({ source, kind: "status" })),
          ),
        ),
      );
      const joined = joinItems(items);
      expect(sum(joined.messages)).toBe(groups.flat().length);
      expect(sum(joined.events)).toBe(groups.flat().length);
    }),
  );
});
