/** Answers that go on, by routes of the test's own and real sockets. */
import { afterEach, expect, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import type { StreamAnswer } from "../../src/lib/route.ts";
import { openSockets, peerName } from "../../src/lib/sockets.ts";
import { head, Wire } from "../http/wire.ts";
import { steeredClock } from "../steered-clock.ts";
import { until } from "../until.ts";
import { type RoutesServer, serveRoutes, streamRoute } from "./routes-server.ts";

let server: RoutesServer;
afterEach(() => server.stop());

const PIECE_BYTES = 16_384;
const encoder = new TextEncoder();
const headers = { "Content-Type": "text/event-stream" };

/** A stream whose pieces a test gives, and what became of it. */
class Steered implements StreamAnswer {
  readonly headers = headers;
  signal: AbortSignal | undefined;
  asked = 0;
  endings = 0;
  readonly #given: (() => Promise<Uint8Array | undefined>)[] = [];
  #wake = Promise.withResolvers<void>();

  give(...pieces: (string | undefined | Error)[]): void {
    for (const piece of pieces)
      this.#given.push(async () => {
        if (piece instanceof Error) throw piece;
        return piece === undefined ? undefined : encoder.encode(piece);
      });
    this.#wake.resolve();
  }

  async next(signal: AbortSignal): Promise<Uint8Array | undefined> {
    this.signal = signal;
    this.asked++;
    signal.addEventListener("abort", () => this.#wake.resolve(), { once: true });
    while (this.#given.length === 0 && !signal.aborted) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
    return this.#given.shift()?.();
  }

  ended() {
    this.endings++;
    return { records: 7 };
  }
}

/** One that always has a piece. */
const flood = (): StreamAnswer => ({
  headers,
  next: async () => new Uint8Array(PIECE_BYTES).fill(120),
  ended: () => ({}),
});

/** The server and one stream that the test steers. */
function serveSteered(options?: Parameters<typeof serveRoutes>[1]): Steered {
  const answer = new Steered();
  server = serveRoutes([streamRoute(() => answer)], options);
  return answer;
}

async function opened(answer: Steered): Promise<Wire> {
  const wire = await Wire.connect(server.port);
  answer.give("first");
  await wire.send(head("GET /stream"));
  await until("the first piece", () => wire.text().includes("first"));
  return wire;
}

const linesOf = (path: string) => server.logLines().filter((line) => line["path"] === path);
const nothingIsOpen = () => server.streams.size === 0 && server.dispatch.inFlight() === 0;

test("a stream goes on piece by piece until its route ends it; one line says that it opened and one what became of it", async () => {
  const answer = serveSteered();
  const wire = await opened(answer);
  expect([server.streams.size, server.dispatch.inFlight(), linesOf("/stream").length]).toEqual([1, 1, 0]);
  answer.give("second");
  await until("the second piece", () => wire.text().includes("second"));
  expect(await server.metrics.expose()).toContain("postern_streams 1\n");
  answer.give(undefined);
  const received = await wire.answer();
  expect([received?.status, received?.headers["content-type"], received?.body]).toEqual([
    200,
    "text/event-stream",
    "firstsecond",
  ]);
  await until("it has ended", nothingIsOpen);
  const end = await server.endOfStream();
  const [opening] = linesOf("/stream");
  expect(opening).toMatchObject({ level: "INFO", status: 200, stream: true, client: "127.0.0.1" });
  expect(opening?.["request_id"]).toBe(received?.headers["x-request-id"] ?? "");
  expect(end).toMatchObject({ level: "INFO", ended_by: "end", bytes: 11, records: 7 });
  expect(end["request_id"]).toBe(opening?.["request_id"] ?? "");
  expect(end["duration_ms"]).toBeGreaterThanOrEqual(0);
  expect(await server.metrics.expose()).toContain(
    'http_requests_total{method="GET",path="/stream",status="200"} 1\n',
  );
  expect(answer.endings).toBe(1);
});

test("a client that leaves ends its stream, and the route is told", async () => {
  const answer = serveSteered();
  (await opened(answer)).end();
  expect(await server.endOfStream()).toMatchObject({ level: "INFO", ended_by: "client" });
  await until("it has ended", nothingIsOpen);
  expect([answer.signal?.aborted, answer.endings]).toEqual([true, 1]);
});

test("a client that leaves before the route answers leaves nothing behind", async () => {
  const answering = Promise.withResolvers<void>();
  const answer = new Steered();
  const route = streamRoute(() => answer);
  let came = false;
  server = serveRoutes([
    {
      ...route,
      handle: async (exchange) => {
        came = true;
        await answering.promise;
        return exchange.stream(answer);
      },
    },
  ]);
  const wire = await Wire.connect(server.port);
  await wire.send(head("GET /stream"));
  await until("the request is there", () => came);
  wire.end();
  await Bun.sleep(50);
  answering.resolve();
  expect(await server.endOfStream()).toMatchObject({ ended_by: "client", bytes: 0 });
  await until("it has ended", nothingIsOpen);
  expect(answer.endings).toBe(1);
});

test("a piece that can't be made ends the stream, and the log says why and the client doesn't", async () => {
  const answer = serveSteered();
  const wire = await opened(answer);
  answer.give(new Error("the disk is gone"));
  expect((await wire.answer())?.body).toBe("first");
  expect(await server.endOfStream()).toMatchObject({
    level: "ERROR",
    ended_by: "error",
    error: "Error: the disk is gone",
    records: 7,
  });
  await until("it has ended", nothingIsOpen);
  expect(answer.endings).toBe(1);
});

test("a HEAD gets a stream's headers and opens nothing", async () => {
  const answer = serveSteered();
  const wire = await Wire.connect(server.port);
  await wire.send(head("HEAD /stream"));
  const received = await wire.answer({ toHead: true });
  expect([received?.status, received?.headers["content-type"]]).toEqual([200, "text/event-stream"]);
  await until("nothing is open", nothingIsOpen);
  expect([answer.asked, answer.endings]).toEqual([0, 1]);
  wire.end();
});

test("beyond STREAMS_MAX a stream is refused with 503 and Retry-After, until another one ends", async () => {
  const answers: Steered[] = [];
  server = serveRoutes(
    [
      streamRoute(() => {
        const answer = new Steered();
        answer.give("first");
        answers.push(answer);
        return answer;
      }),
    ],
    { streamsMax: 2 },
  );
  const ask = () => fetch(`${server.url}/stream`);
  const open = [await ask(), await ask()];
  const refused = await ask();
  expect([refused.status, refused.headers.get("Retry-After"), await refused.json()]).toEqual([
    503,
    "5",
    { detail: "too many streams" },
  ]);
  expect([answers[2]?.endings, server.dispatch.inFlight()]).toEqual([1, 2]);
  await open[0]?.body?.cancel();
  await until("one has ended", () => server.streams.size === 1);
  expect((await ask()).status).toBe(200);
});

test("a stop ends streams at once, waits for what they still make, and opens none", async () => {
  const answer = serveSteered();
  const wire = await opened(answer);
  const making = Promise.withResolvers<Uint8Array>();
  answer.next = () => making.promise;
  answer.give("second");
  await until("the second piece", () => wire.text().includes("second"));
  server.streams.close();
  expect((await wire.answer())?.body).toBe("firstsecond");
  expect([server.streams.size, server.dispatch.inFlight(), answer.endings]).toEqual([0, 1, 1]);
  making.resolve(encoder.encode("nobody wants it"));
  await until("nothing is under way", nothingIsOpen);
  expect(await server.endOfStream()).toMatchObject({ level: "INFO", ended_by: "shutdown" });
  const refused = await fetch(`${server.url}/stream`);
  expect([refused.status, await refused.json()]).toEqual([503, { detail: "shutting down" }]);
  expect(answer.endings).toBe(2);
});

test("a stream outlives the time after which a silent connection is closed, and its connection doesn't outlive the stream for long", async () => {
  const idleTimeoutS = 1;
  const answer = new Steered();
  const silent = { ...streamRoute(flood, "/silent"), handle: () => new Promise<Response>(() => undefined) };
  server = serveRoutes([streamRoute(() => answer), silent], { idleTimeoutS });
  const wire = await opened(answer);
  const other = await Wire.connect(server.port);
  await other.send(head("GET /silent"));
  await until("a silent connection is closed", () => other.closed);
  answer.give("still there", undefined);
  expect((await wire.answer())?.body).toBe("firststill there");
  await until("its connection is closed", () => wire.closed);
}, 120_000);

/** A client that asks and reads nothing. */
async function stuckClient(path: string): Promise<Socket> {
  const socket = createConnection({ port: server.port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  socket.pause();
  await until("connected", () => !socket.connecting);
  socket.write(head(`GET ${path}`));
  return socket;
}

test("a client that takes nothing for a minute is closed, one whose system still acknowledges bytes is not", async () => {
  const clock = steeredClock();
  const asked = { last: 0 };
  const counted = (): StreamAnswer => ({
    ...flood(),
    next: async () => {
      asked.last = performance.now();
      return new Uint8Array(PIECE_BYTES);
    },
  });
  let acked = 0;
  const sockets = openSockets();
  const connections = () =>
    (sockets?.connectionsTo([server.port], 1024) ?? []).map((each) =>
      each.peer === peerName("127.0.0.1", slow.localPort ?? 0) ? { ...each, ackedBytes: acked } : each,
    );
  server = serveRoutes([streamRoute(counted), streamRoute(counted, "/slow")], { clock, connections });
  const stuck = await stuckClient("/stream");
  const slow = await stuckClient("/slow");
  await until(
    "both have all that they don't take",
    () => asked.last > 0 && performance.now() - asked.last > 500,
  );
  for (let seconds = 0; seconds < 75; seconds += 5) {
    acked += 1000;
    clock.advance(5000);
  }
  expect(server.streams.size).toBe(1);
  expect(await server.endOfStream()).toMatchObject({ level: "WARN", path: "/stream", ended_by: "slow" });
  await until(
    "its connection is closed",
    () => !connections().some(({ peer }) => peer === peerName("127.0.0.1", stuck.localPort ?? 0)),
  );
  clock.advance(75_000);
  expect(server.streams.size).toBe(0);
  stuck.destroy();
  slow.destroy();
}, 120_000);

test("a stream on which nothing happens is not one whose client takes nothing", async () => {
  const clock = steeredClock();
  const answer = serveSteered({ clock });
  const wire = await opened(answer);
  clock.advance(3_600_000);
  answer.give("an hour later");
  await until("the next piece", () => wire.text().includes("an hour later"));
  wire.end();
});

test("five thousand requests that open a stream and drop it leave nothing behind", async () => {
  const answers = { made: 0, ended: 0 };
  const signals = new Set<AbortSignal>();
  server = serveRoutes([
    streamRoute(() => {
      answers.made++;
      let first = true;
      return {
        headers,
        next: (signal) => {
          if (first) {
            first = false;
            return Promise.resolve(encoder.encode("first"));
          }
          signals.add(signal);
          return new Promise((resolve) =>
            signal.addEventListener("abort", () => {
              signals.delete(signal);
              resolve(undefined);
            }),
          );
        },
        ended: () => {
          answers.ended++;
          return {};
        },
      };
    }),
  ]);
  const drop = () =>
    new Promise<void>((resolve) => {
      const socket = createConnection({ port: server.port, host: "127.0.0.1" }, () => {
        socket.write(head("GET /stream"));
      });
      socket.on("data", () => socket.destroy());
      socket.on("close", () => resolve());
      socket.on("error", () => undefined);
    });
  const drops = async (count: number) => {
    for (let index = 0; index < count; index += 50) await Promise.all(Array.from({ length: 50 }, drop));
    await until("all have ended", () => nothingIsOpen() && signals.size === 0);
    Bun.gc(true);
    return process.memoryUsage.rss();
  };
  // What is left behind is left by each round; what else runs in this process grows in some alone.
  const rounds = 4;
  const resident = [await drops(5000)];
  for (let round = 0; round < rounds; round++) resident.push(await drops(5000));
  const grownMiB = resident.slice(1).map((bytes, index) => (bytes - (resident[index] ?? 0)) / 1024 / 1024);
  expect(answers).toEqual({ made: 5000 * (rounds + 1), ended: 5000 * (rounds + 1) });
  expect(Math.min(...grownMiB)).toBeLessThan(8);
}, 120_000);
