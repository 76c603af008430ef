// `bun bench/series.ts`: what numbers over time cost: how long it takes to count a log that is
// there already and what that does to those who send, what two years of them weigh, and how long
// they take to read. The database has to be new, and is full afterwards.

import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { parseArgs } from "node:util";
import { SQL } from "bun";
import { KEPT_S, type SeriesQuery, STEP_S, STEPS, type StepCount } from "../src/core/series.ts";
import type { Store } from "../src/core/store.ts";
import { Following } from "../src/follow/following.ts";
import { Series } from "../src/follow/series/series.ts";
import { randomId } from "../src/lib/chance.ts";
import { systemClock } from "../src/lib/clock.ts";
import { readOptions, wholeNumber } from "./command-line.ts";
import {
  benchMetrics,
  databaseFlag,
  openEngine,
  say,
  silentLog,
  timeAppends,
  untilDerived,
} from "./engine.ts";
import { median } from "./report.ts";

const usage = "usage: bun bench/series.ts --database URL [--rows 1000000] [--seconds 5]";
const sources = 20;
const kinds = ["message", "status", "reaction", "edit", "delete", "echo", "callback", "system"];
const years = 2;
const pieceRows = 20_000;
const readRounds = 9;
const batchRows = 200;

const { url, rows, seconds } = readOptions(() => {
  const { values } = parseArgs({
    options: {
      database: { type: "string", default: "" },
      rows: { type: "string", default: "1000000" },
      seconds: { type: "string", default: "5" },
    },
  });
  return {
    url: databaseFlag(values.database),
    rows: wholeNumber("rows", values.rows),
    seconds: wholeNumber("seconds", values.seconds),
  };
}, usage);

await (await open()).close();
const bytesBefore = await bytes();
await fill();
console.log(`| ${url.engine}, ${rows} rows | |\n|---|---|`);
say("the log", megabytes((await bytes()) - bytesBefore));
let store = await open();
await settled(store);
say("append before counting, p50 / p99", await appends(seconds * 1000, "before"));
await catchUp();
await store.close();
await weigh();
process.exit(0);

function open(): Promise<Store> {
  return openEngine(url, 10_000);
}

/** Until what an engine derives by itself is there, so that it disturbs nothing. */
async function settled(of: Store): Promise<void> {
  await untilDerived(of);
  await Bun.sleep(1000);
}

async function fill(): Promise<void> {
  const startMs = Date.now() - years * 365 * 86_400_000;
  const stepMs = (Date.now() - startMs) / rows;
  if (url.engine === "sqlite") {
    using db = new Database(url.path);
    db.run(
      `insert into messages (message_id, from_msisdn, to_msisdn, ts, text, created_at, seq, ts_key)
       with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})
       select 'm' || i, '+1', '+2', '2025-01-15T10:00:00Z', 'hello ' || i,
         strftime('%Y-%m-%dT%H:%M:%fZ', (${startMs} + i * ${stepMs}) / 1000.0, 'unixepoch'), i, '2025-01-15T10:00:00'
       from n`,
    );
    return;
  }
  await using sql = new SQL(url.url, { max: 1 });
  const at = `to_char(to_timestamp((${startMs} + i::float8 * ${stepMs}) / 1000.0) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  await sql.unsafe(`
    insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, text, folded, created_at, batch, place)
      select 'm' || i, '+1', '+2', '2025-01-15T10:00:00Z', '2025-01-15T10:00:00', 'hello ' || i, null, ${at},
        md5(((i - 1) / ${batchRows})::text)::uuid, (i - 1) % ${batchRows}
      from generate_series(1, ${rows}) i;
    insert into batches (batch, seq, rows)
      select md5(b::text)::uuid, b * ${batchRows} + 1, least(${batchRows}, ${rows} - b * ${batchRows})
      from generate_series(0, (${rows} - 1) / ${batchRows}) b;
    update totals set seq = ${rows}, messages = ${rows}, senders = 1;
    analyze;`);
}

/** One message after the other, for so long: how long each waits. */
function appends(ms: number, name: string, isOver = () => false): Promise<string> {
  const append = (turn: number) => {
    const ts = "2025-01-15T10:00:00Z";
    return store.append({
      messages: [{ message_id: `${name}${turn}`, from: "+1", to: "+2", ts, text: "hello" }],
    });
  };
  return timeAppends(append, (elapsedMs) => elapsedMs >= ms || isOver());
}

async function catchUp(): Promise<void> {
  const following = new Following({ store, clock: systemClock, log: silentLog });
  const series = new Series({ following, metrics: benchMetrics, log: silentLog, holder: randomId() });
  let over = false;
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  series.begin();
  const beside = appends(600_000, "beside", () => over);
  for (;;) {
    const { position } = await store.series.state();
    if (Number(position?.split(".")[1] ?? 0) >= rows) break;
    await Bun.sleep(100);
  }
  const tookS = (performance.now() - startedAt) / 1000;
  over = true;
  say("append while it counts, p50 / p99", await beside);
  say("counted", `${tookS.toFixed(1)} s, ${Math.round(rows / tookS)} rows/s`);
  await Bun.sleep(2500);
  const idle = process.cpuUsage();
  await Bun.sleep(seconds * 1000);
  const { user, system } = process.cpuUsage(idle);
  say("processor of an idle service", `${((user + system) / (seconds * 10_000)).toFixed(2)} %`);
  const all = process.cpuUsage(cpu);
  say("processor time in all", `${((all.user + all.system) / 1e6).toFixed(1)} s`);
  say("append with counts each second, p50 / p99", await appends(seconds * 1000, "live"));
  await series.close();
}

/** Every source and kind in every step that is kept. */
async function weigh(): Promise<void> {
  store = await open();
  let { position } = await store.series.state();
  const before = await bytes();
  const now = Math.floor(Date.now() / 1000);
  let count = 0;
  let piece: StepCount[] = [];
  const write = async () => {
    const to = `x.${count}`;
    if (!(await store.series.count({ from: position, to, counts: piece, last: [] })))
      throw new Error("moved");
    position = to;
    piece = [];
  };
  for (const step of STEPS) {
    const keptS = Math.min(KEPT_S[step], years * 365 * STEP_S.day);
    const end = Math.floor(now / STEP_S[step]) * STEP_S[step];
    for (let at = end - keptS; at <= end; at += STEP_S[step])
      for (let source = 0; source < sources; source++)
        for (const what of kinds) {
          piece.push({ step, at, source: `source-${source}`, what, rows: 1234 });
          count++;
          if (piece.length === pieceRows) await write();
        }
  }
  await write();
  await store.close();
  say(`two years of ${sources} × ${kinds.length}: ${count} rows`, megabytes((await bytes()) - before));
  store = await open();
  const read = async (
    what: string,
    query: Omit<SeriesQuery, "seriesMax" | "of" | "from" | "to">,
    points: number,
  ) => {
    const took: number[] = [];
    const to = (Math.floor(Date.now() / 1000 / STEP_S[query.step]) + 1) * STEP_S[query.step];
    const range = { from: to - points * STEP_S[query.step], to, seriesMax: 1000 };
    for (let round = 0; round < readRounds; round++) {
      const begunAt = performance.now();
      await store.series.read({ of: "records", ...query, ...range });
      took.push(performance.now() - begunAt);
    }
    say(what, `${median(took).toFixed(1)} ms`);
  };
  const by = ["source", "what"] as const;
  await read("read the last hour by minutes", { step: "minute", by }, 60);
  await read("read the last day by minutes, by source", { step: "minute", by: ["source"] }, 1440);
  await read("read two days by minutes", { step: "minute", by }, 2880);
  await read("read eight weeks by hours, by source", { step: "hour", by: ["source"] }, 1344);
  await read("read two years by days", { step: "day", by }, 730);
  await store.close();
}

/** Of the database alone; what was written is in it once it is closed. */
async function bytes(): Promise<number> {
  if (url.engine === "sqlite") return statSync(url.path).size;
  await using sql = new SQL(url.url, { max: 1 });
  const [row] = await sql.unsafe("select pg_database_size(current_database())::float8 as bytes");
  return row.bytes;
}

function megabytes(count: number): string {
  return `${(count / 1e6).toFixed(1)} MB`;
}
