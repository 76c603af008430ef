// The servers that are compared, and how one is started on a fresh database and stopped. Only this
// list knows them.

import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { fastifyFolder, node } from "./node.ts";
import { secret } from "./requests.ts";
import { type Scratch, track } from "./scratch.ts";

export const host = "127.0.0.1";
/**
 * Every server keeps its database under this name, and side files under names that begin with it.
 */
export const databaseName = "app.db";
/** Debian's own interpreter: the reference uses Debian's packages. */
export const python = "/usr/bin/python3";

const startMsMax = 15_000;
const stopMsMax = 15_000;
const pollMs = 5;
const repository = join(import.meta.dir, "..");

type Launch = { port: number; databaseUrl: string };
/** `environment`: besides the server's own. */
type StartOptions = { msMax?: number; databaseUrl?: string; environment?: Record<string, string> };
type Command = { argv: string[]; environment: Record<string, string> };

/** `stores`: keeps messages in the table `messages`, so that its answers can be verified. */
export type ServerKind = { name: string; stores: boolean; command: (launch: Launch) => Command };
export type Server = {
  kind: ServerKind;
  folder: string;
  /** Of SQLite's file; there is none when the server was given another database. */
  databasePath: string;
  port: number;
  process: Subprocess;
  /** From the start of the process to the first 200 of `/health/ready`. */
  readyMs: number;
};

export const serverKinds: ServerKind[] = [
  service("postern", posternCommand("serve")),
  service("fastapi", referenceCommand()),
  service("fastify", [node, join(fastifyFolder, "server.js")], { NODE_ENV: "production" }),
  {
    name: "bare",
    stores: false,
    command: ({ port }) => ({
      argv: [process.execPath, join(import.meta.dir, "bare.ts"), String(port)],
      environment: {},
    }),
  },
];

/** A store that is told what to do by Postern's variables, and by more of its own. */
export function service(name: string, argv: string[], more: Record<string, string> = {}): ServerKind {
  const command = (launch: Launch) => ({ argv, environment: { ...serviceEnvironment(launch), ...more } });
  return { name, stores: true, command };
}

/** Without leaving compiled modules beside the sources. */
export function referenceCommand(): string[] {
  return [python, "-B", join(import.meta.dir, "fastapi_reference.py")];
}

/** A command of Postern's command line. */
export function posternCommand(...words: string[]): string[] {
  return [process.execPath, join(repository, "src", "main.ts"), ...words];
}

/** Throws when there is no server of that name. */
export function serverKind(name: string): ServerKind {
  const kind = serverKinds.find((candidate) => candidate.name === name);
  if (!kind)
    throw new Error(`no server '${name}'; there are ${serverKinds.map((each) => each.name).join(", ")}`);
  return kind;
}

/**
 * Starts a server on the database of a folder, which is made when missing, or on another one, and
 * resolves when it is ready; throws with its last words when it isn't.
 */
export async function startServer(
  kind: ServerKind,
  scratch: Scratch,
  folder: string,
  { msMax = startMsMax, databaseUrl, environment = {} }: StartOptions = {},
): Promise<Server> {
  mkdirSync(folder, { recursive: true });
  const [port, databasePath] = [freePort(), join(folder, databaseName)];
  const launch = { port, databaseUrl: databaseUrl ?? `sqlite:///${databasePath}` };
  const startedNs = Bun.nanoseconds();
  const child = spawnServer(kind, scratch, folder, launch, environment);
  const server = { kind, folder, databasePath, port, process: child };
  await untilReady(server, msMax);
  return { ...server, readyMs: (Bun.nanoseconds() - startedNs) / 1_000_000 };
}

/** Stops a server in order and says what was wrong with its end, if anything. */
export async function stopServer(server: Server): Promise<string[]> {
  server.process.kill("SIGTERM");
  const late = setTimeout(() => server.process.kill("SIGKILL"), stopMsMax);
  const exitCode = await server.process.exited;
  clearTimeout(late);
  return exitCode === 0 ? [] : [`${server.kind.name} ended with exit code ${exitCode} after SIGTERM`];
}

export function logPath(folder: string): string {
  return join(folder, "stdout.log");
}

function errorPath(folder: string): string {
  return join(folder, "stderr.log");
}

function serviceEnvironment({ port, databaseUrl }: Launch): Record<string, string> {
  return {
    WEBHOOK_SECRET: secret,
    DATABASE_URL: databaseUrl,
    HOST: host,
    PORT: String(port),
    LOG_LEVEL: "INFO",
  };
}

function spawnServer(
  kind: ServerKind,
  scratch: Scratch,
  folder: string,
  launch: Launch,
  more: Record<string, string>,
): Subprocess {
  const { argv, environment } = kind.command(launch);
  const [stdout, stderr] = [openSync(logPath(folder), "w"), openSync(errorPath(folder), "w")];
  const child = Bun.spawn(argv, {
    cwd: folder,
    env: { ...environment, ...more },
    stdin: "ignore",
    stdout,
    stderr,
  });
  closeSync(stdout);
  closeSync(stderr);
  return track(scratch, child);
}

async function untilReady(server: Omit<Server, "readyMs">, msMax: number): Promise<void> {
  const deadline = performance.now() + msMax;
  while (performance.now() < deadline && server.process.exitCode === null) {
    const signal = AbortSignal.timeout(msMax);
    const response = await fetch(`http://${host}:${server.port}/health/ready`, { signal }).catch(() => null);
    if (response?.status === 200) return;
    await Bun.sleep(pollMs);
  }
  const lastWords = readFileSync(errorPath(server.folder), "utf8").trim().slice(-1000);
  throw new Error(`${server.kind.name} didn't become ready: ${lastWords || "it wrote nothing to stderr"}`);
}

function freePort(): number {
  const listener = Bun.listen({ hostname: host, port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
