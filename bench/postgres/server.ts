// The PostgreSQL server that all are measured on: npm's binaries, its files beside the scratch
// folder, real syncs. It goes with this process, however that ends.

import { resolve } from "node:path";
import { Connection } from "../../src/storage/postgres/connection/connection.ts";
import { newPostgresServer, type OwnServer } from "../../tests/postgres/own-server.ts";

/**
 * What differs from PostgreSQL's defaults: what one would set on a machine of some gigabytes with a
 * solid-state disk.
 */
const settings = {
  shared_buffers: "1GB",
  effective_cache_size: "4GB",
  maintenance_work_mem: "512MB",
  random_page_cost: "1.1",
  min_wal_size: "2GB",
  max_wal_size: "8GB",
  checkpoint_timeout: "15min",
  max_connections: "200",
  timezone: "UTC",
};
const mebibytesAtOnce = 16;
const connectTimeoutS = 10;

export type Postgres = { server: OwnServer; session: Connection; line: string };

/**
 * `folder` must be one that any user may enter: PostgreSQL doesn't run as root. So much of the
 * write-ahead log is written and recycled before anything is measured, that the first run finds
 * files that are there, as later ones do.
 */
export async function startPostgres(
  folder: string,
  recycledMiB: number,
  environment: Record<string, string>,
): Promise<Postgres> {
  const server = await newPostgresServer(settings, resolve(folder), environment);
  if (/cannot be preloaded/.test(server.log())) throw new Error(server.log());
  const session = sessionOn(server.url("postgres"));
  for (let written = 0; written < recycledMiB; written += mebibytesAtOnce)
    await session.run("select pg_logical_emit_message(false, 'bench', repeat('x', $1))", [
      mebibytesAtOnce << 20,
    ]);
  await session.script("checkpoint");
  return { server, session, line: await serverLine(session) };
}

export async function stopPostgres({ server, session }: Postgres): Promise<void> {
  await session.close();
  await server.remove();
}

/** One connection that isn't counted among a server's own. */
export function sessionOn(url: string, connectionsMax = 1): Connection {
  return new Connection(url, { connectionsMax, connectTimeoutS });
}

/**
 * Lets `work` use a new database, which is gone afterwards; each begins right after a checkpoint,
 * so that none pays for what was written before it.
 */
export async function withDatabase<Result>(
  { server, session }: Postgres,
  name: string,
  work: (url: string) => Promise<Result>,
): Promise<Result> {
  await session.script(`create database ${name}`);
  await session.script("checkpoint");
  try {
    return await work(server.url(name));
  } finally {
    await session.script(`drop database ${name} with (force)`);
  }
}

/** CPU time of all its processes is theirs together. */
export function serverPids({ server }: Postgres): number[] {
  const children = Bun.spawnSync(["pgrep", "--parent", String(server.pid())]).stdout.toString();
  return children.split("\n").filter(Boolean).map(Number);
}

async function serverLine(session: Connection): Promise<string> {
  const [row] = await session.run<{ version: string; fsync: string; commit: string; method: string }>(
    `select current_setting('server_version') as version, current_setting('fsync') as fsync,
       current_setting('synchronous_commit') as commit, current_setting('wal_sync_method') as method`,
  );
  const changed = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return [
    `PostgreSQL ${row?.version}`,
    `fsync ${row?.fsync} (${row?.method})`,
    `synchronous_commit ${row?.commit}`,
    ...changed,
  ].join(" · ");
}
