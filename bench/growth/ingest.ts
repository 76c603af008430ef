// Ingest at one size: a burst, then a long load, beside a bare server in the same minutes; and the
// reference's.

import { Database } from "bun:sqlite";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Load } from "../load.ts";
import type { Message } from "../messages.ts";
import { peakResidentBytes, residentBytes } from "../processes.ts";
import { rowProblems } from "../rows.ts";
import type { Scratch } from "../scratch.ts";
import { type Server, type ServerKind, serverKind, startServer, stopServer } from "../servers.ts";
import { type Figure, type Findings, type IngestLoad, measuredAt, Notebook, quotient } from "./figures.ts";
import { type LagTrend, lagDuring, untilCaughtUp } from "./lag.ts";
import { burstSeconds, connections, loadServer, loadTo, type Prepared, warmUpSeconds } from "./loads.ts";

type Measured = { load: Load; trend: LagTrend };
type Ingest = Record<IngestLoad, Measured> & {
  caughtUpMs: number;
  peakBytes: number;
  endBytes: number;
  problems: string[];
};

/** `folder` holds a copy of a database of that size, or nothing. */
export async function measureIngest(
  scratch: Scratch,
  folder: string,
  size: number,
  prepared: Prepared,
): Promise<Findings> {
  const notebook = new Notebook(size);
  const bareBefore = await bareRate(scratch, prepared, notebook);
  const ingest = await ingestInto(serverKind("postern"), scratch, folder, prepared);
  const bare = (bareBefore + (await bareRate(scratch, prepared, notebook))) / 2;
  notebook.note("bare", bare, "/s", "mean of before and after");
  noteLoad(notebook, "burst", ingest.burst, bare);
  noteLoad(notebook, "sustained", ingest.sustained, bare);
  notebook.note("caught up after sustained", ingest.caughtUpMs / 1000, "s");
  notebook.note("resident peak", ingest.peakBytes / 2 ** 20, "MiB");
  notebook.note("resident end", ingest.endBytes / 2 ** 20, "MiB", "when nothing lags any more");
  notebook.complain(ingest.problems);
  return notebook;
}

/**
 * The same load on the reference, whose database gets the same messages first; `own` are Postern's
 * figures.
 */
export async function measureReference(
  scratch: Scratch,
  size: number,
  rows: Iterable<Message>,
  prepared: Prepared,
  own: Figure[],
): Promise<Findings> {
  const notebook = new Notebook(size);
  const folder = join(scratch.folder, `reference-${size}`);
  // The reference makes its own schema.
  const server = await startServer(serverKind("fastapi"), scratch, folder);
  notebook.complain(await stopServer(server));
  fillReference(server.databasePath, rows);
  const ingest = await ingestInto(serverKind("fastapi"), scratch, folder, prepared);
  for (const name of ["burst", "sustained"] as const) {
    const { requestsPerSecond } = ingest[name].load;
    notebook.note(`FastAPI ${name}`, requestsPerSecond, "/s");
    notebook.note(`${name} ÷ FastAPI`, quotient(measuredAt(own, size, name), requestsPerSecond), "×");
  }
  notebook.complain(ingest.problems);
  return notebook;
}

function fillReference(databasePath: string, rows: Iterable<Message>): void {
  const database = new Database(databasePath, { readwrite: true });
  try {
    database.run("pragma cache_size = -262144");
    const insert = database.query("insert into messages values (?, ?, ?, ?, ?, ?, ?)");
    database.transaction(() => {
      // Its last columns are the time of arrival, which no request looks at, and the key of the
      // instant.
      for (const { message_id, from, to, ts, text } of rows)
        insert.run(message_id, from, to, ts, text, ts, ts.slice(0, -1));
    })();
    database.run("pragma wal_checkpoint(truncate)");
  } finally {
    database.close();
  }
}

/**
 * Warm-up, burst and sustained load on one server, each from a state in which nothing lags;
 * afterwards every 200 must be a row.
 */
async function ingestInto(
  kind: ServerKind,
  scratch: Scratch,
  folder: string,
  prepared: Prepared,
): Promise<Ingest> {
  const server = await startServer(kind, scratch, folder);
  const warmUp = await loadServer(scratch, server, warmUpSeconds, prepared.warmUpPath);
  const burst = await measuredLoad(scratch, server, burstSeconds, prepared.firstPath);
  const sustained = await measuredLoad(scratch, server, prepared.seconds, prepared.secondPath);
  const peakBytes = peakResidentBytes(server.process.pid);
  const caughtUpMs = await untilCaughtUp(server);
  const endBytes = residentBytes(server.process.pid);
  const loads = [warmUp, burst.load, sustained.load];
  const problems = [...(await stopServer(server)), ...storedProblems(server, loads)];
  rmSync(folder, { recursive: true });
  return { burst, sustained, caughtUpMs, peakBytes, endBytes, problems };
}

/** What is wrong with the loads, and with the rows they left: every 200 must be one. */
export function storedProblems(server: Server, loads: Load[]): string[] {
  const answered = loads.reduce((sum, load) => sum + load.answered, 0);
  const acknowledged = { to: loadTo, answered, connections: connections * loads.length };
  return [...loads.flatMap((load) => load.problems), ...rowProblems(server.databasePath, acknowledged)].map(
    (problem) => `${server.kind.name}: ${problem}`,
  );
}

async function measuredLoad(
  scratch: Scratch,
  server: Server,
  seconds: number,
  requestsPath: string,
): Promise<Measured> {
  await untilCaughtUp(server);
  const { result, trend } = await lagDuring(server, loadServer(scratch, server, seconds, requestsPath));
  return { load: result, trend };
}

async function bareRate(scratch: Scratch, prepared: Prepared, notebook: Notebook): Promise<number> {
  const server = await startServer(serverKind("bare"), scratch, join(scratch.folder, "bare"));
  await loadServer(scratch, server, warmUpSeconds, prepared.warmUpPath);
  const load = await loadServer(scratch, server, burstSeconds, prepared.firstPath);
  notebook.complain([...load.problems, ...(await stopServer(server))]);
  return load.requestsPerSecond;
}

function noteLoad(
  notebook: Notebook,
  name: IngestLoad,
  { load, trend: { early, late } }: Measured,
  bare: number,
): void {
  notebook.note(name, load.requestsPerSecond, "/s");
  notebook.note(`${name} ÷ bare`, load.requestsPerSecond / bare, "×");
  notebook.note(`${name} p50`, load.p50Us / 1000, "ms");
  notebook.note(`${name} p99`, load.p99Us / 1000, "ms");
  notebook.note(`${name} p99.9`, load.p999Us / 1000, "ms");
  notebook.note(`${name} p99.9 ÷ p50`, quotient(load.p999Us, load.p50Us), "×");
  notebook.note(`lag early in ${name}`, early.max, "rows", "mean of the first third, furthest follower");
  notebook.note(`lag late in ${name}`, late.max, "rows", "mean of the last third, furthest follower");
}
