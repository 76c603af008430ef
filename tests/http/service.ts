/** A whole service on a free port, with its database and its log in a folder of its own. */
import { Database } from "bun:sqlite";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readSettings } from "../../src/config.ts";
import type { Message } from "../../src/core/message.ts";
import { startService } from "../../src/serve.ts";
import { sign } from "../../src/sources/native.ts";
import { newFolder } from "../folder.ts";
import { until } from "../until.ts";

export const SECRET = "correct horse battery staple";

export type LogLine = Readonly<Record<string, string | number | boolean | null>>;

export interface TestService {
  readonly url: string;
  readonly port: number;
  readonly readUrl: string;
  readonly databasePath: string;
  /** Posts a body, signed with the secret unless headers say otherwise. */
  readonly post: (body: string | Uint8Array | object, headers?: Record<string, string>) => Promise<Response>;
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  /** Every row as stored, in the log's order. */
  readonly rows: () => readonly Message[];
  /** The value of a series in `/metrics`; undefined when there is none. */
  readonly metric: (series: string) => Promise<number | undefined>;
  readonly logText: () => string;
  readonly logLines: () => readonly LogLine[];
  /** The log line of the request with this id. */
  readonly logLine: (requestId: string | null) => Promise<LogLine>;
  /** Returns the whole log. */
  readonly stop: () => Promise<string>;
}

export async function newService(environment: Record<string, string> = {}): Promise<TestService> {
  const folder = newFolder();
  const databasePath = join(folder.path, "messages.db");
  const logPath = join(folder.path, "log");
  const logFd = openSync(logPath, "a");
  const service = await startService(
    readSettings({
      WEBHOOK_SECRET: SECRET,
      DATABASE_URL: `sqlite:///${databasePath}`,
      PORT: "0",
      ...environment,
    }),
    { logFd },
  );
  const url = `http://127.0.0.1:${service.port}`;
  const readUrl = service.readPort === undefined ? url : `http://127.0.0.1:${service.readPort}`;
  const authorization: Record<string, string> =
    environment["API_TOKEN"] === undefined ? {} : { Authorization: `Bearer ${environment["API_TOKEN"]}` };
  const logText = () => readFileSync(logPath, "utf8");
  const logLines = () =>
    logText()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as LogLine);
  return {
    url,
    port: service.port,
    readUrl,
    databasePath,
    post: (body, headers = {}) => {
      const bytes = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
      return fetch(`${url}/webhook`, {
        method: "POST",
        body: bytes,
        headers: { "X-Signature": sign(SECRET, bytes), ...headers },
      });
    },
    get: (path, init = {}) =>
      fetch(`${readUrl}${path}`, {
        redirect: "manual",
        ...init,
        headers: { ...authorization, ...init.headers },
      }),
    rows: () => {
      using file = new Database(databasePath, { readonly: true });
      const sql = `select message_id, from_msisdn as "from", to_msisdn as "to", ts, text from messages order by seq`;
      return file.query<Message, []>(sql).all();
    },
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
      closeSync(logFd);
      folder.remove();
      return log;
    },
  };
}

/** READ_PORT takes no 0, so one is found by listening for a moment. */
export function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = server;
  server.stop(true);
  return port;
}
