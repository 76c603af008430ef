/** What the tables must be so that `messages` can be distributed over servers by `message_id`. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { maintainForTest, openForTest } from "../contract/open-for-test.ts";
import { event, post } from "../contract/posts-contract.ts";
import { makeTables } from "../databases/postgres.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
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

test("a database from before events had types is read as it is, and has them once a service has opened it", async () => {
  const before = await newPostgresDatabase();
  const url = { engine: "postgres", url: before.url } as const;
  try {
    const older = await openForTest(url);
    await older.append(post("wa", [message("wa:1")], [event("old")]));
    await older.close();
    await before.query("alter table events drop column type");
    const events = async () => {
      const all = await Array.fromAsync(maintainForTest(url).exportLog(1));
      return all.flat().flatMap((record) => ("event_key" in record ? [[record.event_key, record.type]] : []));
    };
    expect(await events()).toEqual([["old", null]]);
    const store = await openForTest(url);
    await store.append(post("wa", [], [event("new", { type: "read" })]));
    expect(await store.events({ limit: 9, offset: 0, type: "read" })).toMatchObject({ total: 1 });
    await until("its index", async () => {
      const found = await before.query(
        "select 1 from pg_index where indexrelid = to_regclass('events_by_type')",
      );
      return found.length === 1;
    });
    await store.close();
    expect(await events()).toEqual([
      ["old", null],
      ["new", "read"],
    ]);
  } finally {
    await before.drop();
  }
});
