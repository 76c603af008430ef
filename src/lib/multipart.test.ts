import { expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { boundaryOf, multipartFields } from "./multipart.ts";

const MAX = 100;
const read = (body: string, boundary = "b", max = MAX) => {
  const fields = multipartFields(Buffer.from(body), boundary, max);
  if (fields === undefined || fields === "too many") return fields;
  return fields.map(({ name, value }) => [name, Buffer.from(value).toString()]);
};
const part = (headers: string, value = "v") => `--b\r\n${headers}\r\n\r\n${value}\r\n`;
const FIELD = 'Content-Disposition: form-data; name="a"';

test("the fields of a form as others write it are read, and its files left out", async () => {
  // Line ends within values are written as CRLF, and names are escaped.
  const text = fc.string({ unit: fc.constantFrom("a", "b", "é", "-", "--", ";", "=", " "), maxLength: 12 });
  const entry = fc.record({ name: text, value: text, isFile: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 8 }), async (entries) => {
      const form = new FormData();
      for (const { name, value, isFile } of entries)
        if (isFile) form.append(name, new File([value], "f"));
        else form.append(name, value);
      const sent = new Response(form);
      const boundary = boundaryOf(sent.headers.get("content-type") ?? "") ?? "";
      const body = new Uint8Array(await sent.arrayBuffer());
      const fields = multipartFields(body, boundary, MAX);
      if (fields === undefined || fields === "too many") throw new Error(`not read: ${fields}`);
      const plain = entries.filter(({ isFile }) => !isFile).map(({ name, value }) => [name, value]);
      expect(fields.map(({ name, value }) => [name, Buffer.from(value).toString()])).toEqual(plain);
      for (const { start, end, value } of fields)
        expect(
          Buffer.from(body.subarray(start, end)).toString().endsWith(Buffer.from(value).toString()),
        ).toBe(true);
    }),
  );
});

test("whatever a stranger sends, it is a list of fields within the body, or none", () => {
  const units = fc.constantFrom(
    ...[
      "--b",
      "\r\n",
      "--",
      FIELD,
      ': form-data; name="',
      '"',
      "; filename=x",
      "\\",
      "Content-Disposition",
      "x",
    ],
  );
  fc.assert(
    fc.property(fc.array(units, { maxLength: 30 }), (chosen) => {
      const body = Buffer.from(chosen.join(""));
      const fields = multipartFields(body, "b", MAX);
      for (const { start, end, value } of Array.isArray(fields) ? fields : []) {
        expect(start).toBeLessThanOrEqual(end);
        expect(value.length).toBeLessThanOrEqual(end - start);
      }
    }),
    { numRuns: 2000 },
  );
});

test("what isn't closed is no form, and too many parts are told", () => {
  expect(read(`${part(FIELD)}--b--`)).toEqual([["a", "v"]]);
  expect(read("--b--")).toEqual([]);
  expect(read(part(FIELD))).toBeUndefined();
  expect(read(`${part(FIELD)}--b`)).toBeUndefined();
  expect(read("")).toBeUndefined();
  expect(read(`${part(FIELD)}${part(FIELD)}--b--`, "b", 1)).toBe("too many");
});

test("a value may hold what only begins like the boundary", () => {
  expect(read(`${part(FIELD, "x\r\n--bc\r\ny")}--b--`)).toEqual([["a", "x\r\n--bc\r\ny"]]);
  expect(read(`before\r\n${part(FIELD)}--b--after`)).toEqual([["a", "v"]]);
  for (const before of ["--bc\r\n", "x\r\n--bc\r\n"])
    expect(read(`${before}${part(FIELD)}--b--`)).toEqual([["a", "v"]]);
});

test("a part is a field by its disposition alone", () => {
  const one = (headers: string) => read(`${part(headers)}--b--`);
  expect(one('content-disposition:form-data;name="a"\r\nContent-Type: application/json')).toEqual([
    ["a", "v"],
  ]);
  expect(one(`X: y\r\n${FIELD}`)).toEqual([["a", "v"]]);
  expect(one("Content-Disposition: form-data; name=a")).toEqual([["a", "v"]]);
  expect(one('Content-Disposition: form-data; name="a; filename=b"')).toEqual([["a; filename=b", "v"]]);
  expect(one('Content-Disposition: form-data; name="a\\"b"')).toEqual([['a"b', "v"]]);
  for (const headers of [
    `${FIELD}; filename=""`,
    `${FIELD}; FileName*=UTF-8''b`,
    'Content-Disposition: form-data; filename="b"; name="a"',
    'Content-Disposition: attachment; name="a"',
    "Content-Disposition: form-data",
    "Content-Type: text/plain",
    `X: ${"y".repeat(9000)}\r\n${FIELD}`,
    `\r\n${FIELD}`,
  ])
    expect(one(headers)).toEqual([]);
});

test("the boundary is what the content's type says", () => {
  expect(boundaryOf("multipart/form-data; boundary=a-b")).toBe("a-b");
  expect(boundaryOf('Multipart/Form-Data;charset=utf-8; BOUNDARY="a b"; x=y')).toBe("a b");
  for (const type of [
    "multipart/mixed; boundary=a",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "",
  ])
    expect(boundaryOf(type)).toBeUndefined();
});
