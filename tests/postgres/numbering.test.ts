/**
 * Numbering and counting: what they cost the server while the row that everybody waits for is
 * locked, and what is left of them.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Connection } from "../../src/storage/postgres/connection/connection.ts";
import { numberAll } from "../../src/storage/postgres/derived/numbering.ts";
import { itemsOf } from "../../src/storage/postgres/ingest/items.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { makeTables } from "../databases/postgres.ts";
import { newPostgresDatabase, type PostgresDatabase } from "./server.ts";

const START_MS = 120_000;
const BATCHES = 200;
const SOURCES = ["meta", "sms", "\u{1f4e8}'; drop table totals; --"];
const KINDS = ["status", "reaction", "edit", "unknown"];
const COUNTS = ["senders", "hours", "event_counts", "totals"];

/**
 * Notes each statement that adds to a table of counts: `on conflict do update` is an update too,
 * whatever it finds.
 */
const WATCH = `
  create table statements (name text);
  create function note() returns trigger language plpgsql as $$
    begin insert into statements values (tg_table_name); return null; end $$;
  ${COUNTS.map((table) => `create trigger noted after update on ${table} for each statement execute function note();`).join("\n")}`;

let database: PostgresDatabase;
beforeEach(async () => {
  database = await newPostgresDatabase();
  await makeTables(database.url);
}, START_MS);
afterEach(() => database.drop());

/** As commits leave them, all alike. */
async function insertBatches(
  batches: number,
  messages: Parameters<typeof itemsOf>[0],
  events: Parameters<typeof itemsOf>[1],
): Promise<void> {
  await database.query(
    `insert into batches (batch, rows, items)
     select gen_random_uuid(), $2::int, $3 from generate_series(1, $1::int)`,
    [batches, messages.length + events.length, itemsOf(messages, events)],
  );
}

test("counts of hundreds of batches, whatever their sources and kinds, are made by as few statements as one's", async () => {
  await database.query(WATCH);
  const messages = ["+1", "+2"].map((from) => ({ from, tsKey: "2025-01-15T10:00:00" }));
  const events = SOURCES.flatMap((source) => KINDS.map((kind) => ({ source, kind })));
  await insertBatches(BATCHES, messages, events);
  const connection = new Connection(database.url, { connectionsMax: 1, connectTimeoutS: 5 });
  await numberAll(connection);
  await connection.close();
  expect(
    await database.query("select name, count(*)::int as n from statements group by 1 order by 1"),
  ).toEqual(COUNTS.toSorted().map((name) => ({ name, n: 1 })));
  const eventRows = events.length * BATCHES;
  expect(
    await database.query("select seq::int, messages::int, senders::int, events::int from totals"),
  ).toEqual([{ seq: 2 * BATCHES + eventRows, messages: 2 * BATCHES, senders: 2, events: eventRows }]);
  expect(
    await database.query("select source, kind, rows::int from event_counts order by source, kind"),
  ).toEqual(SOURCES.flatMap((source) => KINDS.toSorted().map((kind) => ({ source, kind, rows: BATCHES }))));
  expect(await database.query("select count(*)::int as n from batches where seq is null")).toEqual([
    { n: 0 },
  ]);
});

test("what no replica has numbered and counted yet is reported in messages and events", async () => {
  const messages = ["+1", "+1", "+2"].map((from) => ({ from, tsKey: "2025-01-15T10:00:00" }));
  await insertBatches(1, messages, []);
  await insertBatches(1, messages, [{ source: "meta", kind: "status" }]);
  // The name of a commit that must not happen any more.
  await database.query("insert into batches (batch, rows) values (gen_random_uuid(), -1)");
  // Somebody else would number, and doesn't.
  await database.query("insert into lease values ('fold', gen_random_uuid(), now() + interval '1 hour')");
  const store = await openForTest({ engine: "postgres", url: database.url });
  expect(store.figures()).toMatchObject({
    storedMessages: 6,
    storedEvents: 1,
    followerLagRows: { counts: 7 },
  });
  await store.close();
});
