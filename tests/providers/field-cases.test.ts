/**
 * The field cases of `own-field-cases.ts`, and those of the folder that `FIELD_CASES` names, one
 * JSON file a case. Cases of one request are beside `cases.test.ts`.
 */
import { describe, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type FieldCase, judge } from "./field-case.ts";
import { ownFieldCases } from "./own-field-cases.ts";

for (const given of ownFieldCases())
  test(`the field case ${given.name} comes out as it says: ${given.what}`, () => judge(given));

const FOLDER = process.env["FIELD_CASES"] ?? "";

describe.skipIf(FOLDER === "")("the field cases of a folder", () => {
  const files = FOLDER === "" ? [] : readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
  for (const file of files.sort()) {
    const given = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as FieldCase;
    test(`${file} is answered and stored as it says`, () => judge(given));
  }
});
