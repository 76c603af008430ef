/**
 * A PostgreSQL database as tests see it from beside Postern. All that they know of the engine's
 * tables is here.
 */
import { readFileSync } from "node:fs";
import type { Message } from "../../src/core/message.ts";
import { Connection } from "../../src/storage/postgres/connection/connection.ts";
import { migrate, seqOf } from "../../src/storage/postgres/connection/schema.ts";
import { newPostgresDatabase, type PostgresDatabase, sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Database } from "./database.ts";
import { REFUSAL } from "./refusal.ts";

/** What isn't numbered yet comes after everything that is. */
const ROWS = `
  select message_id, from_msisdn as "from", to_msisdn as "to", ts, text
  from messages m join batches b using (batch) order by b.seq nulls last, m.created_at, batch, m.place`;
const UNNUMBERED = "select 1 from batches where seq is null limit 1";
const SEQUENCE = `
  select ${seqOf("m", "b")} as seq, message_id from messages m join batches b using (batch) order by 1`;
const EVENT_SEQUENCE = `
  select ${seqOf("e", "b")} as seq, kind, source, event_key from events e join batches b using (batch) order by 1`;
const BODIES = `
  select convert_from(d.body, 'UTF8') as body
  from deliveries d join batches b using (batch) order by b.seq, d.delivery`;
const DIFFERENCES = `
  select 'totals' as difference from totals
  where (messages, senders, events) is distinct from (
    (select count(*) from messages), (select count(distinct from_msisdn) from messages), (select count(*) from events))
  union all
  select 'sender ' || sender from senders s
  full join (select from_msisdn as sender, count(*) as rows from messages group by 1) c using (sender)
  where s.rows is distinct from c.rows
  union all
  select 'hour ' || hour from hours h
  full join (select left(ts_key, 13) as hour, count(*) as rows from messages group by 1) c using (hour)
  where h.rows is distinct from c.rows
  union all
  select 'events ' || source || ' ' || kind from event_counts e
  full join (select source, kind, count(*) as rows from events group by 1, 2) c using (source, kind)
  where e.rows is distinct from c.rows
  union all
  select 'last message of ' || sender from last_messages l
  full join (
    select distinct on (from_msisdn) from_msisdn as sender, ts_key, message_id
    from messages join batches b using (batch)
    where b.seq <= (select value::bigint from meta where key = 'last_messages')
    order by from_msisdn desc, ts_key desc, message_id desc
  ) m using (sender)
  where (l.ts_key, l.message_id) is distinct from (m.ts_key, m.message_id)
  union all
  select 'batch without a number ' || batch from batches where seq is null`;
const TABLES = "select quote_ident(tablename) as name from pg_tables where schemaname = 'public'";

/**
 * A constraint and no trigger, which a distributed table can't have. An error ends statement and
 * transaction alike.
 */
const refusing = (messageId: string) =>
  `alter table messages add constraint ${REFUSAL} check (message_id <> '${messageId}')`;
const ACCEPT = `alter table messages drop constraint ${REFUSAL}`;

/**
 * A file of statements for tables that were just made, such as those that distribute them over a
 * cluster. Each ends with the `;` that ends a line, and is a transaction of its own.
 */
const PREPARE = process.env["POSTGRES_PREPARE"] || undefined;

export const POSTGRES_CAPABILITIES: Capabilities = {
  severalReplicas: true,
  imports: false,
  isMigrationSource: false,
  isMigrationTarget: true,
  examinesIndex: false,
};

export async function newPostgres(prepare = PREPARE): Promise<Database> {
  const { url, query, drop } = await newPostgresDatabase();
  if (prepare !== undefined) {
    await makeTables(url);
    for (const statement of statementsOf(readFileSync(prepare, "utf8"))) await query(statement);
  }
  return postgresDatabase({ url, query, drop });
}

/** One that is there already. */
export function postgresDatabase({ url, query, drop }: PostgresDatabase): Database {
  const numbered = () =>
    until("all that is stored to be numbered", async () => (await query(UNNUMBERED)).length === 0);
  return {
    url,
    rows: () => query<Message>(ROWS),
    sequence: async () => {
      await numbered();
      return query(SEQUENCE);
    },
    eventSequence: async () => {
      await numbered();
      return query(EVENT_SEQUENCE);
    },
    bodies: async () => {
      await numbered();
      return (await query<{ body: string }>(BODIES)).map(({ body }) => body);
    },
    refuse: async (messageId) => {
      await query(refusing(messageId));
      return async () => {
        await query(ACCEPT);
      };
    },
    hold: async () => {
      const tables = await query<{ name: string }>(TABLES);
      const holder = sessionOn(url);
      const all = tables.map(({ name }) => name).join(", ");
      // Who never waits for one is in no circle with transactions that lock them in other orders.
      const lock = `rollback; begin; lock table ${all} in exclusive mode nowait`;
      await until("all tables to be free", async () => [await holder.query(lock)]);
      return holder.close;
    },
    leaveNumberOut: async () => {
      await numbered();
      const [last] = await query<{ batch: string; seq: number }>(
        "update batches set seq = seq + 1 where seq = (select max(seq) from batches) returning batch, seq - 1 as seq",
      );
      if (last === undefined) throw new Error("there is no message");
      await query("update totals set seq = seq + 1");
      return async (messageId) => {
        const batch = crypto.randomUUID();
        await query(
          `insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, created_at, batch, place)
           select $1, from_msisdn, to_msisdn, ts, ts_key, created_at, $2, 0 from messages where batch = $3`,
          [messageId, batch, last.batch],
        );
        await query("insert into batches (batch, rows, seq) values ($1, 1, $2)", [batch, last.seq]);
      };
    },
    differences: async () =>
      (await query<{ difference: string }>(DIFFERENCES)).map(({ difference }) => difference),
    drop,
  };
}

/** Cut after each `;` that ends a line; what follows the last one has to be blank. */
export function statementsOf(file: string): readonly string[] {
  const pieces = file.split(/;[ \t]*\r?(?:\n|$)/);
  if (pieces.pop()?.trim() !== "")
    throw new Error("the last statement of POSTGRES_PREPARE has to end with a ; at its line's end");
  return pieces;
}

/** Postern's own, as a start makes them. */
export async function makeTables(url: string): Promise<void> {
  const connection = new Connection(url, { connectionsMax: 1, connectTimeoutS: 5 });
  try {
    await migrate(connection);
  } finally {
    await connection.close();
  }
}
