/** What the tables must be so that `messages` can be distributed over servers by `message_id`. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { makeTables } from "../databases/postgres.ts";
import { newPostgresDatabase, type PostgresDatabase } from "./server.ts";

let database: PostgresDatabase;
beforeAll(async () => {
  database = await newPostgresDatabase();
  await makeTables(database.url);
});
afterAll(() => database.drop());

const names = async (sql: string) =>
  (await database.query<{ name: string }>(sql)).map(({ name }) => name).sort();

test("nothing of messages is unique without message_id", async () => {
  const unique = `
    select i.indexrelid::regclass::text as name from pg_index i
    where i.indrelid = 'messages'::regclass and i.indisunique and `;
  const holdsKey = `(select attnum from pg_attribute where attrelid = i.indrelid and attname = 'message_id') = any (i.indkey)`;
  expect(await names(unique + holdsKey)).toEqual(["messages_pkey"]);
  expect(await names(`${unique} not ${holdsKey}`)).toEqual([]);
});

test("no table refers to another, and none has triggers", async () => {
  expect(
    await names(
      `select conname as name from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`,
    ),
  ).toEqual([]);
  const triggers = "select tgname as name from pg_trigger join pg_class c on c.oid = tgrelid";
  expect(await names(`${triggers} where not tgisinternal and relnamespace = 'public'::regnamespace`)).toEqual(
    [],
  );
});

test("no column is given by a sequence", async () => {
  expect(await names("select sequencename as name from pg_sequences where schemaname = 'public'")).toEqual(
    [],
  );
});
