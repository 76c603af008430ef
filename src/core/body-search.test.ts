import { expect, test } from "bun:test";
import { foldByTheBook } from "../../tests/model.ts";
import { fc } from "../../tests/property.ts";
import { bodySearch } from "./body-search.ts";

const holds = (body: string | Uint8Array, q: string) => bodySearch(q)(Buffer.from(body as Uint8Array));

test.each([
  ['{"name":"M\\u00fcller"}', "müller"],
  ['{"name":"Müller"}', "MÜLLER"],
  ['{"name":"Müller","status":"failed"}', '"STATUS":"failed"'],
  ['{"name":"M\\u00fcller"}', "M\\u00FCller"],
  ['{"a":"\\ud83d\\ude00"}', "😀"],
  ['{"a":"one\\ntwo\\/three"}', "one\ntwo/three"],
  ['{"a":"say \\"hi\\""}', 'say "hi"'],
  ['{"a":"50%_"}', "0%_"],
  ['{"stra\\u00dfe":1}', "straße"],
  ["To=%2B1555&Body=M%C3%BCller+%26+Co", "müller & co"],
  ["To=%2B1555&Body=x", "to=+1555"],
  ["To=%2B1555&Body=x", "To=%2b1555"],
  ['payload={"text":"M%5Cu00fcller"}', "müller"],
  ["a\\u0062c", "abc"],
])("%s holds %s", (body, q) => {
  expect(holds(body, q)).toBe(true);
});

test.each([
  ['{"name":"M\\\\u00fcller"}', "müller"],
  ['{"name":"Muller"}', "müller"],
  ['{"a":"+1555"}', " 1555"],
  ['{"a":"%C3%BC"}', "ü"],
  ['{"a":1}', "a:1"],
  ["", "a"],
])("%s doesn't hold %s", (body, q) => {
  expect(holds(body, q)).toBe(false);
});

test("bytes that are no UTF-8 stand for one character, and what is around them is found", () => {
  expect(holds(new Uint8Array([0x61, 0xff, 0x62]), "A\ufffdb")).toBe(true);
});

/** A character of a string as JSON may write it. */
const written = fc
  .tuple(fc.constantFrom(...'aÄß/"\\\n\tüKkſ😀u0%+& '), fc.boolean())
  .map(([text, escaped]) => ({
    text,
    json: escaped
      ? Array.from(
          { length: text.length },
          (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`,
        ).join("")
      : JSON.stringify(text).slice(1, -1),
  }));

/** What a string of JSON says, read one character at a time. */
function readByTheBook(json: string): string {
  const short: Record<string, string> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };
  let text = "";
  for (let at = 0; at < json.length; at++) {
    const next = json[at + 1] ?? "";
    if (json[at] !== "\\") text += json[at];
    else if (next === "u") {
      text += String.fromCharCode(Number.parseInt(json.slice(at + 2, at + 6), 16));
      at += 5;
    } else {
      text += short[next] ?? next;
      at++;
    }
  }
  return text;
}

test("a text is found where the body, or what its strings say, holds it folded, and nowhere else", () => {
  const characters = fc.array(written, { maxLength: 12 });
  const q = fc.oneof(
    fc.array(written, { minLength: 1, maxLength: 3 }).map((some) => some.map(({ text }) => text).join("")),
    fc.array(written, { minLength: 1, maxLength: 2 }).map((some) => some.map(({ json }) => json).join("")),
  );
  fc.assert(
    fc.property(characters, characters, q, fc.nat(12), fc.nat(12), (name, value, other, from, length) => {
      const [key, said] = [name, value].map((all) => all.map(({ json }) => json).join(""));
      const body = `{"${key}":["${said}"]}`;
      for (const wanted of [
        other,
        value
          .map(({ text }) => text)
          .slice(from, from + length)
          .join(""),
      ]) {
        const expected = [body, readByTheBook(body)].some((text) =>
          foldByTheBook(text).includes(foldByTheBook(wanted)),
        );
        expect(holds(body, wanted)).toBe(expected);
      }
    }),
    { numRuns: 2000 },
  );
});
