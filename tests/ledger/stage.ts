/**
 * The service under test, as processes on a database of the engine that a run is about, and the
 * ways in which it can be hurt. An address stays what it is for as long as the stage stands.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Database, newDatabase } from "../databases/database.ts";
import { postgresDatabase } from "../databases/postgres.ts";
import { type PosternProcess, startPostern } from "../faults/postern-process.ts";
import { newFolder } from "../folder.ts";
import { freePort } from "../postgres/kept-process.ts";
import { newPostgresServer } from "../postgres/own-server.ts";
import { sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import type { ServingTurn } from "./record.ts";
import { PROVIDER } from "./writers.ts";

const POSTGRES_REPLICAS = 3;
const RELOADED = '"message":"configuration reloaded"';
const SERVES = '"message":"a destination is served"';

interface Replica {
  readonly url: string;
  /** SIGKILL; resolves when another process listens at the same address. */
  readonly kill: () => Promise<void>;
  /** SIGTERM likewise; resolves with the exit code of the one that was stopped. */
  readonly restart: () => Promise<number>;
  /** SIGHUP; resolves when it has read its configuration anew. */
  readonly reload: () => Promise<void>;
}

/** A database's own server, which can be hurt too. */
interface DatabaseServer {
  readonly crash: () => Promise<void>;
  readonly restart: () => Promise<void>;
}

/** What a replica has to know besides the database. */
interface StageOptions {
  /** What the configuration says besides the source, in each of its turns from 0 on. */
  readonly text: (turn: number) => string;
  /** Of the replica of this name. */
  readonly env: (replica: string) => Readonly<Record<string, string>>;
  /** What runs before it. */
  readonly shell: string | undefined;
}

export interface Stage {
  readonly replicas: readonly Replica[];
  readonly database: Database;
  /** Undefined where the database has no server. */
  readonly server: DatabaseServer | undefined;
  /** Writes the next turn of the configuration and has every replica read it. */
  readonly reload: () => Promise<void>;
  /** Who has served the destination, from the first to the last. */
  readonly turnsOf: (destination: string) => readonly ServingTurn[];
  /** Stops every replica, which has to exit with 0, and resolves with the exit codes. */
  readonly stop: () => Promise<readonly number[]>;
  readonly remove: () => Promise<void>;
}

export async function newStage({ text, env, shell }: StageOptions): Promise<Stage> {
  const folder = newFolder();
  const config = join(folder.path, "postern.yaml");
  const { name, kind, secret } = PROVIDER;
  const sources = `sources:\n  ${name}:\n    kind: ${kind}\n    secret: ${secret}\n`;
  let turn = 0;
  const write = () => writeFileSync(config, sources + text(turn++));
  write();
  const { database, server, count } = await newBase();
  const replicas = await Promise.all(
    Array.from({ length: count }, (_, number) => {
      const name = `replica-${number}`;
      const options = { env: { ...env(name), POSTERN_CONFIG: config }, shell };
      return startKept(name, database.url, options);
    }),
  );
  return {
    replicas,
    database,
    server,
    reload: async () => {
      write();
      await Promise.all(replicas.map((replica) => replica.reload()));
    },
    turnsOf: (destination) => replicas.flatMap((replica) => replica.turnsOf(destination)),
    stop: () => Promise.all(replicas.map((replica) => replica.stop())),
    remove: async () => {
      await Promise.all(replicas.map((replica) => replica.end()));
      await database.drop();
      folder.remove();
    },
  };
}

async function newBase(): Promise<Pick<Stage, "database" | "server"> & { readonly count: number }> {
  if (process.env["POSTERN_TEST_ENGINE"] !== "postgres")
    return { database: await newDatabase(), server: undefined, count: 1 };
  const server = await newPostgresServer();
  const { query, close } = sessionOn(server.url("postgres"));
  const url = server.url("postgres");
  const drop = async () => {
    await close();
    await server.remove();
  };
  const again = (how: "fast" | "immediate") => async () => {
    await server.stop(how);
    await server.start();
  };
  return {
    database: postgresDatabase({ url, query, drop }),
    server: { crash: again("immediate"), restart: again("fast") },
    count: POSTGRES_REPLICAS,
  };
}

interface KeptReplica extends Replica {
  readonly turnsOf: (destination: string) => readonly ServingTurn[];
  /** SIGTERM; resolves with the exit code. */
  readonly stop: () => Promise<number>;
  /** At once, whatever it does. */
  readonly end: () => Promise<void>;
}

/** One that comes back at the same address. */
async function startKept(
  name: string,
  database: string,
  { env, shell }: { readonly env: Readonly<Record<string, string>>; readonly shell: string | undefined },
): Promise<KeptReplica> {
  const port = freePort();
  const logs: (readonly string[])[] = [];
  const kills: ServingTurn[] = [];
  const start = async () => {
    const options = { database, env: { ...env, PORT: String(port) }, ...(shell !== undefined && { shell }) };
    const started = await startPostern(options);
    logs.push(started.log());
    return started;
  };
  let process: PosternProcess = await start();
  const end = async (signal: NodeJS.Signals) => {
    process.kill(signal);
    return process.exited;
  };
  return {
    url: process.url,
    kill: async () => {
      kills.push({ by: name, at: performance.now(), what: "was killed" });
      await end("SIGKILL");
      process = await start();
    },
    restart: async () => {
      const code = await end("SIGTERM");
      process = await start();
      return code;
    },
    reload: async () => {
      const reloads = () => process.log().filter((line) => line.includes(RELOADED)).length;
      const before = reloads();
      process.kill("SIGHUP");
      await until("a reload", () => reloads() > before);
    },
    turnsOf: (destination) => {
      const lines = logs.flat().filter((line) => line.includes(SERVES));
      const said = lines.map(
        (line) => JSON.parse(line) as { readonly timestamp: string; readonly destination: string },
      );
      const turns = said.filter((line) => line.destination === destination);
      return [
        ...turns.map(({ timestamp }) => ({ by: name, at: timeOf(timestamp), what: "serves" as const })),
        ...kills,
      ];
    },
    stop: () => end("SIGTERM"),
    end: async () => {
      await end("SIGKILL");
    },
  };
}

/** Of `performance.now`, what is told as ISO 8601. */
function timeOf(text: string): number {
  return Date.parse(text) - performance.timeOrigin;
}
