// `bun bench/senders.ts`: what the order of senders by their last messages costs: the followers'
// processor time and bytes a message with it and without it, beside how much one sender weighs, and
// how long pages take. The database has to be new, and is full afterwards.

import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { parseArgs } from "node:util";
import { SQL } from "bun";
import type { SenderQuery, Store } from "../src/core/store.ts";
import { systemClock } from "../src/lib/clock.ts";
import { Connection } from "../src/storage/postgres/connection/connection.ts";
import { LastMessages } from "../src/storage/postgres/derived/last-messages.ts";
import { openForReading } from "../src/storage/sqlite/connection/files.ts";
import { INDEX_LIMITS } from "../src/storage/sqlite/derived/followers.ts";
import { indexPath, openIndex, removeIndex } from "../src/storage/sqlite/derived/index-file.ts";
import { LogIndex } from "../src/storage/sqlite/derived/log-index.ts";
import { readOptions, wholeNumber } from "./command-line.ts";
import { databaseFlag, openEngine, say, timeAppends, untilDerived } from "./engine.ts";
import { median } from "./report.ts";

const usage = "usage: bun bench/senders.ts --database URL [--rows 1000000] [--senders 100000] [--seconds 5]";
const readRounds = 31;
const batchRows = 200;
const stepRows = 4096;
const steps = 24;
const taken = 32_768;
/** The index as it was: senders have counts and nothing else. */
const versionBefore = 9;
const layoutBefore = `drop table last_messages; drop table waiting_last_messages;
  pragma user_version = ${versionBefore};`;

const { url, rows, senders, seconds } = readOptions(() => {
  const { values } = parseArgs({
    options: {
      database: { type: "string", default: "" },
      rows: { type: "string", default: "1000000" },
      senders: { type: "string", default: "100000" },
      seconds: { type: "string", default: "5" },
    },
  });
  return {
    url: databaseFlag(values.database),
    rows: wholeNumber("rows", values.rows),
    senders: wholeNumber("senders", values.senders),
    seconds: wholeNumber("seconds", values.seconds),
  };
}, usage);

await (await open()).close();
console.log(`| ${url.engine}, ${rows} messages of ${senders} senders | |\n|---|---|`);
if (url.engine === "sqlite") {
  fillSqlite(url.path, rows + steps * stepRows);
  for (const withLast of [false, true]) derive(url.path, withLast);
} else await fillPostgres(url.url);
const store = await open();
if (url.engine === "postgres") await catchUp(url.url);
await untilDerived(store);
await readPages();
say("append one by one, p50 / p99", await appends());
await store.close();
if (url.engine === "postgres") await takeMore(url.url);
process.exit(0);

function open(): Promise<Store> {
  return openEngine(url, 60_000);
}

/** So many messages, a second apart. */
function fillSqlite(path: string, count: number): void {
  using db = new Database(path);
  const at = `strftime('%Y-%m-%dT%H:%M:%S', 1700000000 + i, 'unixepoch')`;
  db.run(
    `insert into messages (message_id, from_msisdn, to_msisdn, ts, text, created_at, seq, ts_key)
     with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
     select lower(hex(randomblob(16))), '+' || (4915000000000 + abs(random()) % ${senders}), '+14155550100',
       ${at} || 'Z', 'hello ' || i, ${at} || '.000Z', i, ${at}
     from n`,
  );
}

/** Makes the index from nothing up to `rows`, then in smaller steps to the log's end. */
function derive(path: string, withLast: boolean): void {
  const name = withLast ? "with last messages" : "without";
  removeIndex(path, 1);
  using reader = openForReading(path);
  const db = openIndex(reader, path, 1, 16_384);
  if (db === undefined) throw new Error("the index can't be made");
  if (!withLast) db.run(layoutBefore);
  const first = new LogIndex(db, path, 1, INDEX_LIMITS);
  const made = spent(() => {
    while (first.row < rows) first.advance();
  });
  say(`made from nothing, ${name}`, `${(made / first.row).toFixed(1)} µs a message`);
  const small = { time: stepRows, senders: stepRows, search: stepRows, events: stepRows };
  // Else the log of what is written starts over in the middle of a step.
  db.run("pragma wal_autocheckpoint = 0");
  const then = new LogIndex(db, path, 1, { ...INDEX_LIMITS, stepRows: small });
  const before = then.row;
  let taken = 0;
  let bytes = 0;
  for (let moved = stepRows; moved > 0; ) {
    db.run("pragma wal_checkpoint(truncate)");
    taken += spent(() => {
      moved = then.advance();
    });
    bytes += statSync(`${indexPath(path, 1)}-wal`).size;
  }
  const all = then.row - before;
  const figures = `${(taken / all).toFixed(1)} µs, ${Math.round(bytes / all)} bytes a message`;
  say(`${all} in steps of ${stepRows}, ${name}`, figures);
  db.run("pragma wal_checkpoint(truncate)");
  say(`the index, ${name}`, `${(statSync(indexPath(path, 1)).size / 1e6).toFixed(1)} MB`);
  db.close();
}

/** Processor time in µs. */
function spent(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function fillPostgres(database: string): Promise<void> {
  await using sql = new SQL(database, { max: 1 });
  await sql.unsafe(`
    ${insertInto(0, rows)}
    insert into senders select from_msisdn, count(*) from messages group by 1;
    update totals set messages = ${rows}, senders = (select count(*) from senders);
    analyze;`);
}

/** What the table costs a message once it is there, on a connection that has nothing else to do. */
async function takeMore(database: string): Promise<void> {
  await using sql = new SQL(database, { max: 1 });
  const connection = new Connection(database, { connectionsMax: 1, connectTimeoutS: 5 });
  await takeAll(connection);
  const [{ seq }] = await sql.unsafe("select seq::float8 as seq from totals");
  const first = Math.ceil((seq + 1) / batchRows) * batchRows;
  await sql.unsafe(`${insertInto(first, taken)} analyze;`);
  const begunAt = performance.now();
  await takeAll(connection);
  say("taken batch by batch", `${(((performance.now() - begunAt) * 1000) / taken).toFixed(1)} µs a message`);
  await connection.close();
}

async function takeAll(connection: Connection): Promise<void> {
  for (;;) {
    await new LastMessages(connection, systemClock).follow();
    const isDone = `select 1 from meta where key = 'last_messages' and value::bigint = (select seq from totals)`;
    if ((await connection.run(isDone)).length > 0) return;
  }
}

/** Numbered messages, so many after a number that is a whole number of batches. */
function insertInto(after: number, count: number): string {
  const at = `to_char(to_timestamp(1700000000 + i) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')`;
  return `
    insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, text, folded, created_at, batch, place)
      select gen_random_uuid(), '+' || (4915000000000 + floor(random() * ${senders})::bigint), '+14155550100',
        ${at} || 'Z', ${at}, 'hello ' || i, 'hello ' || i, ${at} || '.000Z',
        md5('b' || (i - 1) / ${batchRows})::uuid, (i - 1) % ${batchRows}
      from generate_series(${after} + 1, ${after + count}) i;
    insert into batches (batch, seq, rows)
      select md5('b' || b)::uuid, b * ${batchRows} + 1, least(${batchRows}, ${after + count} - b * ${batchRows})
      from generate_series(${after / batchRows}, (${after + count} - 1) / ${batchRows}) b;
    update totals set seq = ${after + count};`;
}

async function catchUp(database: string): Promise<void> {
  await using sql = new SQL(database, { max: 1 });
  const startedAt = performance.now();
  const isDone =
    "select value::bigint >= (select seq from totals) as done from meta where key = 'last_messages'";
  while (!(await sql.unsafe(isDone))[0]?.done) await Bun.sleep(50);
  const tookS = (performance.now() - startedAt) / 1000;
  say("taken from the log", `${tookS.toFixed(1)} s, ${Math.round(rows / tookS)} messages/s`);
  const [size] = await sql.unsafe("select pg_total_relation_size('last_messages')::float8 as bytes");
  // As autovacuum does within minutes.
  await sql.unsafe("vacuum analyze last_messages");
  say("a sender's last message", `${Math.round(size.bytes / senders)} bytes`);
}

async function readPages(): Promise<void> {
  const first: SenderQuery = { limit: 50, offset: 0, order: "desc" };
  const half = await store.listSenders({ ...first, limit: 1, offset: Math.floor(senders / 2) });
  const cases: [string, SenderQuery][] = [
    ["the first page", first],
    ["a page in the middle, by cursor", { ...first, ...(half.next && { after: half.next }) }],
    ["the last page", { ...first, order: "asc" }],
    ["a page in the middle, by offset", { ...first, offset: Math.floor(senders / 2) }],
    ["a part that a tenth has", { ...first, q: "00007" }],
    ["one sender's number", { ...first, q: String(4915000000000 + Math.floor(senders / 2)) }],
  ];
  for (const [name, query] of cases) {
    const took: number[] = [];
    for (let round = 0; round < readRounds; round++) {
      const begunAt = performance.now();
      await store.listSenders(query);
      took.push(performance.now() - begunAt);
    }
    say(name, `${median(took).toFixed(1)} ms`);
  }
}

/** One message after the other, for so long, while the followers take them. */
function appends(): Promise<string> {
  const append = (turn: number) => {
    const from = `+${4915000000000 + ((turn * 7919) % senders)}`;
    const sent = { message_id: `live${turn}`, from, to: "+1", ts: "2026-01-15T10:00:00Z", text: "hello" };
    return store.append({ messages: [sent] });
  };
  return timeAppends(append, (elapsedMs) => elapsedMs >= seconds * 1000);
}
