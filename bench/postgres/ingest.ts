// Ingest: each server in turn on an empty database of the same PostgreSQL, 64 connections of wrk
// for each of its processes, all messages distinct; afterwards every 200 must be a row, once.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Load, runLoad } from "../load.ts";
import { cpuMicros, cpuMicrosIfRunning, peakResidentBytes } from "../processes.ts";
import { median, type Run } from "../report.ts";
import { writeDefaultRequests } from "../requests.ts";
import { type Kept, keptProblems } from "../rows.ts";
import type { Scratch } from "../scratch.ts";
import { type Server, startServer, stopServer } from "../servers.ts";
import { type Postgres, serverPids, sessionOn, withDatabase } from "./server.ts";
import type { Subject } from "./subjects.ts";

/** Of wrk, to each process. */
export const connections = 64;
export const warmUpSeconds = 2;
const warmUpTo = "+14155550199";
const measuredTo = "+14155550100";
/**
 * More than any process here answers; one that is faster gets an invalid run, not a wrong figure.
 */
const preparedPerSecond = 30_000;

/** For each process a file; the servers get the same ones. */
type Requests = { seconds: number; warmUpPaths: string[]; measuredPaths: string[] };

/** A run, and what PostgreSQL did meanwhile. */
export type PostgresRun = Run & {
  databaseCpuUsPerRequest: number;
  walBytesPerRequest: number;
  sessions: number;
};

export async function prepareRequests(
  scratch: Scratch,
  seconds: number,
  replicas: number,
): Promise<Requests> {
  let first = 0;
  const write = async (name: string, to: string, forSeconds: number): Promise<string[]> => {
    const paths = Array.from({ length: replicas }, (_, replica) =>
      join(scratch.folder, `${name}-${replica}.bin`),
    );
    const count = forSeconds * preparedPerSecond;
    console.error(`bench: preparing ${replicas * count} signed requests`);
    for (const path of paths) {
      await writeDefaultRequests(path, { first, count, to });
      first += count;
    }
    return paths;
  };
  return {
    seconds,
    warmUpPaths: await write("warm-up", warmUpTo, warmUpSeconds),
    measuredPaths: await write("measured", measuredTo, seconds),
  };
}

/**
 * One server of one or more processes, started on an empty database, warmed up, measured, stopped
 * and verified.
 */
export function measureIngest(
  scratch: Scratch,
  postgres: Postgres,
  requests: Requests,
  subject: Subject,
  round: number,
): Promise<PostgresRun> {
  return withDatabase(postgres, "ingest", async (url) => {
    const servers = await startAll(scratch, subject, url);
    const pids = servers.map((server) => server.process.pid);
    const warmUp = await loadAll(scratch, servers, warmUpSeconds, requests.warmUpPaths);
    const before = await usage(postgres, pids);
    const sessions = sessionsHalfway(url, requests.seconds);
    const load = await loadAll(scratch, servers, requests.seconds, requests.measuredPaths);
    const after = await usage(postgres, pids);
    const used = (figure: keyof Usage) => (after[figure] - before[figure]) / load.answered;
    const peakBytes = Math.max(...pids.map(peakResidentBytes));
    const problems = [...warmUp.problems, ...load.problems];
    for (const server of servers) problems.push(...(await stopServer(server)));
    problems.push(...(await verifyRows(url, subject, warmUp, load)));
    for (const { folder } of servers) rmSync(folder, { recursive: true });
    return {
      ...{ server: subject.name, connections, round, load, peakBytes },
      ...{ cpuUsPerRequest: used("serverMicros"), databaseCpuUsPerRequest: used("databaseMicros") },
      ...{ walBytesPerRequest: used("walBytes"), sessions: await sessions, fdatasyncP50Us: null, problems },
    };
  });
}

async function startAll(scratch: Scratch, { name, kind, replicas }: Subject, url: string): Promise<Server[]> {
  const servers: Server[] = [];
  for (let replica = 0; replica < replicas; replica++) {
    const folder = join(scratch.folder, `${name}-${replica}`);
    servers.push(await startServer(kind, scratch, folder, { databaseUrl: url }));
  }
  return servers;
}

/** A wrk for each process, all at once. */
async function loadAll(scratch: Scratch, servers: Server[], seconds: number, paths: string[]): Promise<Load> {
  const loads = servers.map(({ port }, replica) =>
    runLoad(scratch, { port, connections, seconds, requestsPath: paths[replica] ?? "", cyclic: false }),
  );
  return together(await Promise.all(loads));
}

/** Rates add up; of the latencies' medians the middle one counts, of their tails the worst. */
function together(loads: Load[]): Load {
  const all = (figure: (load: Load) => number) => loads.map(figure);
  const sum = (figure: (load: Load) => number) => all(figure).reduce((total, value) => total + value, 0);
  return {
    answered: sum((load) => load.answered),
    requestsPerSecond: sum((load) => load.requestsPerSecond),
    p50Us: median(all((load) => load.p50Us)),
    p99Us: Math.max(...all((load) => load.p99Us)),
    p999Us: Math.max(...all((load) => load.p999Us)),
    wrkBusy: sum((load) => load.wrkBusy),
    problems: loads.flatMap((load) => load.problems),
  };
}

type Usage = { serverMicros: number; databaseMicros: number; walBytes: number };

async function usage(postgres: Postgres, pids: number[]): Promise<Usage> {
  const sum = (micros: number[]) => micros.reduce((total, each) => total + each, 0);
  const [row] = await postgres.session.run<{ bytes: number }>(
    "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as bytes",
  );
  return {
    serverMicros: sum(pids.map(cpuMicros)),
    databaseMicros: sum(serverPids(postgres).map(cpuMicrosIfRunning)),
    walBytes: row?.bytes ?? 0,
  };
}

/** How many sessions the server's processes have while the load runs. */
async function sessionsHalfway(url: string, seconds: number): Promise<number> {
  await Bun.sleep(seconds * 500);
  const session = sessionOn(url);
  const [row] = await session.run<{ sessions: number }>(
    `select count(*)::float8 as sessions from pg_stat_activity
     where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
  await session.close();
  return row?.sessions ?? 0;
}

async function verifyRows(url: string, { replicas }: Subject, warmUp: Load, load: Load): Promise<string[]> {
  const session = sessionOn(url);
  const problems: string[] = [];
  for (const [to, { answered }] of [[warmUpTo, warmUp] as const, [measuredTo, load] as const]) {
    const [kept] = await session.run<Kept>(
      `select count(*)::float8 as rows, count(distinct message_id)::float8 as ids
       from messages where to_msisdn = $1`,
      [to],
    );
    const acknowledged = { to, answered, connections: connections * replicas };
    problems.push(...keptProblems(kept ?? { rows: 0, ids: 0 }, acknowledged));
  }
  await session.close();
  return problems;
}
