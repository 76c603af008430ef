import { expect, test } from "bun:test";
import { processorMs } from "../../tests/processor-time.ts";
import { fc } from "../../tests/property.ts";
import { BeyondBounds } from "./bounds.ts";
import { JSON_ENTRIES_MAX, type JsonTree, parseJsonTree } from "./json-tree.ts";

const parse = (text: string) => parseJsonTree(Buffer.from(text)) as JsonTree;

/** What JSON.parse would make of it, from the tree and from the bytes of each value. */
function check(tree: JsonTree, value: unknown, bytes: Buffer): void {
  expect(JSON.parse(bytes.toString("utf8", tree.start, tree.end))).toEqual(value);
  if (Array.isArray(value)) {
    expect([tree.isArray, tree.items.length]).toEqual([true, value.length]);
    for (const [index, item] of value.entries()) check(tree.items[index] as JsonTree, item, bytes);
  } else if (typeof value === "object" && value !== null) {
    expect(tree.isObject).toBe(true);
    expect([...tree.members()].map(([name]) => name).sort()).toEqual(Object.keys(value).sort());
    for (const [name, member] of Object.entries(value)) {
      const found = tree.get(name);
      if (member === null) expect(found).toBeUndefined();
      else check(found as JsonTree, member, bytes);
    }
  } else {
    expect([tree.isNull, tree.isTrue]).toEqual([value === null, value === true]);
    if (typeof value === "string") expect(tree.text).toBe(value);
    else if (typeof value === "number") expect(Number(tree.text)).toBe(value);
    else expect(tree.text).toBeUndefined();
  }
}

test("a tree holds what JSON.parse gives, each value with its own bytes, however it is spaced", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom("", " ", "\n\t "), (value, space) => {
      const bytes = Buffer.from(`${space}${JSON.stringify(value, null, space)}${space}`);
      check(parseJsonTree(bytes) as JsonTree, JSON.parse(bytes.toString()), bytes);
    }),
  );
});

test("numbers are digits, escapes are read, names are only names, the last of equal ones counts", () => {
  const tree = parse(
    '{"big":12345678901234567890,"e":-1.50e+3,"\\u0061\\"":"\\u00e9\\n","__proto__":{"x":1},"n":null,"d":1,"d":2}',
  );
  expect(tree.get("big")?.text).toBe("12345678901234567890");
  expect(tree.get("e")?.text).toBe("-1.50e+3");
  expect(tree.get('a"')?.text).toBe("é\n");
  expect(tree.at("__proto__", "x")?.text).toBe("1");
  expect(tree.get("n")).toBeUndefined();
  expect(tree.get("d")?.text).toBe("2");
  expect([tree.get("toString"), tree.at("big", "x"), tree.get("big")?.items]).toEqual([
    undefined,
    undefined,
    [],
  ]);
});

test("what is no JSON is no tree", () => {
  for (const text of ["", " ", "{", '{"a":}', "[1,]", "nul", '"\u0001"', "{} {}", "\ufeff{}"])
    expect(parseJsonTree(Buffer.from(text))).toBeUndefined();
  expect(parseJsonTree(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
});

test("what is nested too deep, or has too many values, is beyond bounds", () => {
  const nested = (depth: number) => parseJsonTree(Buffer.from("[".repeat(depth) + "]".repeat(depth)));
  expect(nested(201)?.isArray).toBe(true);
  for (const depth of [202, 100_000]) expect(() => nested(depth)).toThrow(BeyondBounds);
  const objects = (count: number) => parse(`[${"{},".repeat(count - 1)}{}]`);
  expect(objects(100_000).items.length).toBe(100_000);
  expect(() => objects(100_001).items).toThrow("more than 100000 items");
  expect(objects(JSON_ENTRIES_MAX - 1).isArray).toBe(true);
  expect(() => objects(JSON_ENTRIES_MAX)).toThrow(BeyondBounds);
});

test("a value is found in time that grows with the document, whatever its names are", () => {
  const names = Array.from({ length: 200_000 }, (_, index) => `"${index}":0`);
  const tree = parse(`{${names.join()},"é":1,"wanted":2}`);
  expect([tree.get("wanted")?.text, tree.get("é")?.text, tree.get("e")]).toEqual(["2", "1", undefined]);
});

test("a large object is searched once for a name, however often it is asked", () => {
  const names = Array.from({ length: 200_000 }, (_, index) => `"${index}":0`);
  const tree = parse(`{"in":{"wanted":3},${names.join()},"wanted":1,"wanted":2}`);
  const ask = () => {
    for (let time = 0; time < 10_000; time++)
      expect([tree.get("wanted")?.text, tree.get("none"), tree.at("in", "wanted")?.text]).toEqual([
        ...["2", undefined, "3"],
      ]);
  };
  expect(processorMs(ask)).toBeLessThan(5_000);
});

test("any bytes are a tree exactly if they are JSON", () => {
  const token = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"a"',
    '"',
    "1",
    "-",
    "true",
    "null",
    " ",
    "\\",
    "é",
    "0",
    ".5",
    "e+",
    "E",
    '"\\u00',
    '"\\n"',
    "nul",
    "\t",
    "\f",
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
      const bytes = Buffer.from(tokens.join(""));
      let valid = true;
      try {
        JSON.parse(bytes.toString());
      } catch {
        valid = false;
      }
      expect(parseJsonTree(bytes) !== undefined).toBe(valid);
    }),
    { numRuns: 2000 },
  );
});
