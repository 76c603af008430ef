/**
 * Senders' last messages on PostgreSQL: a table that follows the log by a position of its own,
 * beside replicas that know nothing of it.
 */
import { expect, test } from "bun:test";
import type { Message } from "../../src/core/message.ts";
import type { SenderPage, Store } from "../../src/core/store.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Connection } from "../../src/storage/postgres/connection/connection.ts";
import { LastMessages } from "../../src/storage/postgres/derived/last-messages.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { makeTables } from "../databases/postgres.ts";
import { message } from "../messages.ts";
import { Model } from "../model.ts";
import { until } from "../until.ts";
import { databaseOfEachTest } from "./each-database.ts";
import { FirstReplica } from "./first-replica.ts";
import { holdBatch } from "./late-batch.ts";

const ALL = { limit: 100, offset: 0, order: "desc" } as const;
const LONG_MS = 120_000;
/** More than is looked at beside the table. */
const MANY = 50_001;

const { database, open } = databaseOfEachTest(LONG_MS);

const given = (name: string): Message[] =>
  Array.from({ length: 60 }, (_, index) =>
    message(`${name}${index}`, {
      from: `+${(index * 7) % 11}`,
      ts: `2025-01-15T10:${String((index * 13) % 60).padStart(2, "0")}:00Z`,
    }),
  );

/** No replica takes anything into the table. */
const keepLease = () =>
  database.query("insert into lease values ('fold', gen_random_uuid(), now() + interval '1 hour')");

async function isCaughtUp(): Promise<boolean> {
  const [row] = await database.query<{ done: boolean }>(
    `select (select value::bigint from meta where key = 'last_messages') = seq
       and not exists (select 1 from batches where batches.seq is null) as done from totals`,
  );
  return row?.done === true;
}

async function expectSenders(store: Store, model: Model): Promise<void> {
  const senders = model.senders({ order: "desc" });
  expect(await store.listSenders(ALL)).toEqual({ data: senders, total: senders.length });
}

function modelOf(...messages: readonly Message[]): Model {
  const model = new Model();
  for (const each of messages) model.append(each);
  return model;
}

test("a database of an earlier version gets the table behind the service, and every page is right meanwhile", async () => {
  const messages = given("m");
  const before = await openForTest({ engine: "postgres", url: database.url });
  for (const each of messages) await before.append({ messages: [each] });
  await before.close();
  await database.query("drop table last_messages; delete from meta where key = 'last_messages'");
  const store = await open();
  await expectSenders(store, modelOf(...messages));
  await until("the table to be caught up", isCaughtUp);
  await expectSenders(store, modelOf(...messages));
  const wrong = await database.query(
    `select 1 from last_messages l full join (
       select from_msisdn, max((ts_key || ' ' || message_id) collate "C") as last from messages group by 1
     ) m on m.from_msisdn = l.sender where (l.ts_key || ' ' || l.message_id) is distinct from m.last`,
  );
  expect(wrong).toEqual([]);
});

test("what a replica of 0.1 stores, numbers and counts is there at once, and later in the table", async () => {
  await makeTables(database.url);
  const old = new FirstReplica(database.url);
  const store = await open();
  try {
    const model = new Model();
    for (const name of ["a", "b", "c"]) {
      const messages = given(name).map((each) => ({
        ...each,
        ts: each.ts.replace("T10", `T1${name.charCodeAt(0) % 9}`),
      }));
      await old.append([{ messages }]);
      await old.number();
      for (const each of messages) model.append(each);
      await expectSenders(store, model);
    }
    await until("the table to be caught up", isCaughtUp);
    await expectSenders(store, model);
  } finally {
    await old.close();
  }
});

test("each of several replicas shows what any of them has stored, in the moment that it is answered", async () => {
  const stores = await Promise.all([open(), open(), open()]);
  const model = new Model();
  for (const [index, each] of given("m").entries()) {
    await stores[index % 3]?.append({ messages: [each] });
    model.append(each);
    await expectSenders(stores[(index + 1) % 3] as Store, model);
  }
});

test(
  "where too much isn't in the table yet every message is looked at, and the answer is the same",
  async () => {
    await makeTables(database.url);
    await keepLease();
    const store = await open();
    await store.append({ messages: given("m") });
    const [few, reversed] = [await store.listSenders(ALL), await store.listSenders({ ...ALL, order: "asc" })];
    const batch = crypto.randomUUID();
    await database.query(
      `insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, created_at, batch, place)
       select 'x' || n, '+x', '+2', '2024-01-15T10:00:00Z', '2024-01-15T10:00:00', '', $1, n from generate_series(0, ${MANY - 1}) n`,
      [batch],
    );
    await database.query("insert into batches (batch, rows, items) values ($1, $2, $3)", [
      batch,
      MANY,
      JSON.stringify({ messages: [["+x", "2024-01-15T10", MANY]], events: [] }),
    ]);
    const added = { from: "+x", count: MANY, last_message: { message_id: "x9999" } };
    const check = async () => {
      const page: SenderPage = await store.listSenders(ALL);
      expect(page.data.slice(0, -1)).toEqual([...few.data]);
      expect(page.data.at(-1)).toMatchObject(added);
      expect(page.total).toBe(few.total + 1);
      const { data } = await store.listSenders({ ...ALL, order: "asc", offset: 1 });
      expect(data).toEqual(reversed.data);
    };
    await check();
    await database.query("delete from lease");
    await until("the table to be caught up", isCaughtUp);
    await check();
  },
  LONG_MS,
);

test("many small batches are taken behind each other, not some of them every now and then", async () => {
  await makeTables(database.url);
  const batches = 1500;
  await database.query(
    `insert into batches (batch, seq, rows) select md5(n::text)::uuid, n, 1 from generate_series(1, ${batches}) n`,
  );
  await database.query(
    `insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, created_at, batch, place)
     select n::text, '+1', '+2', '2025-01-15T10:00:00Z', '2025-01-15T10:00:00', '', md5(n::text)::uuid, 0
     from generate_series(1, ${batches}) n`,
  );
  await database.query(`update totals set seq = ${batches}, messages = ${batches}, senders = 1`);
  const connection = new Connection(database.url, { connectionsMax: 1, connectTimeoutS: 5 });
  await new LastMessages(connection, systemClock).follow();
  await connection.close();
  expect(await isCaughtUp()).toBe(true);
});

test("a batch of which a row can't be seen yet is waited for where messages are distributed", async () => {
  await makeTables(database.url);
  const batch = await holdBatch(database.url, { ids: ["b", "c"], from: "+1", batchFirst: true });
  await batch.commit();
  await database.query("create table unseen as select * from messages where message_id = 'c'");
  await database.query("delete from messages where message_id = 'c'");
  await database.query("create table pg_dist_partition (logicalrelid regclass)");
  await database.query("insert into pg_dist_partition values ('messages')");
  const store = await open();
  await store.append({ messages: [message("later", { from: "+2" })] });
  await until("the batches to be numbered", async () => {
    const [row] = await database.query<{ n: number }>(
      "select count(*)::int as n from batches where seq is null",
    );
    return row?.n === 0;
  });
  const held = async () => {
    const { data } = await store.listSenders(ALL);
    return data.map(({ from, last_message }) => `${from} ${last_message.message_id}`);
  };
  expect(await held()).toEqual(["+2 later", "+1 b"]);
  // Long enough for a step that would pass it.
  for (let looks = 0; looks < 3; looks++) {
    await store.changes({ after: 0, limit: 10 });
    await Bun.sleep(1000);
  }
  expect(await isCaughtUp()).toBe(false);
  await database.query("insert into messages select * from unseen");
  expect(await held()).toEqual(["+2 later", "+1 c"]);
  await until("the table to be caught up", isCaughtUp);
  expect(await held()).toEqual(["+2 later", "+1 c"]);
});

test("a rebuild forgets what was deleted by hand, and until then its sender isn't shown", async () => {
  const store = await open();
  await store.append({
    messages: [message("a", { from: "+1" }), message("b", { from: "+1" }), message("c", { from: "+2" })],
  });
  await until("the table to be caught up", isCaughtUp);
  await database.query("delete from messages where message_id = 'b'");
  expect((await store.listSenders(ALL)).data.map(({ from }) => from)).toEqual(["+2"]);
  await store.rebuildIndex();
  await expectSenders(store, modelOf(message("a", { from: "+1" }), message("c", { from: "+2" })));
});

test("replicas that follow, number and rebuild at the same time leave what a Map would", async () => {
  const stores = await Promise.all([open(), open()]);
  const model = new Model();
  const messages = Array.from({ length: 10 }, (_, round) => given(`r${round}-`)).flat();
  for (const each of messages) model.append(each);
  await Promise.all([
    ...messages.map((each, index) => stores[index % 2]?.append({ messages: [each] })),
    ...stores.map(async (store) => {
      for (let round = 0; round < 5; round++) await store.rebuildIndex();
    }),
  ]);
  for (const store of stores) await expectSenders(store, model);
  await until("the table to be caught up", isCaughtUp);
  for (const store of stores) await expectSenders(store, model);
});

test("while nothing can be taken into the table what is stored is numbered, and who follows the log is woken", async () => {
  const holder = await open();
  const other = await open();
  await holder.append({ messages: [message("a", { from: "+1" })] });
  await until("the table to be caught up", isCaughtUp);
  await database.query("alter table last_messages rename to put_aside");
  let woken = 0;
  holder.onChanges(() => {
    woken++;
  });
  await other.append({ messages: [message("b", { from: "+2" })] });
  await until("the log to be followed", () => woken > 0);
  await until("the batch to be numbered", async () => {
    const [row] = await database.query<{ seq: number }>("select seq::float8 as seq from totals");
    return row?.seq === 2;
  });
  await database.query("alter table put_aside rename to last_messages");
  await until("the table to be caught up", isCaughtUp);
  await expectSenders(other, modelOf(message("a", { from: "+1" }), message("b", { from: "+2" })));
});
