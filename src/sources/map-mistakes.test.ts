import { expect, test } from "bun:test";
import type { FieldMap } from "./field-map.ts";
import { checkMaps } from "./map-mistakes.ts";
import type { Preset } from "./preset.ts";
import { PRESETS } from "./presets.ts";
import { SchemeError } from "./schemes/proof.ts";

function mistake(...maps: FieldMap[]): string | undefined {
  try {
    checkMaps(maps, (index) => `map/${index}`);
  } catch (error) {
    if (error instanceof SchemeError) return `${error.option}: ${error.message}`;
    throw error;
  }
  return undefined;
}
const MESSAGE = { message_id: "id", from: "from", to: "to" };

test.each<[string, RegExp, FieldMap[]]>([
  ["a list that is a member's name", /^map\/0\/each: .*no path/, [{ ...MESSAGE, each: "member a" }]],
  ["a list that is a text", /^map\/0\/each/, [{ each: "=a" }]],
  ["a text that is another one", /^map\/0\/when: .*=a/, [{ ...MESSAGE, when: { "=a": "b" } }]],
  ["a text in the middle", /^map\/0\/when: .*not at both/, [{ ...MESSAGE, when: { a: ["b", "*c*"] } }]],
  ["a direction of an event", /^map\/0\/outbound: .*status/, [{ event: "status", outbound: { a: true } }]],
  ["a direction of nothing", /^map\/0\/outbound: .*message_id/, [{ event_id: "a", outbound: { a: true } }]],
  ["a direction of everything", /^map\/0\/outbound: .*everything/, [{ ...MESSAGE, outbound: {} }]],
  [
    "a direction that is excluded",
    /^map\/0\/outbound: .*values of a$/,
    [{ ...MESSAGE, when: { a: ["1", false] }, outbound: { a: true } }],
  ],
  ["a sender of nothing", /^map\/0: .*message_id/, [{ from: "a" }]],
  ["a message of nobody", /^map\/0: .*no from/, [{ message_id: "a", text: "b" }]],
  [
    "a map behind one that takes everything",
    /^map\/1: .*kind other/,
    [
      { each: "a", event: "other" },
      { ...MESSAGE, each: "a" },
    ],
  ],
  [
    "a map behind a wider one",
    /^map\/2: .*kind status/,
    [MESSAGE, { event: "status", when: { a: ["1", 2] } }, { event: "echo", when: { a: 1, b: "c" } }],
  ],
  ["a map that understands nothing", /^map\/1: .*neither/, [MESSAGE, { event_id: "a" }]],
])("what can never match is told: %s", (_, expected, maps) => {
  expect(mistake(...maps)).toMatch(expected);
});

test.each<[string, FieldMap[]]>([
  ["a map behind one of another list", [{ each: "a", event: "other" }, MESSAGE]],
  ["a direction by what a text ends with", [{ ...MESSAGE, when: { a: "*b" }, outbound: { a: "cb" } }]],
  ["a map behind one that wants an identifier", [{ event: "status", message_id: "a" }, MESSAGE]],
  [
    "a map behind a narrower one",
    [
      { event: "status", when: { a: [1, 2] } },
      { event: "echo", when: { a: [2, 3] } },
    ],
  ],
  [
    "a map behind one with other conditions",
    [
      { event: "status", when: { a: 1 } },
      { event: "echo", when: { b: 1 } },
    ],
  ],
  ["a direction beside its condition", [{ ...MESSAGE, when: { a: ["x", true] }, outbound: { a: true } }]],
  ["an identifier alone, of which events are", [{ message_id: "a" }]],
  ["fields of events", [{ event_id: "a", ts: "b" }]],
])("no false alarm is made of %s", (_, maps) => {
  expect(mistake(...maps)).toBeUndefined();
});

test("no preset's maps have such a mistake", () => {
  for (const { options } of Object.values<Preset>(PRESETS))
    if (Array.isArray(options.map)) expect(mistake(...options.map)).toBeUndefined();
});
