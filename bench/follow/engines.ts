// The engines that the log is followed on: a server on an empty database, or on one that is full,
// and the bare read of what that holds.

import { Database } from "bun:sqlite";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Connection } from "../../src/storage/postgres/connection/connection.ts";
import { build, storedMessages, withCopy } from "../growth/build.ts";
import { Tally } from "../growth/facts.ts";
import { untilCaughtUp } from "../growth/lag.ts";
import type { Series } from "../messages.ts";
import { fill } from "../postgres/fill.ts";
import { type Postgres, sessionOn, withDatabase } from "../postgres/server.ts";
import { countRows, type Kept } from "../rows.ts";
import type { Scratch } from "../scratch.ts";
import { type Server, serverKind, startServer, stopServer } from "../servers.ts";

/** A server, and its database after it has stopped. */
type Empty = { server: Server; stop: () => Promise<string[]>; kept: (to: string) => Promise<Kept> };
/** Starts a server with these variables besides its own; one after the other. */
export type Serve = (environment?: Record<string, string>) => Promise<Server>;
export type Full = { server: Server; size: number; bareRead: BareRead };
/** Reads the rows with these numbers from the engine itself, a thousand at a time. */
type BareRead = (after: number, until: number) => Promise<void>;

export type Engine = {
  name: "sqlite" | "postgres";
  onEmpty: <Result>(
    work: (empty: Empty) => Promise<Result>,
    environment?: Record<string, string>,
  ) => Promise<Result>;
  onFull: <Result>(size: number, work: (full: Full) => Promise<Result>) => Promise<Result>;
  /** A database with so many messages, which may be changed. */
  onStored: <Result>(size: number, work: (serve: Serve) => Promise<Result>) => Promise<Result>;
};

const pageRows = 1000;

export function sqlite(scratch: Scratch, series: Series, keep: string): Engine {
  let started = 0;
  return {
    name: "sqlite",
    onEmpty: async (work, environment = {}) => {
      const folder = join(scratch.folder, `sqlite-${started++}`);
      const server = await startServer(serverKind("postern"), scratch, folder, { environment });
      const kept = (to: string) => Promise.resolve(countRows(server.databasePath, to));
      const result = await work({ server, stop: () => stopServer(server), kept });
      rmSync(folder, { recursive: true });
      return result;
    },
    // Nothing is written to it, so no copy is made.
    onFull: async (size, work) => {
      const { built } = await build(scratch, keep, series, size);
      const server = await startServer(serverKind("postern"), scratch, built.folder);
      await untilCaughtUp(server);
      const database = new Database(server.databasePath, { readonly: true });
      const result = await work({ server, size, bareRead: bareSqlite(database) });
      database.close();
      await stopServer(server);
      return result;
    },
    onStored: async (size, work) => {
      const { built } = await build(scratch, keep, series, size);
      return withCopy(scratch, built, (folder) =>
        work((environment = {}) => startServer(serverKind("postern"), scratch, folder, { environment })),
      );
    },
  };
}

export function postgres(scratch: Scratch, series: Series, running: Postgres): Engine {
  let started = 0;
  const serve = async (url: string, environment: Record<string, string> = {}) => {
    const folder = join(scratch.folder, `postgres-${started++}`);
    return startServer(serverKind("postern"), scratch, folder, { databaseUrl: url, environment });
  };
  return {
    name: "postgres",
    onEmpty: (work, environment) =>
      withDatabase(running, `empty_${started}`, async (url) => {
        const server = await serve(url, environment);
        return work({ server, stop: () => stopServer(server), kept: (to) => countPostgres(url, to) });
      }),
    onFull: (size, work) =>
      withDatabase(running, `full_${size}`, async (url) => {
        await fill(url, storedMessages(series, size), new Tally([]));
        const server = await serve(url);
        await untilCaughtUp(server);
        const session = sessionOn(url);
        const result = await work({ server, size, bareRead: barePostgres(session) });
        await session.close();
        await stopServer(server);
        return result;
      }),
    onStored: (size, work) =>
      withDatabase(running, `stored_${size}`, async (url) => {
        await fill(url, storedMessages(series, size), new Tally([]));
        return work((environment) => serve(url, environment));
      }),
  };
}

/**
 * The columns that the log's reader takes, in the rows' own order, which is that of the numbers.
 */
function bareSqlite(database: Database): BareRead {
  const query = database.query<unknown, [number, number]>(
    `select messages.rowid as row, seq, message_id, from_msisdn as "from", to_msisdn as "to", ts, text, created_at,
       messages.checksum, source, type, delivery, start, stop, details.checksum as detailChecksum
     from messages left join details using (seq) where messages.rowid > ? order by messages.rowid limit ?`,
  );
  return async (after, until) => {
    for (let last = after; last < until; last += pageRows) check(query.all(last, pageRows), last, until);
  };
}

/** The same, by the batches: they are filled a thousand rows each. */
function barePostgres(session: Connection): BareRead {
  return async (after, until) => {
    for (let last = after; last < until; last += pageRows) {
      const rows = await session.run(
        `select batches.seq + place as seq, message_id, from_msisdn as "from", to_msisdn as "to", ts, text, created_at,
           source, type, delivery, start, stop
         from batches join messages using (batch) where batches.seq between $1 and $2 order by 1`,
        [last + 1, last + pageRows],
      );
      check(rows, last, until);
    }
  };
}

function check(rows: readonly unknown[], after: number, until: number): void {
  if (rows.length !== Math.min(pageRows, until - after))
    throw new Error(`the bare read found ${rows.length} rows after ${after}`);
}

async function countPostgres(url: string, to: string): Promise<Kept> {
  const session = sessionOn(url);
  const [kept] = await session.run<Kept>(
    `select count(*)::float8 as rows, count(distinct message_id)::float8 as ids
     from messages where to_msisdn = $1`,
    [to],
  );
  await session.close();
  return kept ?? { rows: 0, ids: 0 };
}
