/**
 * A destination that is a stream of NATS JetStream: acknowledged by the stream, which drops what it
 * has by its `Nats-Msg-Id`. Streams belong to whoever reads them: none is created.
 */
import { connect as connectTcp } from "node:net";
import type { JetStreamClient, PubAck } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { DestinationConfig } from "../../core/destination-config.ts";
import { withPort } from "../../lib/host-name.ts";
import {
  BrokerError,
  type BrokerFailure,
  brokerKind,
  brokerPlace,
  openBrokerSink,
  templateSchema,
} from "./broker-sink.ts";
import { placeOf } from "./record-template.ts";
import type { Attempt, Cause, Sink } from "./sink.ts";
import type { Surroundings } from "./sink-kind.ts";

const PORT = 4222;
/** A server that says nothing for two of these is gone. */
const PING_MS = 10_000;

export const NATS = brokerKind({
  scheme: "nats",
  description: "The server: natss:// (TLS) or nats://, with user:password@ or token@ where it asks for that.",
  path: "",
  template: "subject",
  members: {
    subject: templateSchema("The subject, which a stream has to cover", "postern.{source}.{kind}"),
  },
  advice: {
    refused: "start the server, and check the host and port of url: 4222 unless it says another one.",
    unroutable: "turn JetStream on (nats-server -js), and create a stream whose subjects cover this one.",
  },
  open: openNatsSink,
});

interface Client {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
}

const REQUEST = "RequestError";
/** Of the libraries' errors, by their names. */
const NAMES: Readonly<Record<string, Cause>> = {
  AuthorizationError: "login",
  UserAuthenticationExpiredError: "login",
  PermissionViolationError: "login",
  StreamNotFoundError: "unroutable",
  // Somebody else than a stream answers, and not by JSON.
  SyntaxError: "unroutable",
  JetStreamApiError: "rejected",
  JetStreamError: "rejected",
  InvalidArgumentError: "rejected",
  ClosedConnectionError: "reset",
  DrainingConnectionError: "reset",
  [REQUEST]: "reset",
  TimeoutError: "timeout",
};
/** Nobody answers at a subject: the library takes that for JetStream that is off. */
const NOBODY: ReadonlySet<string> = new Set(["JetStreamNotEnabled", "NoRespondersError"]);
const FIRST_WORD = "INFO";
const NO_TLS = "server does not support 'tls'";

function natsFailureOf(error: unknown): BrokerFailure | undefined {
  const { name, message, cause: inner } = error as Error;
  // What a request was ended by says more than that it was.
  const deeper = name === REQUEST && inner instanceof Error ? natsFailureOf(inner) : undefined;
  const cause = message === NO_TLS ? "tls" : NAMES[name];
  return deeper ?? (cause === undefined ? undefined : { cause, detail: message });
}

function openNatsSink(config: DestinationConfig, surroundings: Surroundings): Sink {
  const { subject = "" } = config.options as Readonly<Record<string, string>>;
  return openBrokerSink<Client>(config, surroundings, {
    connect: (ended) => connect(config, ended),
    publish: async ({ jetstream }, { id, about, body }: Attempt) => {
      const place = placeOf(subject, about);
      const options = { msgID: id, timeout: config.timeoutMs };
      const ack: Partial<PubAck> = await jetstream.publish(place, body, options).catch((error: Error) => {
        throw NOBODY.has(error.name)
          ? new BrokerError("unroutable", `no stream covers ${place}, or JetStream is off`)
          : error;
      });
      if (ack.stream === undefined)
        throw new BrokerError("unroutable", `who answers at ${place} is no stream`);
    },
    close: ({ connection }) => connection.close(),
    failureOf: natsFailureOf,
  });
}

async function connect({ url, timeoutMs }: DestinationConfig, ended: () => void): Promise<Client> {
  const [{ connect }, { jetstream }] = await Promise.all([
    import("@nats-io/transport-node"),
    import("@nats-io/jetstream"),
  ]);
  const { host, port = PORT, user, password } = brokerPlace(url);
  await greeted(host, port, timeoutMs);
  const connection = await connect({
    ...{ servers: withPort(host, port), name: "postern" },
    ...(password !== "" ? { user, pass: password } : user !== "" ? { token: user } : {}),
    // Without it TLS is used where the server offers it.
    ...(url.startsWith("natss:") && { tls: {} }),
    ...{ timeout: timeoutMs, reconnect: false, pingInterval: PING_MS, ignoreClusterUpdates: true },
  });
  void connection.closed().then(ended);
  return { connection, jetstream: jetstream(connection, { timeout: timeoutMs }) };
}

/**
 * Resolves when the server has said something, as it does first. The library leaves the connection
 * to one that doesn't open.
 */
async function greeted(host: string, port: number, timeoutMs: number): Promise<void> {
  const greeting = Promise.withResolvers<void>();
  const socket = connectTcp({ host, port });
  const end = (cause: Cause) => () =>
    greeting.reject(new BrokerError(cause, "before the server's first word"));
  socket.on("error", greeting.reject).on("data", (bytes) => {
    const word = bytes.toString("latin1").slice(0, FIRST_WORD.length);
    if (FIRST_WORD.startsWith(word)) greeting.resolve();
    else greeting.reject(new BrokerError("answer", "no NATS"));
  });
  socket.on("close", end("reset")).setTimeout(timeoutMs, end("timeout"));
  try {
    await greeting.promise;
  } finally {
    socket.destroy();
  }
}
