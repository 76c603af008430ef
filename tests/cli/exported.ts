/** Logs as text, out of a database and into one. */
import { expect } from "bun:test";
import { postern } from "./postern.ts";

/** Everything that is in the database. */
export async function exportOf(url: string, ...more: string[]): Promise<string> {
  const { code, stdout, stderr } = await postern(["export", ...more], { env: { DATABASE_URL: url } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

export async function importInto(url: string, text: string): Promise<void> {
  const ran = await postern(["import", "-"], { env: { DATABASE_URL: url }, stdin: text });
  expect(ran.code).toBe(0);
}

export const ndjson = (records: readonly object[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join("");
