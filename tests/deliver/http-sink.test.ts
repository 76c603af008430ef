/** What comes of an attempt, whatever a receiver does. */

import { afterEach, describe, expect, test } from "bun:test";
import { type HttpSinkOptions, openHttpSink } from "../../src/follow/deliver/http-sink.ts";
import { type Attempt, CAUSES, type Outcome, type Sink } from "../../src/follow/deliver/sink.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { freePort } from "../postgres/kept-process.ts";
import { steeredClock } from "../steered-clock.ts";
import { until } from "../until.ts";
import { newAuthority, selfSigned } from "./certificates.ts";
import { ABOUT } from "./destination.ts";
import {
  answers,
  type Behaviour,
  closes,
  closesInBody,
  closesInHead,
  dribbles,
  hangs,
  inTurn,
  neverEnds,
  newReceiver,
  type Receiver,
  writes,
  writesGarbage,
} from "./receiver.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY = JSON.stringify({ type: "message.received", data: { text: 'Grüße 🎈 "\u0000' } });
const first: Attempt = { id: "evt_0123456789abcdef", number: 1, isReplay: false, body: BODY, about: ABOUT };
const going = new AbortController().signal;

const cleanUps: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function receiver(options: Parameters<typeof newReceiver>[0] = {}): Promise<Receiver> {
  const opened = await newReceiver({ secrets: [SECRET], ...options });
  cleanUps.push(() => opened.close());
  return opened;
}

function sinkTo(url: string, options: Partial<HttpSinkOptions> = {}): Sink {
  const sink = openHttpSink({
    ...{ url: new URL(url), secrets: [SECRET], timeoutMs: 10_000, allowPrivate: true, version: "9.8.7" },
    ...{ clock: systemClock, ...options },
  });
  cleanUps.push(() => sink.close());
  return sink;
}

/** What comes of one attempt at a receiver that behaves so. */
async function outcomeOf(behaviour: Behaviour, options: Partial<HttpSinkOptions> = {}): Promise<Outcome> {
  const at = await receiver();
  at.behave(behaviour);
  return sinkTo(at.url, options).send(first, going);
}

const clockAt = (time: string) => ({ ...systemClock, now: () => Date.parse(time) });

const failed = (cause: keyof typeof CAUSES, status: number | null = null) => ({
  ...{ isDelivered: false, status, cause },
});

describe("a request", () => {
  test("is the record as JSON, with headers by which its receiver verifies it and drops doubles", async () => {
    const at = await receiver();
    const clock = clockAt("2026-11-28T10:00:00.999Z");
    const sink = sinkTo(`${at.url}/hooks/a%2Fb?x=1&y=%20`, { clock });
    expect(await sink.send(first, going)).toMatchObject({ isDelivered: true, status: 200 });
    const [got] = at.received;
    expect(got).toMatchObject({ path: "/hooks/a%2Fb?x=1&y=%20", body: BODY, attempt: 1, isReplay: false });
    expect(got?.headers).toMatchObject({
      host: `127.0.0.1:${at.port}`,
      "content-type": "application/json",
      "user-agent": "Postern/9.8.7",
      "webhook-id": first.id,
      "webhook-timestamp": "1795860000",
      "postern-attempt": "1",
    });
    expect(got?.headers["postern-replay"]).toBeUndefined();
  });

  test("is verified by the Standard Webhooks library, at each attempt and replay", async () => {
    const at = await receiver();
    const sink = sinkTo(at.url);
    await sink.send(first, going);
    await sink.send({ ...first, number: 12, isReplay: true }, going);
    expect(at.received.map(({ isVerified }) => isVerified)).toEqual([true, true]);
    expect(at.received.map(({ id }) => id)).toEqual([first.id, first.id]);
    expect(at.received[1]).toMatchObject({ attempt: 12, isReplay: true });
  });

  test("is signed with each secret, so that a receiver may know either", async () => {
    const secrets = [SECRET, "a plain secret, in UTF-8: ключ"];
    const at = await receiver({ secrets });
    await sinkTo(at.url, { secrets }).send(first, going);
    await sinkTo(at.url, { secrets: ["another one"] }).send(first, going);
    expect(at.received.map(({ isVerified }) => isVerified)).toEqual([true, false]);
    expect(at.received[0]?.headers["webhook-signature"]).toMatch(/^v1,\S+ v1,\S+$/);
  });

  test("isn't signed without a secret", async () => {
    const at = await receiver();
    await sinkTo(at.url, { secrets: [] }).send(first, going);
    expect(at.received[0]?.headers["webhook-signature"]).toBeUndefined();
  });

  test("carries the user and password of the URL, and not in its path", async () => {
    const at = await receiver();
    const url = at.url.replace("//", "//us%3Aer:p%C3%A4ss%zz@");
    await sinkTo(url).send(first, going);
    expect(at.received[0]?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from("us:er:päss%zz").toString("base64")}`,
      host: `127.0.0.1:${at.port}`,
    });
  });

  test("of 4 MiB arrives whole", async () => {
    const at = await receiver();
    const body = JSON.stringify("ä".repeat(2 * 1024 * 1024));
    expect(await sinkTo(at.url).send({ ...first, body }, going)).toMatchObject({ isDelivered: true });
    expect(at.received[0]?.body === body).toBe(true);
    expect(at.received[0]?.isVerified).toBe(true);
  });
});

describe("an answer", () => {
  test.each([200, 201, 202, 204, 299])("of %i is success", async (status) => {
    expect(await outcomeOf(answers(status, {}, ""))).toMatchObject({ isDelivered: true, status });
  });

  test.each([400, 401, 404, 409, 410, 422, 429, 500, 502, 503])("of %i is a failure", async (status) => {
    expect(await outcomeOf(answers(status, {}, "no\n\tway"))).toMatchObject({
      ...failed("status", status),
      excerpt: "no way",
    });
  });

  test.each([300, 301, 302, 303, 304, 307, 308])(
    "of %i is a failure, and nothing goes where it leads",
    async (status) => {
      const elsewhere = await receiver();
      const location = `${elsewhere.url}/secret`;
      expect(await outcomeOf(answers(status, { Location: location }, ""))).toMatchObject({
        ...failed("redirect", status),
        excerpt: `to ${location}`,
      });
      expect(elsewhere.received).toEqual([]);
    },
  );

  test.each([
    ["seconds", "120", 120_000],
    ["a date", "Sat, 28 Nov 2026 10:01:00 GMT", 60_000],
    ["a date that is over", "Sat, 28 Nov 2026 09:00:00 GMT", 0],
    ["more than a day", "999999", 86_400_000],
  ])("may say in %s when to come again", async (_, header, ms) => {
    const clock = clockAt("2026-11-28T10:00:00.000Z");
    expect(await outcomeOf(answers(429, { "Retry-After": header }), { clock })).toMatchObject({
      ...failed("status", 429),
      retryAfterMs: ms,
    });
  });

  test("that says when to come again in no known way says nothing", async () => {
    expect(await outcomeOf(answers(503, { "Retry-After": "soon" }))).not.toHaveProperty("retryAfterMs");
  });

  test("is kept as one line of at most 1 KiB of UTF-8 that no terminal obeys", async () => {
    const outcome = await outcomeOf(answers(500, {}, `\x1b[2J\0\u202e${"é".repeat(5000)}`));
    const { excerpt } = outcome as { excerpt: string };
    expect(excerpt).toStartWith("\\u001b[2J\\u0000\\u202eé");
    expect(excerpt).toEndWith("é");
    expect(Buffer.byteLength(excerpt)).toBeGreaterThan(1020);
    expect(Buffer.byteLength(excerpt)).toBeLessThanOrEqual(1024);
  });

  test("that is compressed or empty is told by its status alone", async () => {
    const encoded = answers(500, { "Content-Encoding": "gzip" }, "\x1f\x8b");
    expect(await outcomeOf(encoded)).toMatchObject({ ...failed("status", 500), excerpt: null });
    expect(await outcomeOf(answers(500, {}, ""))).toMatchObject({ excerpt: null });
  });

  test("that comes before the body was taken counts", async () => {
    const at = await receiver();
    at.behave(answers(200));
    const early = Bun.listen({
      ...{ hostname: "127.0.0.1", port: 0 },
      socket: {
        data: (socket) => void socket.end("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"),
      },
    });
    cleanUps.push(() => early.stop(true));
    const sink = sinkTo(`http://127.0.0.1:${early.port}`);
    expect(await sink.send({ ...first, body: "x".repeat(4_000_000) }, going)).toMatchObject({
      ...failed("status", 413),
      excerpt: "big",
    });
  });
});

describe("a receiver that", () => {
  test.each<[string, Behaviour, keyof typeof CAUSES]>([
    ["closes without an answer", closes, "reset"],
    ["closes within the answer's head", closesInHead, "reset"],
    ["answers garbage", writesGarbage, "answer"],
    ["claims a length that is none", writes("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), "answer"],
    ["claims a status that is none", writes("HTTP/1.1 2xx OK\r\n\r\n", "stay"), "answer"],
    [
      "sends a head of megabytes",
      writes(`HTTP/1.1 200 OK\r\n${`X: ${"x".repeat(60_000)}\r\n`.repeat(40)}`),
      "answer",
    ],
    [
      "changes the protocol",
      writes("HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "stay"),
      "answer",
    ],
  ])("%s has failed, and the cause says so", async (_, behaviour, cause) => {
    const outcome = await outcomeOf(behaviour);
    expect(outcome).toMatchObject(failed(cause));
    expect((outcome as { excerpt: string }).excerpt).toStartWith(CAUSES[cause]);
  });

  test.each<[string, Behaviour]>([
    ["never answers", hangs],
    ["sends its head byte by byte", dribbles(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}`, 5)],
  ])("%s has failed when the time is over, and not before", async (_, behaviour) => {
    const at = await receiver();
    at.behave(behaviour);
    const clock = steeredClock();
    const outcome = sinkTo(at.url, { clock, timeoutMs: 15_000 }).send(first, going);
    await until("it has the request", () => at.received.length === 1);
    clock.advance(14_999);
    expect(await Promise.race([outcome, Bun.sleep(20)])).toBeUndefined();
    clock.advance(1);
    expect(await outcome).toMatchObject({
      ...failed("timeout"),
      excerpt: "no answer within 15000 ms",
      ms: 15_000,
    });
    await until("its connection is closed", () => at.openConnections() === 0);
  });

  test("has said 2xx has taken the record, even if it closes within the body", async () => {
    expect(await outcomeOf(closesInBody)).toMatchObject({ isDelivered: true, status: 200 });
  });

  test.each([200, 500])("answers %i with a body without an end is left after 16 KiB", async (status) => {
    const at = await receiver();
    at.behave(neverEnds(status));
    // Its clock stands still, so no time ends it.
    const sink = sinkTo(at.url, { clock: steeredClock() });
    expect(await sink.send(first, going)).toMatchObject({ isDelivered: status === 200, status });
    await until("its connection is closed", () => at.openConnections() === 0);
  });

  test.each([200, 500])("answers %i and its body byte by byte is left after a second", async (status) => {
    const at = await receiver();
    at.behave(dribbles(`HTTP/1.1 ${status} x\r\n\r\n${"slow ".repeat(100_000)}`, 1));
    const clock = steeredClock();
    const outcome = sinkTo(at.url, { clock, timeoutMs: 1e9 }).send(first, going);
    let over: Outcome | undefined;
    void outcome.then((ended) => {
      over = ended;
    });
    await until("it is over", () => {
      clock.advance(100);
      return over !== undefined;
    });
    expect(await outcome).toMatchObject({ isDelivered: status === 200, status });
    if (status === 500) expect((await outcome) as object).toHaveProperty("excerpt");
    await until("its connection is closed", () => at.openConnections() === 0);
  });

  test("fails for a while is reached again as soon as it is back", async () => {
    const at = await receiver();
    at.behave(inTurn(answers(500), closes, answers(503), answers(204, {}, "")));
    const sink = sinkTo(at.url);
    const outcomes: Outcome[] = [];
    for (const number of [1, 2, 3, 4]) outcomes.push(await sink.send({ ...first, number }, going));
    expect(outcomes.map(({ status }) => status)).toEqual([500, null, 503, 204]);
  });

  test("closes a connection that was used before is asked once, and the failure is told", async () => {
    const at = await receiver();
    at.behave(inTurn(answers(200), closes, answers(200)));
    const sink = sinkTo(at.url);
    const outcomes: Outcome[] = [];
    for (const number of [1, 2, 3]) outcomes.push(await sink.send({ ...first, number }, going));
    expect(outcomes[1]).toMatchObject(failed("reset"));
    expect(at.received.map(({ attempt, connection }) => [attempt, connection])).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
    ]);
  });

  test("isn't there has failed, and is reached when it is", async () => {
    const gone = await newReceiver({ port: freePort() });
    await gone.close();
    const sink = sinkTo(gone.url);
    expect(await sink.send(first, going)).toMatchObject(failed("refused"));
    const back = await receiver({ port: gone.port });
    expect(await sink.send(first, going)).toMatchObject({ isDelivered: true });
    expect(back.received.length).toBe(1);
  });
});

describe("over TLS a receiver", () => {
  const authority = newAuthority();
  const resolve = async () => ["127.0.0.1"];

  test.each([
    ["whose certificate is good takes the record", authority.issue("app.test"), undefined],
    [
      "whose certificate is expired doesn't",
      authority.issue("app.test", "expired"),
      "certificate has expired",
    ],
    ["whose certificate is another name's doesn't", authority.issue("other.test"), "ALTNAME_INVALID"],
    ["that has signed its certificate itself doesn't", selfSigned("app.test"), "self signed certificate"],
  ])("%s", async (_, certificate, reason) => {
    const at = await receiver({ certificate });
    const sink = sinkTo(`https://app.test:${at.port}/`, { resolve, ca: authority.cert });
    const outcome = await sink.send(first, going);
    expect(outcome).toMatchObject(reason === undefined ? { isDelivered: true } : failed("tls"));
    if (!outcome.isDelivered) expect(outcome.excerpt).toContain(reason ?? "nothing");
    expect(at.received.map(({ headers }) => headers["host"])).toEqual(
      reason === undefined ? [`app.test:${at.port}`] : [],
    );
  });

  test("that an authority has signed which the system doesn't know doesn't take the record", async () => {
    const at = await receiver({ certificate: authority.issue("app.test") });
    const sink = sinkTo(`https://app.test:${at.port}/`, { resolve });
    expect(await sink.send(first, going)).toMatchObject(failed("tls"));
  });

  test("that speaks no TLS has failed, and the cause says so", async () => {
    const at = await receiver();
    const sink = sinkTo(at.url.replace("http:", "https:"));
    expect(await sink.send(first, going)).toMatchObject(failed("tls"));
  });

  test("is verified by its own name, though another one at the same address has been before", async () => {
    const at = await receiver({ certificate: authority.issue("app.test") });
    const open = (name: string) => sinkTo(`https://${name}:${at.port}/`, { resolve, ca: authority.cert });
    const [right, wrong] = [open("app.test"), open("evil.test")];
    expect(await right.send(first, going)).toMatchObject({ isDelivered: true });
    expect(await wrong.send(first, going)).toMatchObject(failed("tls"));
    expect(await right.send(first, going)).toMatchObject({ isDelivered: true });
    expect(at.received.map(({ connection }) => connection)).toEqual([1, 1]);
  });
});

describe("an attempt", () => {
  test("that is stopped says so at once, and its connection is closed", async () => {
    const at = await receiver();
    at.behave(hangs);
    const stop = new AbortController();
    const outcome = sinkTo(at.url).send(first, stop.signal);
    await until("it has the request", () => at.received.length === 1);
    stop.abort();
    expect(await outcome).toMatchObject(failed("stopped"));
    await until("its connection is closed", () => at.openConnections() === 0);
  });

  test("that is stopped before it begins sends nothing", async () => {
    const at = await receiver();
    const outcome = await sinkTo(at.url).send(first, AbortSignal.abort());
    expect(outcome).toMatchObject(failed("stopped"));
    expect(at.received).toEqual([]);
  });

  test("ends when the sink is closed, and connections that idle do", async () => {
    const at = await receiver();
    const sink = sinkTo(at.url);
    await sink.send(first, going);
    expect(at.openConnections()).toBe(1);
    at.behave(hangs);
    const outcome = sink.send(first, going);
    await until("it has the request", () => at.received.length === 2);
    sink.close();
    expect(await outcome).toMatchObject(failed("stopped"));
    await until("no connection is left", () => at.openConnections() === 0);
    expect(await sink.send(first, going)).toMatchObject(failed("stopped"));
  });

  test("uses a connection that is there already, whatever came before on it", async () => {
    const at = await receiver();
    const sink = sinkTo(at.url);
    at.behave(
      inTurn(answers(200), answers(500), answers(302, { Location: "/" }), answers(204, {}, ""), answers(410)),
    );
    for (let number = 1; number <= 5; number++) await sink.send({ ...first, number }, going);
    expect(at.received.map(({ connection }) => connection)).toEqual([1, 1, 1, 1, 1]);
  });

  test("leaves no connection and no listener behind, however it ends", async () => {
    const at = await receiver();
    const ways: Behaviour[] = [answers(200), answers(500), closes, closesInHead, closesInBody, writesGarbage];
    const listening = new Set<unknown>();
    const signal = new AbortController().signal;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (type: string, listener: never) => {
      listening.add(listener);
      add(type, listener);
    };
    signal.removeEventListener = (type: string, listener: never) => {
      listening.delete(listener);
      remove(type, listener);
    };
    const sink = sinkTo(at.url);
    let asked = 0;
    at.behave((answer, received) => (ways[asked++ % ways.length] ?? closes)(answer, received));
    for (let round = 0; round < 40; round++) await Promise.all(ways.map(() => sink.send(first, signal)));
    expect(at.received.length).toBe(240);
    expect(listening.size).toBe(0);
    await until("no more than idle ones are open", () => at.openConnections() <= 2 * ways.length);
    sink.close();
    await until("none is open", () => at.openConnections() === 0);
  });
});
