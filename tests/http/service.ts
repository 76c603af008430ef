/**
 * A whole service on a free port, with a database of the engine under test and its log in a folder
 * of its own. Whatever a test does, no secret, token or signature that the service was given is in
 * the log when it stops.
 */
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readSettings } from "../../src/config.ts";
import type { DestinationConfig, Destinations } from "../../src/core/destination-config.ts";
import type { Message } from "../../src/core/message.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { type Service, startService } from "../../src/serve.ts";
import { sign } from "../../src/sources/native.ts";
import { openSource, type SourceConfig } from "../../src/sources/open-source.ts";
import type { PublishedKeys } from "../../src/sources/schemes/published-keys.ts";
import { type Database, newDatabase } from "../databases/database.ts";
import { newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { exchange, head, type WireAnswer } from "./wire.ts";

export const SECRET = "correct horse battery staple";
/** No read is ended because the machine is busy. */
const SETTINGS = { WEBHOOK_SECRET: SECRET, PORT: "0", QUERY_TIMEOUT_MS: "60000" };

export type LogLine = Readonly<Record<string, string | number | boolean | null>>;

/** Shorter ones could be in a log by chance. */
const UNSAID_CHARS_MIN = 10;
/** Some repeat a message's identifier, which is logged. */
const SAID_HEADERS =
  /^(host|content-type|content-length|user-agent|x-(webhook-)?request-id|x-forwarded-for)$/i;

interface Given {
  /** By their names. */
  readonly sources?: Readonly<Record<string, SourceConfig>>;
  readonly destinations?: readonly DestinationConfig[];
  /** What others publish, in place of what the process fetches. */
  readonly keys?: PublishedKeys;
  /** What hands records on, in place of the service's own. */
  readonly handsOn?: Destinations;
  readonly clock?: Clock;
  /** One that the test drops; else the service has its own, which goes with it. */
  readonly database?: Database;
}

export interface TestService {
  readonly url: string;
  readonly port: number;
  readonly readUrl: string;
  readonly database: Database;
  /** Posts a body, signed with the secret unless headers say otherwise. */
  readonly post: (body: string | Uint8Array | object, headers?: Record<string, string>) => Promise<Response>;
  /** Sends a request to the first listener as given. */
  readonly send: (path: string, init?: SentRequest) => Promise<Response>;
  /** The same byte for byte, where a client library would encode the path anew. */
  readonly sendRaw: (path: string, init?: SentRequest) => Promise<WireAnswer>;
  /** Texts that must not be in the log when the service stops. */
  readonly keepUnsaid: (...texts: string[]) => void;
  /** Serves other sources, and other destinations. */
  readonly replaceSources: (
    sources: Readonly<Record<string, SourceConfig>>,
    destinations?: readonly DestinationConfig[],
  ) => Promise<void>;
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  /** Every row as stored, in the log's order, from beside the service. */
  readonly rows: () => Promise<readonly Message[]>;
  /** The value of a series in `/metrics`; undefined when there is none. */
  readonly metric: (series: string) => Promise<number | undefined>;
  readonly logText: () => string;
  readonly logLines: () => readonly LogLine[];
  /** The log line of the request with this id. */
  readonly logLine: (requestId: string | null) => Promise<LogLine>;
  /** Returns the whole log. */
  readonly stop: () => Promise<string>;
}

export interface SentRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export async function newService(
  environment: Record<string, string> = {},
  given: Given = {},
): Promise<TestService> {
  const folder = newFolder();
  const database = given.database ?? (await newDatabase());
  const logPath = join(folder.path, "log");
  const logFd = openSync(logPath, "a");
  const unsaid = new Set([
    ...[SECRET, new URL(database.url).password],
    ...Object.entries(environment).flatMap(secretsOfVariable),
  ]);
  const open = (sources: Readonly<Record<string, SourceConfig>> = {}) => {
    for (const secret of Object.values(sources).flatMap(secretsOf)) unsaid.add(secret);
    return Object.entries(sources).map(([name, config]) => openSource(name, config, given.keys));
  };
  const hide = (destinations: readonly DestinationConfig[] = []) => {
    for (const secret of destinations.flatMap(({ secrets }) => secrets)) unsaid.add(secret);
    return destinations;
  };
  const remove = async () => {
    closeSync(logFd);
    folder.remove();
    if (given.database === undefined) await database.drop();
  };
  const starting = startService(readSettings({ ...SETTINGS, DATABASE_URL: database.url, ...environment }), {
    logFd,
    sources: open(given.sources),
    destinations: hide(given.destinations),
    ...(given.handsOn !== undefined && { handsOn: given.handsOn }),
    ...(given.clock !== undefined && { clock: given.clock }),
  });
  const service: Service = await starting.catch(async (error) => {
    await remove();
    throw error;
  });
  const url = `http://127.0.0.1:${service.port}`;
  const keepUnsaid = (...texts: string[]) => {
    // Times are no secrets.
    for (const text of texts) if (!/^[0-9]*$/.test(text)) unsaid.add(text);
  };
  const keepHeadersUnsaid = (headers: Readonly<Record<string, string>>) => {
    for (const [name, value] of Object.entries(headers))
      if (!SAID_HEADERS.test(name)) keepUnsaid(value, ...value.split(/[ ,=]+/));
  };
  const send = (path: string, { method = "POST", headers = {}, body }: SentRequest = {}) => {
    keepHeadersUnsaid(headers);
    return fetch(`${url}${path}`, {
      method,
      headers,
      redirect: "manual",
      ...(body !== undefined && { body }),
    });
  };
  const sendRaw = async (path: string, { method = "POST", headers = {}, body }: SentRequest = {}) => {
    keepHeadersUnsaid(headers);
    const bytes = Buffer.from(body ?? "");
    const length: Record<string, number> = method === "GET" ? {} : { "Content-Length": bytes.length };
    const request = Buffer.from(head(`${method} ${path}`, { ...headers, ...length }), "latin1");
    const answer = await exchange(service.port, Buffer.concat([request, bytes]));
    if (answer === undefined) throw new Error(`no answer to ${method} ${path}`);
    return answer;
  };
  const readUrl = service.readPort === undefined ? url : `http://127.0.0.1:${service.readPort}`;
  const authorization: Record<string, string> =
    environment["API_TOKEN"] === undefined ? {} : { Authorization: `Bearer ${environment["API_TOKEN"]}` };
  const logText = () => readFileSync(logPath, "utf8");
  const logLines = () =>
    logText()
      .split("\n")
      // The last one may not be whole yet.
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  return {
    url,
    port: service.port,
    readUrl,
    database,
    post: (body, headers = {}) => {
      const bytes = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
      return send("/webhook", {
        body: bytes,
        headers: { "X-Signature": sign(SECRET, bytes), ...headers },
      });
    },
    send,
    sendRaw,
    keepUnsaid,
    replaceSources: (sources, destinations) =>
      service.replaceConfiguration({ sources: open(sources), destinations: hide(destinations) }),
    get: (path, init = {}) =>
      fetch(`${readUrl}${path}`, {
        redirect: "manual",
        ...init,
        headers: { ...authorization, ...init.headers },
      }),
    rows: database.rows,
    metric: async (series) => {
      const text = await (await fetch(`${readUrl}/metrics`, { headers: authorization })).text();
      const line = text.split("\n").find((each) => each.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length + 1));
    },
    logText,
    logLines,
    logLine: (requestId) =>
      until(`a log line of ${requestId}`, () => logLines().find((line) => line["request_id"] === requestId)),
    stop: async () => {
      await service.stop();
      const log = logText();
      await remove();
      checkUnsaid(log, unsaid);
      return log;
    },
  };
}

function secretsOfVariable([name, value]: readonly [string, string]): string[] {
  return /SECRET|TOKEN/.test(name) ? [value] : [];
}

function secretsOf({ secret, ...options }: SourceConfig): string[] {
  const { verify_token } = options;
  return [...[secret].flat(), ...(typeof verify_token === "string" ? [verify_token] : [])];
}

/** Throws when the log holds any of these. */
function checkUnsaid(log: string, unsaid: Iterable<string>): void {
  for (const text of unsaid) {
    if (text.trim().length < UNSAID_CHARS_MIN) continue;
    const line = log.split("\n").find((each) => each.includes(text));
    if (line !== undefined) throw new Error(`the log says ${JSON.stringify(text)}: ${line}`);
  }
}
