/**
 * Every kind of broker as a test meets it: a server, where a destination leads to, and what has
 * come there.
 */
import {
  type BrokerServer,
  NATS_SERVER,
  newNats,
  newRabbitmq,
  newRedis,
  RABBITMQ_SERVER,
  REDIS_SERVER,
  type ServerOptions,
} from "./broker-servers.ts";

/** What a reader is given. */
interface Arrived {
  readonly id: string;
  readonly body: string;
  /** Subject, routing key or stream. */
  readonly place: string;
  /** What else the broker was told. */
  readonly more?: Readonly<Record<string, unknown>>;
}

interface BrokerKind {
  readonly name: "amqp" | "nats" | "redis";
  readonly isInstalled: boolean;
  readonly newServer: (options?: ServerOptions) => Promise<BrokerServer>;
  /** Its members in a configuration file, and where that leads for a message of `POST /webhook`. */
  readonly members: Readonly<Record<string, string>>;
  readonly place: string;
  /** Makes what takes records: a queue with its binding, or a stream. The URL has credentials. */
  readonly prepare: (url: string) => Promise<void>;
  /** All that has come since it was prepared, in its order. */
  readonly arrived: (url: string) => Promise<readonly Arrived[]>;
}

const EXCHANGE = "postern";
const QUEUE = "all";
const STREAM = "POSTERN";
/** Messages that are asked for together. */
const AT_ONCE = 500;

/** What was taken from a queue isn't there any more. */
const taken = new Map<string, Arrived[]>();

async function rabbit<T>(
  url: string,
  use: (channel: import("rabbitmq-client").Channel) => Promise<T>,
): Promise<T> {
  const { Connection } = await import("rabbitmq-client");
  const connection = new Connection(url.includes("@") ? url : url.replace("://", "://guest:guest@"));
  connection.on("error", () => undefined);
  try {
    return await use(await connection.acquire());
  } finally {
    connection.unsafeDestroy();
  }
}

async function nats<T>(
  url: string,
  use: (manager: import("@nats-io/jetstream").JetStreamManager) => Promise<T>,
): Promise<T> {
  const [{ connect }, { jetstreamManager }] = await Promise.all([
    import("@nats-io/transport-node"),
    import("@nats-io/jetstream"),
  ]);
  const { host, username, password } = new URL(url);
  const connection = await connect({
    servers: host,
    ...(password !== "" && { user: username, pass: password }),
  });
  try {
    return await use(await jetstreamManager(connection));
  } finally {
    await connection.close();
  }
}

export const BROKERS: readonly BrokerKind[] = [
  {
    ...{ name: "amqp", isInstalled: RABBITMQ_SERVER !== undefined, newServer: newRabbitmq },
    ...{ members: { exchange: EXCHANGE, routing_key: "{source}.{kind}" }, place: "native.message" },
    prepare: (url) =>
      rabbit(url, async (channel) => {
        await channel.exchangeDeclare({ exchange: EXCHANGE, type: "topic", durable: true });
        await channel.queueDeclare({ queue: QUEUE, durable: true });
        for (const routingKey of ["*.message", "*.status"])
          await channel.queueBind({ exchange: EXCHANGE, queue: QUEUE, routingKey });
      }),
    arrived: (url) =>
      rabbit(url, async (channel) => {
        const found = taken.get(url) ?? [];
        taken.set(url, found);
        for (;;) {
          const message = await channel.basicGet({ queue: QUEUE, noAck: true });
          if (message === undefined) return found;
          const { messageId: id = "", routingKey: place, contentType, durable, headers } = message;
          found.push({
            id,
            body: JSON.stringify(message.body),
            place,
            more: { contentType, durable, headers },
          });
        }
      }),
  },
  {
    ...{ name: "nats", isInstalled: NATS_SERVER !== undefined, newServer: newNats },
    ...{ members: { subject: "postern.{source}.{kind}" }, place: "postern.native.message" },
    prepare: (url) =>
      nats(url, async ({ streams }) => {
        await streams.add({ name: STREAM, subjects: ["postern.>"] });
      }),
    arrived: (url) =>
      nats(url, async ({ streams }) => {
        const { last_seq } = (await streams.info(STREAM)).state;
        const messages = [];
        for (let first = 1; first <= last_seq; first += AT_ONCE) {
          const count = Math.min(AT_ONCE, last_seq + 1 - first);
          const numbers = Array.from({ length: count }, (_, index) => first + index);
          messages.push(...(await Promise.all(numbers.map((seq) => streams.getMessage(STREAM, { seq })))));
        }
        return messages.flatMap((message) =>
          message === null
            ? []
            : [{ id: message.header.get("Nats-Msg-Id"), body: message.string(), place: message.subject }],
        );
      }),
  },
  {
    ...{ name: "redis", isInstalled: REDIS_SERVER !== undefined, newServer: newRedis },
    ...{ members: { stream: "postern" }, place: "postern" },
    prepare: () => Promise.resolve(),
    arrived: async (url) => {
      const client = new Bun.RedisClient(url);
      try {
        const entries: [string, string[]][] = await client.send("XRANGE", ["postern", "-", "+"]);
        return entries.map(([, [, id = "", , body = ""]]) => ({ id, body, place: "postern" }));
      } finally {
        client.close();
      }
    },
  },
];
