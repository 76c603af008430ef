/** A destination that is a stream of Redis or Valkey: an entry for each record (`XADD`). */
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import type { RedisClient } from "bun";
import type { DestinationConfig } from "../../core/destination-config.ts";
import {
  type BrokerFailure,
  brokerKind,
  brokerPlace,
  openBrokerSink,
  templateSchema,
} from "./broker-sink.ts";
import { placeOf } from "./record-template.ts";
import type { Attempt, Cause, Sink } from "./sink.ts";
import type { Surroundings } from "./sink-kind.ts";

const PORT = 6379;
/** What refuses a connection does so soon. */
const REASON_MS_MAX = 1000;
const CLOSED = "ERR_REDIS_CONNECTION_CLOSED";

export const REDIS = brokerKind({
  scheme: "redis",
  description:
    "The server and the number of its database: rediss:// (TLS) or redis://, such as rediss://user:password@redis.example.com/0.",
  path: "[0-9]{0,9}",
  template: "stream",
  members: {
    stream: templateSchema("The stream's key", "postern"),
    max_length: {
      type: "integer",
      minimum: 1,
      description: "About so many entries are kept (MAXLEN ~), the oldest are deleted. Default: all.",
    },
  },
  advice: {
    refused:
      "do as the server says, where it says why; else start it, and check the host and port of url: 6379 unless it says " +
      "another one.",
    rejected: "the words above are the server's own: a key of another type, memory that is full, a replica.",
  },
  open: openRedisSink,
});

/** How what the server answers begins; any other answer is about the record. */
const ANSWERS: readonly (readonly [begins: RegExp, cause: Cause])[] = [
  [/^(?:WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/i, "login"],
  [/^[A-Z]{2,} /, "rejected"],
];
/** It was the primary when it was connected to, maybe, and keeps the connection. */
const DEMOTED = /^(?:READONLY|MASTERDOWN)/;
/** Of Bun's client. */
const CODES: Readonly<Record<string, Cause>> = {
  [CLOSED]: "reset",
  ERR_REDIS_CONNECTION_TIMEOUT: "timeout",
  ERR_REDIS_IDLE_TIMEOUT: "timeout",
  ERR_REDIS_AUTHENTICATION_FAILED: "login",
  ERR_REDIS_INVALID_RESPONSE: "answer",
};

function redisFailureOf(error: unknown): BrokerFailure | undefined {
  const { message, code = "" } = error as Error & { readonly code?: string };
  const cause = CODES[code] ?? ANSWERS.find(([begins]) => begins.test(message))?.[1];
  if (cause === undefined) return undefined;
  return { cause, detail: message, isElsewhere: DEMOTED.test(message) };
}

function openRedisSink(config: DestinationConfig, surroundings: Surroundings): Sink {
  const { options } = config;
  const { stream, max_length } = options as { readonly stream: string; readonly max_length?: number };
  const trim = max_length === undefined ? [] : ["MAXLEN", "~", String(max_length)];
  return openBrokerSink<RedisClient>(config, surroundings, {
    connect: (ended) => connect(config, ended),
    publish: (client, { id, about, body, isReplay }: Attempt) => {
      const fields = ["id", id, ...(isReplay ? ["replay", "true"] : []), "body", body];
      return client.send("XADD", [placeOf(stream, about), ...trim, "*", ...fields]);
    },
    close: (client) => client.close(),
    failureOf: redisFailureOf,
  });
}

async function connect({ url, timeoutMs }: DestinationConfig, ended: () => void): Promise<RedisClient> {
  const more = { autoReconnect: false, maxRetries: 0, enableOfflineQueue: false };
  const client = new Bun.RedisClient(url, { connectionTimeout: timeoutMs, ...more });
  client.onclose = ended;
  const { path } = brokerPlace(url);
  try {
    await client.connect();
    // The client goes on before it knows whether there is that database, and would write to 0.
    if (Number(path) > 0) await client.send("SELECT", [path]);
    return client;
  } catch (error) {
    client.close();
    // The client says no more than that the connection is closed.
    if ((error as { readonly code?: string }).code === CLOSED) await connectOnce(url);
    throw error;
  }
}

/** Throws why no connection can be made, by what the server answers at its beginning. */
async function connectOnce(url: string): Promise<void> {
  const { host, port = PORT, user, password, path } = brokerPlace(url);
  const done = Promise.withResolvers<void>();
  const login = password === "" ? [] : [["AUTH", ...(user === "" ? [] : [user]), password]];
  const commands = [...login, ["SELECT", path === "" ? "0" : path]];
  const ask = () => socket.write(commands.map(commandText).join(""));
  const socket = url.startsWith("rediss:")
    ? connectTls({ host, port, servername: isIP(host) === 0 ? host : "" })
    : connectTcp({ host, port }, ask);
  socket.on("secureConnect", () => {
    if (socket instanceof TLSSocket && socket.authorized) ask();
  });
  let answer = "";
  socket.on("data", (bytes) => {
    answer += bytes.toString("latin1");
    const refusal = /^-(.*)\r\n/m.exec(answer)?.[1];
    if (refusal !== undefined) done.reject(new Error(refusal));
    if (answer.split("\r\n").length > commands.length) done.resolve();
  });
  socket.on("error", done.reject);
  socket.on("close", () => done.resolve());
  socket.setTimeout(REASON_MS_MAX, () => done.resolve());
  try {
    await done.promise;
  } finally {
    socket.destroy();
  }
}

/** As the protocol has it (RESP). */
function commandText(words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}
