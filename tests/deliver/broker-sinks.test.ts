/** What becomes of records at a real broker, and what is said of one that doesn't take them. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import type { Attempt, CAUSES, Outcome, Sink } from "../../src/follow/deliver/sink.ts";
import { openSink, sinkKindOf } from "../../src/follow/deliver/sinks.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { postern } from "../cli/postern.ts";
import { newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { type BrokerServer, newRedis, RABBITMQ_START_MS_MAX, type RabbitmqServer } from "./broker-servers.ts";
import { BROKERS } from "./brokers.ts";
import { newAuthority, selfSigned } from "./certificates.ts";
import { ABOUT, destinationTo } from "./destination.ts";

const TIMEOUT_MS = 15_000;
const PASSWORD = "hunter2hunter2";
const BODY = '{"type":"message.received","data":{"text":"Grüße 🎈"}}';
const authority = newAuthority();
const RABBIT = authority.issue("localhost");
const going = new AbortController().signal;
const servers = new Map<string, BrokerServer>();
const sinks: Sink[] = [];
let number = 0;

const attempt = (): Attempt => ({
  ...{ id: `evt_${++number}`, number: 1, isReplay: false, body: BODY, about: ABOUT },
});

function sinkTo(url: string, options: Readonly<Record<string, unknown>>, timeoutMs = TIMEOUT_MS): Sink {
  const defaults = Object.entries(sinkKindOf({ url }).members).map(([name, { default: value }]) => [
    name,
    value,
  ]);
  const all = { ...Object.fromEntries(defaults.filter(([, value]) => value !== undefined)), ...options };
  const config = destinationTo(url, { options: all, timeoutMs });
  const sink = openSink(config, { version: "1", clock: systemClock });
  sinks.push(sink);
  return sink;
}

const failed = (cause: keyof typeof CAUSES) => ({ isDelivered: false, status: null, cause });
const TAKEN = { isDelivered: true, status: null };

afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
});
afterAll(async () => {
  await Promise.all([...servers.values()].map((server) => server.remove()));
});

describe.each(BROKERS)(
  "a destination of $name",
  ({ name, isInstalled, newServer, members, place, prepare, arrived }) => {
    // RabbitMQ has a guest; the others get a user with a password.
    const user = name === "amqp" ? "guest:guest" : `postern:${PASSWORD}`;
    const server = () => servers.get(name) as BrokerServer;
    const urlOf = (login = user) => `${name}://${login === "" ? "" : `${login}@`}127.0.0.1:${server().port}`;

    beforeAll(async () => {
      if (!isInstalled) return;
      servers.set(
        name,
        await newServer({ password: PASSWORD, ...(name === "amqp" && { certificate: RABBIT }) }),
      );
      await prepare(urlOf());
    }, 2 * RABBITMQ_START_MS_MAX);

    test.if(isInstalled)("has a record with its id where the template says, once it counts", async () => {
      const sink = sinkTo(urlOf(), members);
      const first = attempt();
      expect(await sink.send(first, going)).toMatchObject(TAKEN);
      const [got] = await arrived(urlOf());
      expect(got).toMatchObject({ id: first.id, place });
      expect(JSON.parse(got?.body ?? "")).toEqual(JSON.parse(BODY));
      if (name === "amqp")
        expect(got?.more).toEqual({
          ...{ contentType: "application/json", durable: true, headers: { "postern-attempt": 1 } },
        });
    });

    test.if(isInstalled)("takes many at once", async () => {
      const sink = sinkTo(urlOf(), members);
      const sent = Array.from({ length: 300 }, attempt);
      const outcomes = await Promise.all(sent.map((each) => sink.send(each, going)));
      expect(outcomes.filter(({ isDelivered }) => !isDelivered)).toEqual([]);
      const ids = new Set((await arrived(urlOf())).map(({ id }) => id));
      expect(sent.filter(({ id }) => !ids.has(id))).toEqual([]);
    });

    test.if(isInstalled)("says that a login is refused, and not with which password", async () => {
      for (const login of ["postern:wrongwrong", name === "amqp" ? "nobody:wrongwrong" : ""]) {
        const outcome = await sinkTo(urlOf(login), members).send(attempt(), going);
        expect(outcome).toMatchObject(failed("login"));
        expect(JSON.stringify(outcome)).not.toContain("wrongwrong");
      }
    });

    test.if(isInstalled)(
      "that isn't there is refused, and reached when it is, again and again",
      async () => {
        const sink = sinkTo(urlOf(), members);
        for (const signal of name === "amqp" ? (["KILL"] as const) : (["KILL", "TERM"] as const)) {
          await server().stop(signal);
          expect(await sink.send(attempt(), going)).toMatchObject({ isDelivered: false });
          expect(await sink.send(attempt(), going)).toMatchObject(failed("refused"));
          await server().start();
          const back = attempt();
          await until("it is reached", async () => (await sink.send(back, going)).isDelivered);
          expect((await arrived(urlOf())).map(({ id }) => id)).toContain(back.id);
        }
      },
      2 * RABBITMQ_START_MS_MAX,
    );

    test("whose name isn't resolved says so", async () => {
      expect(await sinkTo(`${name}://nowhere.invalid`, members).send(attempt(), going)).toMatchObject(
        failed("dns"),
      );
    });

    test("that hangs has failed when the time is over, and keeps no connection", async () => {
      let connections = 0;
      const silent = Bun.listen({
        ...{ hostname: "127.0.0.1", port: 0 },
        socket: { open: () => void connections++, close: () => void connections--, data: () => undefined },
      });
      const sink = sinkTo(`${name}://127.0.0.1:${silent.port}`, members, 1500);
      const outcomes = await Promise.all([sink.send(attempt(), going), sink.send(attempt(), going)]);
      expect(outcomes.map((outcome) => outcome.isDelivered || outcome.cause)).toEqual(["timeout", "timeout"]);
      await sink.close();
      await until("its connections are closed", () => connections === 0);
      silent.stop(true);
    });

    test("that is stopped begins nothing more", async () => {
      const sink = sinkTo(`${name}://127.0.0.1:9`, members);
      await sink.close();
      expect(await sink.send(attempt(), going)).toMatchObject(failed("stopped"));
    });
  },
);

describe("nobody takes", () => {
  const rabbit = BROKERS[0]?.isInstalled ?? false;
  const nats = BROKERS[1]?.isInstalled ?? false;
  const redis = BROKERS[2]?.isInstalled ?? false;
  const at = (name: string, login: string) => `${name}://${login}@127.0.0.1:${servers.get(name)?.port}`;

  test.if(rabbit)("what no queue is bound for, unless it is to be dropped", async () => {
    const options = { exchange: "postern", routing_key: "elsewhere.{from}" };
    const url = at("amqp", "guest:guest");
    const sink = sinkTo(url, options);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => sink.send(attempt(), going)));
    expect(outcomes.filter((each) => each.isDelivered || each.cause !== "unroutable")).toEqual([]);
    expect((outcomes[0] as { excerpt: string }).excerpt).toContain("no queue is bound for elsewhere.-");
    expect(await sinkTo(url, { ...options, unroutable: "drop" }).send(attempt(), going)).toMatchObject(TAKEN);
  });

  test.if(rabbit)("what goes to an exchange that isn't there, and the next is told the same", async () => {
    const sink = sinkTo(at("amqp", "guest:guest"), { exchange: "nowhere", routing_key: "a" });
    for (let count = 0; count < 3; count++) {
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => sink.send(attempt(), going)));
      const excerpt = expect.stringContaining("no exchange 'nowhere'");
      expect(outcomes).toEqual(
        outcomes.map(() => expect.objectContaining({ ...failed("unroutable"), excerpt })),
      );
    }
  });

  test.if(rabbit)(
    "anything while the broker's memory is short, and its one connection takes what comes when it isn't",
    async () => {
      const { control } = servers.get("amqp") as RabbitmqServer;
      const connections = async () => (await control("list_connections", "name")).trim().split("\n").length;
      const sink = sinkTo(at("amqp", "guest:guest"), { exchange: "postern", routing_key: "a.message" });
      expect(await sink.send(attempt(), going)).toMatchObject(TAKEN);
      const before = await connections();
      const short = {
        ...failed("timeout"),
        excerpt: expect.stringContaining("it takes nothing: low on memory"),
      };
      try {
        await control("set_vm_memory_high_watermark", "absolute", "1");
        await until("it is blocked", async () => !(await sink.send(attempt(), going)).isDelivered);
        for (let count = 0; count < 5; count++)
          expect(await sink.send(attempt(), going)).toMatchObject(short);
        expect(await connections()).toBe(before);
      } finally {
        await control("set_vm_memory_high_watermark", "0.6");
      }
      await until("it is taken", async () => (await sink.send(attempt(), going)).isDelivered);
    },
    60_000,
  );

  test.if(nats)("a subject that no stream covers", async () => {
    const sink = sinkTo(at("nats", `postern:${PASSWORD}`), { subject: "elsewhere.{kind}" });
    const excerpt = expect.stringContaining("no stream covers elsewhere.message, or JetStream is off");
    expect(await sink.send(attempt(), going)).toMatchObject({ ...failed("unroutable"), excerpt });
  });

  test.if(nats)("a subject at which somebody else than a stream answers", async () => {
    const { connect } = await import("@nats-io/transport-node");
    const login = { user: "postern", pass: PASSWORD };
    const other = await connect({ servers: `127.0.0.1:${servers.get("nats")?.port}`, ...login });
    const said = ["{}", "+OK"];
    other.subscribe("service.>", { callback: (_, message) => void message.respond(said.shift()) });
    await other.flush();
    const sink = sinkTo(at("nats", `postern:${PASSWORD}`), { subject: "service.{kind}" });
    for (let count = 0; count < 2; count++)
      expect(await sink.send(attempt(), going)).toMatchObject(failed("unroutable"));
    await other.close();
  });

  test.if(nats)("a record twice within the window of a stream", async () => {
    const sink = sinkTo(at("nats", `postern:${PASSWORD}`), { subject: "postern.twice" });
    const once = attempt();
    expect(await sink.send(once, going)).toMatchObject(TAKEN);
    expect(await sink.send({ ...once, number: 2 }, going)).toMatchObject(TAKEN);
    const came = await BROKERS[1]?.arrived(at("nats", `postern:${PASSWORD}`));
    expect(came?.filter(({ id }) => id === once.id)).toHaveLength(1);
  });

  test.if(redis)("what goes to a database that there isn't, and nothing comes to another one", async () => {
    const client = new Bun.RedisClient(at("redis", `postern:${PASSWORD}`));
    const sinkOf = (base: number) =>
      sinkTo(`${at("redis", `postern:${PASSWORD}`)}/${base}`, { stream: "chosen" });
    const refused = await sinkOf(99).send(attempt(), going);
    const excerpt = expect.stringMatching(/^the server takes no connection .*DB index/);
    expect(refused).toMatchObject({ ...failed("refused"), excerpt });
    const sink = sinkOf(5);
    expect(await sink.send(attempt(), going)).toMatchObject(TAKEN);
    expect(await client.send("XLEN", ["chosen"])).toBe(0);
    await client.send("SELECT", ["5"]);
    expect(await client.send("XLEN", ["chosen"])).toBe(1);
    client.close();
  });

  test.if(redis)("what goes to a key of another type, and a stream keeps about so many", async () => {
    const url = at("redis", `postern:${PASSWORD}`);
    const client = new Bun.RedisClient(url);
    await client.set("text", "x");
    const refused = await sinkTo(url, { stream: "text" }).send(attempt(), going);
    expect(refused).toMatchObject({ ...failed("rejected"), excerpt: expect.stringContaining("WRONGTYPE") });
    const sink = sinkTo(url, { stream: "short", max_length: 100 });
    await Promise.all(Array.from({ length: 1000 }, () => sink.send(attempt(), going)));
    expect(await client.send("XLEN", ["short"])).toBeLessThan(400);
    client.close();
  });
});

test("an HTTP server at the port of a RabbitMQ says nothing that a broker would say", async () => {
  const other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const sink = sinkTo(`amqp://127.0.0.1:${other.port}`, {});
  expect(await sink.send(attempt(), going)).toMatchObject(failed("answer"));
  await sink.close();
  await other.stop(true);
});

test("a server of another kind at the port of a NATS says nothing that a broker would say", async () => {
  const other = Bun.listen({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: { open: (socket) => void socket.write("SSH-2.0-server\r\n"), data: () => undefined },
  });
  const sink = sinkTo(`nats://127.0.0.1:${other.port}`, {});
  expect(await sink.send(attempt(), going)).toMatchObject(failed("answer"));
  await sink.close();
  other.stop(true);
});

test("a Redis that takes no connection, as it reads its log, has refused no record", async () => {
  const loading = Bun.listen({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: { data: (socket) => void socket.write("-LOADING Redis is loading the dataset in memory\r\n") },
  });
  const sink = sinkTo(`redis://127.0.0.1:${loading.port}`, { stream: "postern" });
  const outcome = await sink.send(attempt(), going);
  expect(outcome).toMatchObject({ ...failed("refused"), excerpt: expect.stringContaining("LOADING") });
  await sink.close();
  loading.stop(true);
});

test.if(BROKERS[2]?.isInstalled ?? false)(
  "a server of Redis that became a replica is left for the one that its name leads to by then",
  async () => {
    const [first, second] = await Promise.all([newRedis(), newRedis()]);
    let { port } = first;
    const name = createServer((client) => {
      const server = connect({ host: "127.0.0.1", port });
      client.on("error", () => server.destroy()).pipe(server);
      server.on("error", () => client.destroy()).pipe(client);
    }).listen(0, "127.0.0.1");
    await once(name, "listening");
    try {
      const sink = sinkTo(`redis://127.0.0.1:${(name.address() as AddressInfo).port}`, { stream: "postern" });
      expect(await sink.send(attempt(), going)).toMatchObject(TAKEN);
      const admin = new Bun.RedisClient(`redis://127.0.0.1:${first.port}`);
      await admin.send("REPLICAOF", ["127.0.0.1", String(second.port)]);
      admin.close();
      ({ port } = second);
      const refused = await sink.send(attempt(), going);
      expect(refused).toMatchObject({ ...failed("rejected"), excerpt: expect.stringContaining("READONLY") });
      expect(await sink.send(attempt(), going)).toMatchObject(TAKEN);
      await sink.close();
    } finally {
      name.close();
      await Promise.all([first.remove(), second.remove()]);
    }
  },
  30_000,
);

describe("over TLS", () => {
  const certificates = {
    "localhost's": { certificate: authority.issue("localhost"), isAccepted: true },
    "another name's": { certificate: authority.issue("other.test"), isAccepted: false },
    "signed by itself": { certificate: selfSigned("localhost"), isAccepted: false },
  };
  const cases = BROKERS.filter(({ name }) => name !== "amqp").flatMap((kind) =>
    Object.entries(certificates).map(([what, more]) => ({ kind, what, ...more })),
  );

  // As a user has it: the authority is one of the environment, which counts from the start.
  async function tried(
    url: string,
    members: Readonly<Record<string, string>>,
    trusted = authority.cert,
  ): Promise<Outcome> {
    const folder = newFolder();
    try {
      const lines = Object.entries(members).map(([name, value]) => `, ${name}: "${value}"`);
      const config = `destinations:\n  out: { url: "${url}", timeout: 30s${lines.join("")} }\n`;
      writeFileSync(join(folder.path, "postern.yaml"), config);
      writeFileSync(join(folder.path, "ca.pem"), trusted);
      const env = {
        POSTERN_CONFIG: join(folder.path, "postern.yaml"),
        NODE_EXTRA_CA_CERTS: join(folder.path, "ca.pem"),
      };
      const { stdout } = await postern(["deliveries", "test", "out", "--json"], { env });
      const { delivered, ...outcome } = JSON.parse(stdout) as { delivered: boolean };
      return { isDelivered: delivered, ...outcome } as Outcome;
    } finally {
      folder.remove();
    }
  }

  test.if(BROKERS[0]?.isInstalled ?? false)(
    "amqp with a certificate that is good, of another name, or whose authority nobody knows",
    async () => {
      const { tlsPort = 0 } = servers.get("amqp") as BrokerServer & { readonly tlsPort?: number };
      const members = BROKERS[0]?.members ?? {};
      const url = `amqps://localhost:${tlsPort}`;
      expect(await tried(url, members)).toMatchObject(TAKEN);
      expect(await tried(`amqps://127.0.0.1:${tlsPort}`, members)).toMatchObject(failed("tls"));
      expect(await tried(url, members, newAuthority().cert)).toMatchObject(failed("tls"));
    },
    120_000,
  );

  test.each(cases)(
    "$kind.name with a certificate that is $what",
    async ({ kind, certificate, isAccepted }) => {
      if (!kind.isInstalled) return;
      const server = await kind.newServer({ certificate });
      try {
        const outcome = await tried(`${kind.name}s://localhost:${server.port}`, kind.members);
        // No stream is there, which is known when the certificate was accepted.
        const accepted = kind.name === "nats" ? failed("unroutable") : TAKEN;
        expect(outcome).toMatchObject(isAccepted ? accepted : failed("tls"));
        const byAddress = await tried(`${kind.name}s://127.0.0.1:${server.port}`, kind.members);
        expect(byAddress).toMatchObject(failed("tls"));
      } finally {
        await server.remove();
      }
    },
    120_000,
  );
});
