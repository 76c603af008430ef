import { expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { Form } from "./form.ts";

const text = (form: Form, order: Iterable<number> = Array(form.size).keys()) =>
  [...order].map((index) => [form.name(index).toString(), form.value(index).toString()]);
const byUtf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test("a form is read as the URL standard says", () => {
  const unit = fc.constantFrom(
    "a",
    "b",
    "=",
    "&",
    "+",
    "%",
    "%4",
    "%41",
    "%e2%82%ac",
    "%C3",
    "%zz",
    " ",
    "é",
    "\0",
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 24 }), (units) => {
      const body = units.join("");
      const form = Form.parse(Buffer.from(body));
      const standard = new URLSearchParams(body.replace(/^\?/, ""));
      expect(text(form)).toEqual([...standard]);
      expect(form.size).toBe(standard.size);
      for (const name of ["a", "b", "", "x"]) {
        expect(form.get(name)).toBe(standard.get(name) ?? undefined);
        expect(form.last(name)).toBe(standard.getAll(name).at(-1));
      }
    }),
    { numRuns: 2000 },
  );
});

test("a form of pairs holds them", () => {
  const pairs = [
    ["é", "1"],
    ["a", ""],
    ["é", "€"],
  ] as const;
  const form = Form.of(pairs, 20);
  expect(text(form)).toEqual(pairs.map((pair) => [...pair]));
  expect([form.get("é"), form.last("é"), form.get("b"), form.bytes]).toEqual(["1", "€", undefined, 9]);
  expect([form.hasEqualNames(0, 2), form.areEqual(0, 2), form.areEqual(0, 0)]).toEqual([true, false, true]);
});

test("parameters are sorted by the bytes of their names, equal names by value or in any order", () => {
  const word = fc.string({
    unit: fc.constantFrom("a", "b", "é", "\0", "\ud83d\ude00", "\uffee"),
    maxLength: 9,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 200 }), (pairs) => {
      const form = Form.of(pairs, 100_000);
      const byName = text(form, form.order({ byValue: false }));
      expect(byName.map(([name]) => name)).toEqual(pairs.map(([name]) => name).toSorted(byUtf8));
      expect(byName.toSorted()).toEqual(pairs.map((pair) => [...pair]).toSorted());
      expect(text(form, form.order({ byValue: true }))).toEqual(
        pairs.toSorted(([a, v], [b, w]) => byUtf8(a, b) || byUtf8(v, w)),
      );
    }),
  );
});

test.each([
  ["equal", (_: number) => "a=b"],
  ["nearly equal and long", (index: number) => `${"x".repeat(2000)}${index % 7}=${index}`],
  ["different", (index: number) => `${(index * 7919) % 100_003}=`],
])("hundreds of thousands of bytes of %s parameters are sorted", (_, parameter) => {
  const body = Array.from({ length: 2000 }, (_, index) => parameter(index)).join("&");
  const pairs = [...new URLSearchParams(body)].toSorted(([a, v], [b, w]) => byUtf8(a, b) || byUtf8(v, w));
  const form = Form.parse(Buffer.from(body));
  expect(text(form, form.order({ byValue: true }))).toEqual(pairs);
});
