/**
 * The settings: one table, and the only reader of the environment. A bad value stops the start with
 * one line that names the variable, what it got and what it takes.
 */
import { type DatabaseUrl, type PostgresUrl, parseDatabaseUrl } from "./core/database-url.ts";
import { StartRefused } from "./core/errors.ts";
import { isFieldValue } from "./lib/header-field.ts";
import { parseHostNames } from "./lib/host-name.ts";
import { type AddressRanges, parseRanges } from "./lib/ip-address.ts";
import { endsWithTwoNewlines, readValueFile, UnreadableFile } from "./lib/text-file.ts";
import { LEVELS, type Level } from "./observe/log.ts";

/** One row of the table: how a variable is read, and what docs/settings.md says of it. */
interface Setting<T> {
  readonly name: string;
  /** Undefined: there is none, and the value is undefined when the variable is unset. */
  readonly default: string | undefined;
  /** What it takes; ends the sentence "… takes". */
  readonly takes: string;
  readonly doc: string;
  /** Undefined: the text is not what it takes. */
  readonly parse: (text: string) => T | undefined;
  /** A blank secret counts as unset: an empty key would let everyone in. */
  readonly secret?: boolean;
}

const setting = <T>(row: Setting<T>): Setting<T> => row;

const whole = (name: string, value: number, min: number, max: number, doc: string, unit = "") =>
  setting<number>({
    name,
    default: String(value),
    takes: `a whole number from ${min} to ${max}${unit === "" ? "" : ` (${unit})`}`,
    doc,
    parse: (text) => {
      const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return number >= min && number <= max ? number : undefined;
    },
  });

const secret = (name: string, doc: string) =>
  setting<string>({
    name,
    default: undefined,
    takes: "a secret text",
    doc,
    parse: (text) => text,
    secret: true,
  });

/** A secret that comes in a header, after `Bearer `. */
const token = (name: string, doc: string) =>
  setting<string>({
    ...secret(name, doc),
    takes:
      "a token that a header can carry: no white space, no control characters, nothing beyond Latin-1, at most 16000 characters",
    parse: (given) => (isFieldValue(given) && !/\s/.test(given) ? given : undefined),
  });

const text = (name: string, value: string | undefined, takes: string, doc: string) =>
  setting<string>({ name, default: value, takes, doc, parse: (given) => given });

function parsePostgresUrl(given: string): PostgresUrl | undefined {
  const url = parseDatabaseUrl(given);
  return url?.engine === "postgres" ? url : undefined;
}

const LOG_FORMATS = ["json", "pretty"] as const;
type LogFormat = (typeof LOG_FORMATS)[number];

const MIB = 1024 * 1024;

/** Every variable that Postern reads, in the order of docs/settings.md. */
export const SETTINGS = {
  webhookSecret: secret(
    "WEBHOOK_SECRET",
    "Secret that signs `POST /webhook`. Required to serve, unless a configuration file has sources.",
  ),
  webhookSecretPrevious: secret(
    "WEBHOOK_SECRET_PREVIOUS",
    "A second secret that is accepted as well, while the first is being rotated.",
  ),
  configFile: text(
    "POSTERN_CONFIG",
    undefined,
    "a file",
    "The configuration file with the providers' sources and the destinations, if there are any.",
  ),
  databaseUrl: setting<DatabaseUrl>({
    name: "DATABASE_URL",
    default: "sqlite:///data/postern.db",
    takes:
      "sqlite:////absolute/path.db or sqlite:///relative/path.db (a file; in-memory databases keep no promise), " +
      "or postgres://user:password@host:port/database",
    doc:
      "Where messages are kept: in a file (four slashes: an absolute path; three: relative to the working directory), " +
      "or on a PostgreSQL server, for any number of replicas.",
    parse: parseDatabaseUrl,
  }),
  databaseDirectUrl: setting<PostgresUrl>({
    name: "DATABASE_DIRECT_URL",
    default: undefined,
    takes: "postgres://user:password@host:port/database",
    doc: "Where `DATABASE_URL` leads to a pooler: the same database without it. Migrations and the making of indexes go there.",
    parse: parsePostgresUrl,
  }),
  databaseReadUrl: setting<PostgresUrl>({
    name: "DATABASE_READ_URL",
    default: undefined,
    takes: "postgres://user:password@host:port/database",
    doc:
      "A hot standby of `DATABASE_URL`'s server, which answers pages, totals, statistics, events and single messages. They are " +
      "behind by the replication lag then: a message that was just answered with 200 may not be in them yet.",
    parse: parsePostgresUrl,
  }),
  logLevel: setting<Level>({
    name: "LOG_LEVEL",
    default: "INFO",
    takes: "DEBUG, INFO, WARN or ERROR",
    doc: "Lines below this level are not written. Any case.",
    parse: (given) => LEVELS.find((level) => level === given.toUpperCase()),
  }),
  logFormat: setting<LogFormat>({
    name: "LOG_FORMAT",
    default: undefined,
    takes: "json or pretty",
    doc:
      "How log lines look: `json` is an object a line, `pretty` is for people, behind a banner. Without it `pretty` where " +
      "standard output is a terminal, else `json`.",
    parse: (given) => LOG_FORMATS.find((format) => format === given.toLowerCase()),
  }),
  host: text("HOST", "127.0.0.1", "an address", "Address to listen on. The container image sets `0.0.0.0`."),
  port: whole("PORT", 8000, 0, 65535, "Port to listen on; 0 takes a free one (it is in the first log line)."),
  readPort: setting<number>({
    ...whole(
      "READ_PORT",
      0,
      1,
      65535,
      "When set, everything but `/webhook*` and `/health/*` moves to this second port.",
    ),
    default: undefined,
  }),
  trustedProxies: setting<AddressRanges>({
    name: "TRUSTED_PROXIES",
    default: undefined,
    takes: "addresses, ranges such as 10.0.0.0/8, or the word private, apart by commas",
    doc:
      "Proxies whose `X-Forwarded-For` is believed, for limits by address and the log. Without it the connection's " +
      "address counts, and a private one has no limit of its own.",
    parse: parseRanges,
  }),
  failedAuthPerMinute: whole(
    "FAILED_AUTH_PER_MINUTE",
    600,
    1,
    1_000_000,
    "Requests without a valid signature or token from one client address in a minute; beyond it they get 429 and are " +
      "summed up in the log. What is rightly signed always passes.",
    "requests",
  ),
  allowedHosts: setting<ReadonlySet<string>>({
    name: "ALLOWED_HOSTS",
    default: undefined,
    takes: "host names without a port, apart by commas",
    doc:
      "Names by which browsers may read while `API_TOKEN` is not set, beside IP addresses and `localhost`; any other " +
      "name could be a stranger's page (DNS rebinding) and gets 403. Webhooks and health never ask.",
    parse: parseHostNames,
  }),
  apiToken: token(
    "API_TOKEN",
    "When set, everything but webhooks, health and docs wants `Authorization: Bearer`, or a session of the dashboard.",
  ),
  apiTokenPrevious: token(
    "API_TOKEN_PREVIOUS",
    "A second token that is accepted as well, while the first is being rotated.",
  ),
  metricsPublic: setting<boolean>({
    name: "METRICS_PUBLIC",
    default: "false",
    takes: "true or false",
    doc: "With `API_TOKEN` set: whether `/metrics` is open all the same.",
    parse: (given) =>
      ["false", "true"].includes(given.toLowerCase()) ? given.toLowerCase() === "true" : undefined,
  }),
  connectionsMax: setting<number>({
    ...whole(
      "CONNECTIONS_MAX",
      0,
      16,
      1_000_000,
      "Open connections; beyond it those that were silent for longest are ended. Without it what the limit of open files leaves, 10000 at most.",
      "connections",
    ),
    default: undefined,
  }),
  streamsMax: whole(
    "STREAMS_MAX",
    1_000,
    1,
    1_000_000,
    "Streams that are open at once, half of the limit of open files at most; beyond it 503 with `Retry-After`.",
    "streams",
  ),
  outboundRequestsMax: whole(
    "BUN_CONFIG_MAX_HTTP_REQUESTS",
    256,
    1,
    65_535,
    "Requests that the runtime makes at a time, all destinations together; set to 65535 by the container image, the npm package under Node and `make run`.",
    "requests",
  ),
  bodyBytesMax: whole(
    "BODY_BYTES_MAX",
    4 * MIB,
    1,
    1024 * MIB,
    "Largest body of a webhook; beyond it 413.",
    "bytes",
  ),
  bodyBytesInflightMax: whole(
    "BODY_BYTES_INFLIGHT_MAX",
    64 * MIB,
    1,
    64 * 1024 * MIB,
    "All bodies together that are not verified yet, as far as they have arrived; beyond it 503. Those over 64 KiB leave an eighth to smaller ones.",
    "bytes",
  ),
  bodyBytesInflightPerClientMax: setting<number>({
    ...whole(
      "BODY_BYTES_INFLIGHT_PER_CLIENT_MAX",
      0,
      1,
      64 * 1024 * MIB,
      "What bodies from one client's address may take of it; beyond it 503. Without it a quarter.",
      "bytes",
    ),
    default: undefined,
  }),
  bodyTimeoutMs: whole(
    "BODY_TIMEOUT_MS",
    10_000,
    1,
    600_000,
    "Time for a body to arrive; beyond it 408. So is one that doesn't begin within 2 s, or of which less than 2 KiB come in 4 s.",
    "milliseconds",
  ),
  queueRowsMax: whole(
    "QUEUE_ROWS_MAX",
    20_000,
    1,
    10_000_000,
    "Messages that may wait for a commit; beyond it 503 with `Retry-After`.",
    "messages",
  ),
  queueBytesMax: whole(
    "QUEUE_BYTES_MAX",
    64 * MIB,
    1,
    64 * 1024 * MIB,
    "Bodies of providers' requests that may wait for a commit together; beyond it 503 with `Retry-After`.",
    "bytes",
  ),
  queryTimeoutMs: whole(
    "QUERY_TIMEOUT_MS",
    5_000,
    1,
    600_000,
    "Time for a read; beyond it 503.",
    "milliseconds",
  ),
  readThreads: whole(
    "READ_THREADS",
    2,
    1,
    64,
    "Threads that answer reads, one read at a time each. On SQLite as many searches are made at once as there are processors beside two, at least one, and as many other reads; a long one lets another begin.",
    "threads",
  ),
  followerLagRowsMax: whole(
    "FOLLOWER_LAG_ROWS_MAX",
    65_536,
    2,
    10_000_000,
    "Messages by which indexes and counts may be behind; from half of it on, new messages are taken more slowly.",
    "messages",
  ),
  logBufferBytesMax: whole(
    "LOG_BUFFER_BYTES_MAX",
    8 * MIB,
    1024,
    1024 * MIB,
    "Log lines that may wait for a blocked stdout; beyond it they are dropped and counted.",
    "bytes",
  ),
  shutdownGraceMs: whole(
    "SHUTDOWN_GRACE_MS",
    0,
    0,
    8_000,
    "After SIGTERM: how long requests are still accepted while `/health/ready` says 503.",
    "milliseconds",
  ),
} as const;

type Values = {
  readonly [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K] extends Setting<infer T>
    ? T | undefined
    : never;
};
type Optional =
  | "logFormat"
  | "webhookSecret"
  | "webhookSecretPrevious"
  | "configFile"
  | "databaseDirectUrl"
  | "databaseReadUrl"
  | "readPort"
  | "trustedProxies"
  | "allowedHosts"
  | "connectionsMax"
  | "bodyBytesInflightPerClientMax"
  | "apiToken"
  | "apiTokenPrevious";
/** Settings after reading: what has a default is there. */
export type Settings = { readonly [K in Optional]: Values[K] } & {
  readonly [K in Exclude<keyof Values, Optional>]: Exclude<Values[K], undefined>;
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of this process, for what a configuration file refers to. */
export function systemEnvironment(): Environment {
  return process.env;
}

/** Reads all settings; throws `StartRefused` for the first that can't be taken. */
export function readSettings(environment: Environment = process.env): Settings {
  const settings = readSome(Object.keys(SETTINGS) as (keyof Settings)[], environment);
  for (const [name, url] of [
    ["DATABASE_DIRECT_URL", settings.databaseDirectUrl],
    ["DATABASE_READ_URL", settings.databaseReadUrl],
  ] as const) {
    if (url !== undefined && settings.databaseUrl.engine !== "postgres")
      throw new StartRefused(`${name} is set, and DATABASE_URL names a SQLite file: unset one of them`);
  }
  return settings;
}

/** Reads the named settings alone, for a command that needs no others; throws `StartRefused`. */
export function readSome<K extends keyof Settings>(
  keys: readonly K[],
  environment: Environment = process.env,
): Pick<Settings, K> {
  const values = keys.map((key) => [key, readSetting(SETTINGS[key] as Setting<unknown>, environment)]);
  return Object.fromEntries(values) as Pick<Settings, K>;
}

/** The file that a setting is read from, if its variable names one. */
export function fileOf(key: keyof Settings, environment: Environment = process.env): string | undefined {
  return environment[`${SETTINGS[key].name}_FILE`] || undefined;
}

/**
 * The secrets that may have signed a webhook: the current one and, while rotating, the previous
 * one.
 */
export function webhookSecrets(
  settings: Pick<Settings, "webhookSecret" | "webhookSecretPrevious">,
): readonly string[] {
  if (settings.webhookSecret === undefined) {
    throw new StartRefused(
      "WEBHOOK_SECRET is not set: it takes the secret that signs POST /webhook (or WEBHOOK_SECRET_FILE a file)",
    );
  }
  return [settings.webhookSecret, settings.webhookSecretPrevious].filter((value) => value !== undefined);
}

function readSetting<T>(row: Setting<T>, environment: Environment): T | undefined {
  const given = readText(row, environment) ?? row.default;
  if (given === undefined) return undefined;
  const value = row.parse(given);
  if (value === undefined) {
    const shown = row.secret ? "not usable" : JSON.stringify(withoutCredentials(given));
    throw new StartRefused(`${row.name} is ${shown}: it takes ${row.takes}`);
  }
  return value;
}

/** The variable's text or its file's; empty counts as unset, and so does a blank secret. */
function readText(row: Setting<unknown>, environment: Environment): string | undefined {
  const direct = environment[row.name] || undefined;
  const fileName = `${row.name}_FILE`;
  const file = environment[fileName] || undefined;
  if (direct !== undefined && file !== undefined) {
    throw new StartRefused(`${row.name} and ${fileName} are both set: set one of them`);
  }
  const given = file === undefined ? direct : readSettingFile(fileName, file);
  if (row.secret && given !== undefined && endsWithTwoNewlines(given)) {
    throw new StartRefused(`${row.name} ends with two newlines: take them off`);
  }
  return row.secret && given?.trim() === "" ? undefined : given || undefined;
}

function readSettingFile(variable: string, path: string): string {
  try {
    return readValueFile(path);
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    throw new StartRefused(
      `${variable} is ${JSON.stringify(path)}: it takes a readable file (${error.message})`,
    );
  }
}

/**
 * A URL may carry a password, with any character in it, and where it isn't a good one also
 * elsewhere.
 */
function withoutCredentials(given: string): string {
  const [colon, at] = [given.indexOf(":"), given.lastIndexOf("@")];
  const [slashes = ""] = /^\/*/.exec(given.slice(colon + 1)) ?? [];
  const hidden =
    colon < 0 || at < colon ? given : `${given.slice(0, colon + 1)}${slashes}***${given.slice(at)}`;
  return hidden
    .replace(/(:\/\/[^/?@:]*:)(?![0-9]+(?:[/?,]|$)).*/s, "$1***")
    .replace(/([?&][^=&?]*=)[^&]*/g, "$1***");
}
