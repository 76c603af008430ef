/** Databases that a version before headers made, and that no replica of this one has completed. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { LogRecord } from "../../src/core/log-record.ts";
import { maintainForTest, openForTest } from "../contract/open-for-test.ts";
import { post } from "../contract/posts-contract.ts";
import { message } from "../messages.ts";
import { newPostgresDatabase, type PostgresDatabase } from "./server.ts";

let database: PostgresDatabase;
beforeAll(async () => {
  database = await newPostgresDatabase();
});
afterAll(() => database.drop());

test("a database without the column of headers is exported, and gets it when a replica starts", async () => {
  const url = { engine: "postgres", url: database.url } as const;
  const append = async (id: string, headers?: Record<string, string>) => {
    const store = await openForTest(url);
    const { messages, post: given } = post("wa", [message(id)]);
    await store.append({ messages, ...(given && { post: { ...given, ...(headers && { headers }) } }) });
    await store.close();
  };
  const bodies = async () => {
    const records: LogRecord[] = [];
    for await (const some of maintainForTest(url).exportLog(0)) records.push(...some);
    return records.filter((record) => "body_base64" in record);
  };
  const body = (id: string) => Buffer.from(id).toString("base64");
  await append("wa:1");
  await database.query("alter table deliveries drop column headers");
  expect(await bodies()).toEqual([{ delivery: 1, body_base64: body("wa:1") }]);
  await append("wa:2", { "x-a": "1" });
  expect(await bodies()).toEqual([
    { delivery: 1, body_base64: body("wa:1") },
    { delivery: 2, body_base64: body("wa:2"), headers: { "x-a": "1" } },
  ]);
});
