/**
 * A destination that is an exchange of RabbitMQ, or of another broker with AMQP 0-9-1: persistent
 * messages, confirmed by the broker. Nothing is declared there: queues and bindings belong to
 * whoever reads them.
 */
import { isIP, type Socket } from "node:net";
import type { Channel, Connection, ReturnedMessage } from "rabbitmq-client";
import type { DestinationConfig } from "../../core/destination-config.ts";
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

const [PORT, TLS_PORT] = [5672, 5671];
/** As in RabbitMQ's own clients. */
const GUEST = "guest";
/** It is connected anew by the next attempt, not by the library. */
const NEVER_MS = 2 ** 31 - 1;
/** What a broker says is in frames of 8 KiB, once that is agreed upon. */
const FRAME_BYTES_MAX = 1024 * 1024;

export const AMQP = brokerKind({
  scheme: "amqp",
  description:
    "The broker and its virtual host: amqps:// or amqp://, such as amqps://user:password@rabbit.example.com/vhost; %2F is the virtual host /.",
  path: "[^\\s/?#]*",
  template: "routing_key",
  members: {
    exchange: {
      type: "string",
      pattern: "^[A-Za-z0-9_.:-]{0,127}$",
      description:
        "The exchange, which has to be there; empty for the default one, whose routing keys are queues.",
      default: "postern",
    },
    routing_key: templateSchema("The routing key", "{source}.{kind}"),
    unroutable: {
      enum: ["fail", "drop"],
      description: "What becomes of a record that no queue takes: it is tried again, or counts as delivered.",
      default: "fail",
    },
  },
  advice: {
    refused: "start the broker, and check the host and port of url: 5671 with amqps://, 5672 with amqp://.",
    unroutable: "create the exchange, and a queue that is bound to it by the routing key.",
    timeout:
      "look at the broker's alarms: it takes nothing while its memory or disk is short. Where no connection was made, " +
      "check the port of url, and whether it speaks TLS as url says.",
  },
  open: openAmqpSink,
});

interface Client {
  readonly connection: Connection;
  readonly channel: Channel;
  /** How often a message came back that nothing takes, by its number here. */
  readonly returned: Set<string>;
  /** Why the broker takes nothing for now. */
  blocked: string | undefined;
  /** Why the broker closed the channel, where that holds for whatever goes to the exchange. */
  closedFor: unknown;
}

/** Of the library's errors, which have the words of AMQP. */
const CODES: Readonly<Record<string, Cause>> = {
  NACK: "rejected",
  PRECONDITION_FAILED: "rejected",
  CONTENT_TOO_LARGE: "rejected",
  NOT_FOUND: "unroutable",
  NO_ROUTE: "unroutable",
  ACCESS_REFUSED: "login",
  NOT_ALLOWED: "login",
  CONNECTION_FORCED: "reset",
  CONN_CLOSE: "reset",
  CH_CLOSE: "reset",
  CLOSING: "reset",
  READ_END: "reset",
  ERR_STREAM_DESTROYED: "reset",
  SOCKET_TIMEOUT: "timeout",
  CONNECTION_TIMEOUT: "timeout",
  TIMEOUT: "timeout",
  VERSION_MISMATCH: "answer",
  FRAME_ERROR: "answer",
  CODEC: "answer",
  COMMAND_INVALID: "answer",
  UNEXPECTED_FRAME: "answer",
};

const CLOSED = "CH_CLOSE";
const OF_EXCHANGE: ReadonlySet<string> = new Set(["NOT_FOUND", "ACCESS_REFUSED"]);

function amqpFailureOf(error: unknown): BrokerFailure | undefined {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  const cause = CODES[code ?? ""];
  // It names what was refused, where it knows.
  const words = message?.replace(/^undefined: /, "") ?? "";
  return cause === undefined ? undefined : { cause, detail: `${code}: ${words}` };
}

function openAmqpSink(config: DestinationConfig, surroundings: Surroundings): Sink {
  const { exchange, routing_key, unroutable } = config.options as Readonly<Record<string, string>>;
  const mandatory = unroutable !== "drop";
  let number = 0;

  async function publish(client: Client, { id, about, body, isReplay, number: attempt }: Attempt) {
    const { channel, returned } = client;
    // A message that comes back has what it was sent with, and its identifier isn't its own alone.
    const correlationId = String(++number);
    const envelope = {
      ...{ exchange: exchange ?? "", routingKey: placeOf(routing_key ?? "", about), mandatory },
      ...{ durable: true, messageId: id, correlationId, contentType: "application/json", appId: "postern" },
      headers: { "postern-attempt": attempt, ...(isReplay && { "postern-replay": true }) },
    };
    try {
      await unlessBlocked(client, () => channel.basicPublish(envelope, Buffer.from(body)));
    } catch (error) {
      const { code = "" } = error as { readonly code?: string };
      // The library tells it of the first alone, and of others on their way that it is closed.
      if (OF_EXCHANGE.has(code)) client.closedFor ??= error;
      throw code === CLOSED ? (client.closedFor ?? error) : error;
    }
    if (!mandatory) return;
    // The library tells of what came back in the turn after it has confirmed it.
    await new Promise(setImmediate);
    if (returned.delete(correlationId))
      throw new BrokerError("unroutable", `no queue is bound for ${envelope.routingKey}`);
  }

  return openBrokerSink<Client>(config, surroundings, {
    connect: (ended) => connect(config, ended),
    publish,
    close: ({ connection }) => connection.unsafeDestroy(),
    failureOf: amqpFailureOf,
  });
}

async function connect({ url, timeoutMs }: DestinationConfig, ended: () => void): Promise<Client> {
  const { Connection } = await import("rabbitmq-client");
  const isTls = url.startsWith("amqps:");
  const { host, port, user, password, path } = brokerPlace(url);
  const broken = Promise.withResolvers<never>();
  const connection = new Connection({
    ...{ hostname: host, port: port ?? (isTls ? TLS_PORT : PORT) },
    ...{ username: user || GUEST, password: user === "" ? GUEST : password, vhost: path || "/" },
    ...(isTls && { tls: isIP(host) === 0 ? { servername: host } : {} }),
    ...{ connectionTimeout: timeoutMs, acquireTimeout: timeoutMs, connectionName: "postern" },
    ...{ retryLow: NEVER_MS, retryHigh: NEVER_MS },
  });
  boundReads(connection);
  connection.on("error", (error) => {
    broken.reject(error);
    connection.unsafeDestroy();
    ended();
  });
  broken.promise.catch(() => undefined);
  const channel = await Promise.race([confirming(connection), broken.promise]);
  channel.on("close", ended);
  const client: Client = {
    ...{ connection, channel, returned: new Set<string>(), blocked: undefined, closedFor: undefined },
  };
  channel.on("basic.return", ({ correlationId = "" }: ReturnedMessage) => client.returned.add(correlationId));
  // One for each attempt.
  connection.setMaxListeners(0);
  connection.on("connection.blocked", (reason) => {
    client.blocked = reason;
  });
  connection.on("connection.unblocked", () => {
    client.blocked = undefined;
  });
  return client;
}

/**
 * Throws while the broker takes nothing, and the connection is kept: a new one would be blocked by
 * its first message, and that come again, for each attempt.
 */
async function unlessBlocked({ connection, blocked }: Client, publish: () => Promise<void>): Promise<void> {
  const stopped = Promise.withResolvers<never>();
  const stop = (why: string) => stopped.reject(new BrokerError("timeout", `it takes nothing: ${why}`));
  connection.once("connection.blocked", stop);
  if (blocked !== undefined) stop(blocked);
  try {
    await (blocked === undefined ? Promise.race([publish(), stopped.promise]) : stopped.promise);
  } finally {
    connection.off("connection.blocked", stop);
  }
}

/**
 * The library takes what any server says for frames: those of an HTTP server would have a gigabyte,
 * which its stream can't read, and it throws that where nobody catches it.
 */
function boundReads(connection: Connection): void {
  const { _socket: socket } = connection as unknown as { readonly _socket: Socket };
  const read = socket.read.bind(socket);
  socket.read = (bytes?: number) => {
    if (bytes === undefined || bytes <= FRAME_BYTES_MAX) return read(bytes);
    socket.destroy(new BrokerError("answer", "no AMQP"));
    return null;
  };
}

async function confirming(connection: Connection): Promise<Channel> {
  const channel = await connection.acquire();
  await channel.confirmSelect();
  return channel;
}
