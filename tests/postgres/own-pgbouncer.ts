/**
 * A PgBouncer of the tests' own before a PostgreSQL server, in transaction mode and with few
 * connections.
 */
import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { freePort, keep, takesConnections, UNPRIVILEGED } from "./kept-process.ts";

/** Debian's package puts it where users don't look. */
export const PGBOUNCER = Bun.which("pgbouncer") ?? Bun.which("/usr/sbin/pgbouncer") ?? undefined;
if (PGBOUNCER === undefined) console.log("skipped: PostgreSQL through PgBouncer (no pgbouncer is installed)");
/** What a replica needs to write, and nothing for its reads. */
export const POOL_SIZE = 6;

export interface OwnPgbouncer {
  readonly host: string;
  readonly port: number;
  /** The same database by the way through it. */
  readonly through: (url: string) => string;
  readonly log: () => string;
  /** `KILL` leaves it no time for anything; `TERM` cuts all connections too. */
  readonly stop: (signal: "TERM" | "KILL") => Promise<void>;
  /** On the same port. Resolves when connections are taken. */
  readonly start: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Starts one before the server of the URL. */
export async function newPgbouncer(
  serverUrl: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnPgbouncer> {
  const { hostname, port: serverPort, username, password } = new URL(serverUrl);
  const folder = newFolder().path;
  const port = freePort();
  const users = join(folder, "users");
  writeFileSync(users, `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`);
  const parameters = {
    listen_addr: "127.0.0.1",
    listen_port: String(port),
    unix_socket_dir: "",
    auth_type: "trust",
    auth_file: users,
    pool_mode: "transaction",
    default_pool_size: String(POOL_SIZE),
    max_client_conn: "500",
    ...(knowsPreparedStatements() ? { max_prepared_statements: "0" } : {}),
    ...settings,
  };
  const file = join(folder, "pgbouncer.ini");
  const lines = Object.entries(parameters).map(([name, value]) => `${name} = ${value}`);
  const databases = `[databases]\n* = host=${hostname} port=${serverPort || "5432"}\n`;
  writeFileSync(file, `${databases}[pgbouncer]\n${lines.join("\n")}\n`);
  if (UNPRIVILEGED.uid !== undefined)
    for (const path of [folder, users, file]) chownSync(path, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  const kept = keep(folder, [PGBOUNCER ?? "pgbouncer", file], "KILL");
  const start = async () => {
    await kept.start();
    await until("PgBouncer to take connections", () => takesConnections(port));
  };
  await start();
  return {
    host: "127.0.0.1",
    port,
    through: (url) => {
      const other = new URL(url);
      other.host = `127.0.0.1:${port}`;
      return other.href;
    },
    log: kept.log,
    stop: kept.stop,
    start,
    remove: kept.remove,
  };
}

/** Since 1.21 it can keep prepared statements; nobody may rely on it. */
function knowsPreparedStatements(): boolean {
  const text = Bun.spawnSync([PGBOUNCER ?? "pgbouncer", "--version"]).stdout.toString();
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? [];
  return Number(major) > 1 || Number(minor) >= 21;
}
