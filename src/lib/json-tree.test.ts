import { expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { type JsonTree, parseJsonTree } from "./json-tree.ts";

const parse = (text: string) => parseJsonTree(Buffer.from(text)) as JsonTree;

/** What JSON.parse would make of it, from the tree and from the bytes of each value. */
function check(tree: JsonTree, value: unknown, bytes: Buffer): void {
  expect(JSON.parse(bytes.toString("utf8", tree.start, tree.end))).toEqual(value);
  if (Array.isArray(value)) {
    expect([tree.isArray, tree.items.length]).toEqual([true, value.length]);
    for (const [index, item] of value.entries()) check(tree.items[index] as JsonTree, item, bytes);
  } else if (typeof value === "object" && value !== null) {
    expect(tree.isObject).toBe(true);
    expect([...tree.names].sort()).toEqual(Object.keys(value).sort());
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

test("what is no JSON is no tree, nor what is nested too deep", () => {
  for (const text of ["", " ", "{", '{"a":}', "[1,]", "nul", '"\u0001"', "{} {}", "\ufeff{}"])
    expect(parseJsonTree(Buffer.from(text))).toBeUndefined();
  expect(parseJsonTree(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
  const nested = (depth: number) => parseJsonTree(Buffer.from("[".repeat(depth) + "]".repeat(depth)));
  expect(nested(201)?.isArray).toBe(true);
  expect(nested(202)).toBeUndefined();
  expect(nested(100_000)).toBeUndefined();
});

test("any bytes: a tree exactly if they are JSON", () => {
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
