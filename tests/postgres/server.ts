/**
 * The PostgreSQL that tests share: the one of `POSTGRES_URL`, else the one that
 * `scripts/run-tests.ts` has started for the whole run, else a server of their own that starts with
 * the first test that wants it. Each test has a database of its own, which is empty. A test that
 * breaks a server takes `newPostgresServer` instead.
 */
import postgres from "postgres";
import { atEnd } from "../at-end.ts";
import { newPostgresServer } from "./own-server.ts";

/** A session from beside the engine. */
export interface Session {
  /** Any statement, `$1` and so on for its parameters. What is 64 bits wide is a number. */
  readonly query: <T>(sql: string, parameters?: readonly Parameter[]) => Promise<readonly T[]>;
  readonly close: () => Promise<void>;
}

export interface PostgresDatabase extends Pick<Session, "query"> {
  readonly url: string;
  /** Ends every session in it, and what is in it is gone. */
  readonly drop: () => Promise<void>;
}

type Parameter = string | number | boolean | null | Uint8Array;

/**
 * Making and dropping a database takes a quarter of a second of syncing, so one that was used is
 * emptied and lent again.
 */
const free: string[] = [];
let made = 0;
let shared: Promise<{ readonly url: string }> | undefined;

/**
 * The shared server: the URL of a database that is there from the start, as a user who may make
 * others.
 */
export function postgresServer(): Promise<{ readonly url: string }> {
  shared ??= startShared();
  return shared;
}

async function startShared(): Promise<{ readonly url: string }> {
  const given = process.env["POSTGRES_URL"];
  if (given) {
    atEnd(async () => {
      shared = undefined;
      for (const name of free.splice(0)) await onceOn(given, `drop database ${name}`);
    });
    return { url: given };
  }
  // It goes with the run, and so does what is in it.
  const ofTheRun = process.env["POSTERN_TEST_SERVER"];
  if (ofTheRun) return { url: ofTheRun };
  const server = await newPostgresServer();
  atEnd(async () => {
    shared = undefined;
    free.length = 0;
    await server.remove();
  });
  return { url: server.url("postgres") };
}

/** An empty database of the shared server. */
export async function newPostgresDatabase(): Promise<PostgresDatabase> {
  const server = await postgresServer();
  const name = free.pop() ?? (await create(server.url));
  const url = urlOf(server.url, name);
  const { query, close } = sessionOn(url);
  return {
    url,
    query,
    drop: async () => {
      await query(END_OTHERS);
      await empty({ query });
      await close();
      free.push(name);
    },
  };
}

/** Connects with the first query. */
export function sessionOn(url: string): Session {
  const sql = postgres(url, {
    max: 1,
    onnotice: () => undefined,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
  });
  return {
    query: async <T>(text: string, parameters: readonly Parameter[] = []) => [
      ...(await sql.unsafe<T[] & postgres.MaybeRow[]>(text, [...parameters])),
    ],
    close: () => sql.end(),
  };
}

/**
 * Takes everything away that was made in the session's database, one by one, with one sync for all.
 * Extensions stay: on Citus one of them is what makes the cluster, and dropping the schema would
 * take it along.
 */
export async function empty({ query }: Pick<Session, "query">): Promise<void> {
  await query("begin");
  for (const { type, identity } of await query<{ type: string; identity: string }>(MADE))
    await query(`drop ${type} if exists ${identity} cascade`);
  await query("commit");
}

/**
 * Not the server's own, such as autovacuum's, which only a superuser may end, and not those of
 * Citus.
 */
const END_OTHERS = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
    and application_name !~* '^citus'`;
/**
 * What belongs to an extension or is a part of something else, such as a table's row type, isn't
 * named.
 */
const MADE = `
  select type, identity from (
    select 'pg_class'::regclass as catalog, oid, relnamespace as schema from pg_class where relkind in ('r', 'p', 'v', 'm', 'S')
    union all select 'pg_proc'::regclass, oid, pronamespace from pg_proc
    union all select 'pg_type'::regclass, oid, typnamespace from pg_type
  ) made, pg_identify_object(catalog, made.oid, 0)
  where made.schema = 'public'::regnamespace and not exists (
    select 1 from pg_depend where classid = catalog and objid = made.oid and deptype in ('e', 'i'))`;

async function create(url: string): Promise<string> {
  const name = `postern_test_${process.pid}_${++made}`;
  await onceOn(url, `create database ${name}`);
  return name;
}

async function onceOn(url: string, statement: string): Promise<void> {
  const { query, close } = sessionOn(url);
  await query(statement);
  await close();
}

function urlOf(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}
