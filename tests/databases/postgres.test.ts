/**
 * What the tests' own tools do on PostgreSQL has to work on Citus too, which takes fewer statements
 * and other sessions.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { sessionOn } from "../postgres/server.ts";
import { newPostgres, statementsOf } from "./postgres.ts";

const START_MS = 120_000;

test("a statement ends with the semicolon that ends a line, and with no other", () => {
  const file = "select ';' as a; -- one\nselect $$;$$;\r\n\n-- two;\n  select\n3 ; \n";
  expect(statementsOf(file)).toEqual(["select ';' as a; -- one\nselect $$;$$", "\n-- two", "  select\n3 "]);
  expect(statementsOf("")).toEqual([]);
  expect(() => statementsOf("select 1;\nselect 2")).toThrow("has to end with a ;");
});

test(
  "each statement of POSTGRES_PREPARE is a transaction of its own, and comes when the tables are there",
  async () => {
    const folder = newFolder();
    const path = join(folder.path, "prepare.sql");
    writeFileSync(path, "create index concurrently prepared on messages (type);\nvacuum messages;\n");
    const database = await newPostgres(path);
    const { query, close } = sessionOn(database.url);
    expect(await query("select 1 from pg_indexes where indexname = 'prepared'")).toHaveLength(1);
    await close();
    await database.drop();
    folder.remove();
  },
  START_MS,
);

test("a message is refused without a trigger, and taken again afterwards", async () => {
  const folder = newFolder();
  const path = join(folder.path, "prepare.sql");
  writeFileSync(path, "");
  const database = await newPostgres(path);
  const accept = await database.refuse("bad", "statement");
  const { query, close } = sessionOn(database.url);
  expect(await query("select 1 from pg_trigger where tgrelid = 'messages'::regclass")).toEqual([]);
  const insert = `insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, created_at, batch, place)
    values ('bad', '+1', '+2', '', '', '', gen_random_uuid(), 0) on conflict do nothing`;
  await expect(query(insert)).rejects.toThrow("refused_for_a_test");
  await accept();
  await query(insert);
  expect(await database.rows()).toEqual([]);
  await close();
  await database.drop();
  folder.remove();
});
