/**
 * The field cases of the folder that `FIELD_CASES` names, one JSON file a case; without it there
 * are none. The project's own cases are beside `cases.test.ts`.
 */
import { describe, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type FieldCase, judge } from "./field-case.ts";

const FOLDER = process.env["FIELD_CASES"] ?? "";

describe.skipIf(FOLDER === "")("the field cases", () => {
  const files = FOLDER === "" ? [] : readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
  for (const file of files.sort()) {
    const given = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as FieldCase;
    test(`${file} is answered and stored as it says`, () => judge(given));
  }
});
