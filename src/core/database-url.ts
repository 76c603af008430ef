/** Where the messages are, as a URL says it. */

export type DatabaseUrl = SqliteUrl | PostgresUrl;

interface SqliteUrl {
  readonly engine: "sqlite";
  /** Absolute, or relative to the working directory. */
  readonly path: string;
}

export interface PostgresUrl {
  readonly engine: "postgres";
  /** As given, with the password: never for a message or the log. */
  readonly url: string;
}

/**
 * Reads `sqlite:////absolute/path.db`, `sqlite:///relative/path.db` or
 * `postgres://user:password@host:port/database`. Undefined for everything else, in-memory databases
 * included: they could not keep the promise of a 200.
 */
export function parseDatabaseUrl(url: string): DatabaseUrl | undefined {
  return /^postgres(ql)?:/.test(url) ? parsePostgresUrl(url) : parseSqliteUrl(url);
}

function parseSqliteUrl(url: string): SqliteUrl | undefined {
  const path = /^sqlite:\/\/\/([^?#]+)$/.exec(url)?.[1];
  if (path === undefined || path.includes(":memory:") || path.includes("\0") || path.endsWith("/"))
    return undefined;
  return { engine: "sqlite", path };
}

/**
 * User, host (one: the client library knows no list) and database have to be there, so that none of
 * them comes from the environment or the system's account. Hosts are names or IPv4 addresses: the
 * client library knows no others.
 */
const POSTGRES =
  /^postgres(?:ql)?:\/\/([^\s:/?#@]+(?::[^\s/?#@]*)?)@[\w.-]+(?::\d{1,5})?\/[\w.$~+-]{1,63}(\?[^\s#]*)?$/;

function parsePostgresUrl(url: string): PostgresUrl | undefined {
  const parts = POSTGRES.exec(url);
  if (parts === null || ![parts[1], parts[2]].every((part = "") => isPercentEncoded(part))) return undefined;
  return { engine: "postgres", url };
}

function isPercentEncoded(text: string): boolean {
  try {
    return !decodeURIComponent(text).includes("\0");
  } catch {
    return false;
  }
}
