/** Where deliveries go, and where they never go. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { openHttpSink } from "../../src/follow/deliver/http-sink.ts";
import type { Attempt } from "../../src/follow/deliver/sink.ts";
import { steeredClock } from "../steered-clock.ts";
import { ABOUT } from "./destination.ts";
import { answers, newReceiver, type Receiver } from "./receiver.ts";

const attempt: Attempt = { id: "evt_1", number: 1, isReplay: false, body: "{}", about: ABOUT };
const going = new AbortController().signal;

let inside: Receiver;
beforeEach(async () => {
  inside = await newReceiver();
});
afterEach(() => inside.close());

/** A sink to a host at the port of the receiver inside. */
function sinkTo(host: string, addresses: readonly (readonly string[])[] = [], allowPrivate = false) {
  const clock = steeredClock();
  const asked: string[] = [];
  const sink = openHttpSink({
    ...{ url: new URL(`http://${host}:${inside.port}/`), secrets: ["s"], timeoutMs: 1e9, version: "1" },
    ...{ allowPrivate, clock },
    resolve: async (name) => {
      const found = addresses[Math.min(asked.length, addresses.length - 1)];
      asked.push(name);
      if (found === undefined) throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
      return found;
    },
  });
  return { ...sink, clock, asked };
}

describe("a private address is refused before anything is sent", () => {
  test.each([
    ...["127.0.0.1", "127.0.0.1.", "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "127.1", "0"],
    ...["127。0。0。1", "１２７.0.0.1", "%31%32%37.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]"],
    ...["10.0.0.1", "169.254.169.254", "2852039166", "100.100.100.200", "[fd00:ec2::254]"],
  ])("written as %s", async (host) => {
    const sink = sinkTo(host);
    expect(await sink.send(attempt, going)).toMatchObject({
      isDelivered: false,
      status: null,
      cause: "address",
    });
    expect(sink.asked).toEqual([]);
    expect(inside.received).toEqual([]);
  });

  test.each([
    "127.0.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1 2002:7f00:1::",
    "100.64.0.1 fc00::1 0.0.0.0",
    "fe80::1%lo 127.0.0.1",
  ])("behind a name: %s", async (addresses) => {
    const sink = sinkTo("app.test", [addresses.split(" ")]);
    const outcome = await sink.send(attempt, going);
    expect(outcome).toMatchObject({ isDelivered: false, status: null, cause: "address" });
    expect((outcome as { excerpt: string }).excerpt).toContain("allow_private");
    expect(inside.received).toEqual([]);
  });

  test("behind a name that had a public one before", async () => {
    // What would go to the first one isn't sent: the attempt is over before.
    const sink = sinkTo("app.test", [["8.8.8.8"], ["127.0.0.1"]]);
    const stop = new AbortController();
    const outcome = sink.send(attempt, stop.signal);
    stop.abort();
    expect(await outcome).toMatchObject({ cause: "stopped" });
    sink.clock.advance(5000);
    expect(await sink.send(attempt, going)).toMatchObject({ cause: "address" });
    expect(sink.asked).toEqual(["app.test", "app.test"]);
    expect(inside.received).toEqual([]);
  });

  test("behind a redirect, also to the same host", async () => {
    inside.behave(answers(302, { Location: `http://localhost:${inside.port}/inside` }));
    const sink = sinkTo("127.0.0.1", [], true);
    expect(await sink.send(attempt, going)).toMatchObject({ cause: "redirect", status: 302 });
    expect(inside.received.map(({ path }) => path)).toEqual(["/"]);
  });
});

describe("what is allowed works", () => {
  test.each(["127.0.0.1", "2130706433", "127.0.0.1.", "[::ffff:127.0.0.1]"])(
    "written as %s",
    async (host) => {
      expect(await sinkTo(host, [], true).send(attempt, going)).toMatchObject({ isDelivered: true });
    },
  );

  test("the request goes to the address that was checked, whatever the name is by then", async () => {
    // The system knows no such name: one that were resolved a second time would reach nobody.
    const elsewhere = await newReceiver({ port: inside.port, address: "127.0.0.2" });
    try {
      const sink = sinkTo("rebinding.test", [["127.0.0.1"], ["127.0.0.2"]], true);
      for (let round = 0; round < 3; round++)
        expect(await sink.send(attempt, going)).toMatchObject({ isDelivered: true });
      expect(sink.asked.length).toBe(1);
      expect([inside.received.length, elsewhere.received.length]).toEqual([3, 0]);
      sink.clock.advance(5000);
      expect(await sink.send(attempt, going)).toMatchObject({ isDelivered: true });
      expect(sink.asked.length).toBe(2);
      expect([inside.received.length, elsewhere.received.length]).toEqual([3, 1]);
      expect(elsewhere.received[0]?.headers["host"]).toBe(`rebinding.test:${inside.port}`);
    } finally {
      await elsewhere.close();
    }
  });

  test("where nobody listens at one address the next one is asked, and first from then on", async () => {
    const sink = sinkTo("app.test", [["127.0.0.3", "127.0.0.4", "127.0.0.1"]], true);
    expect(await sink.send(attempt, going)).toMatchObject({ isDelivered: true });
    expect(await sink.send(attempt, going)).toMatchObject({ isDelivered: true });
    expect(inside.received.map(({ attempt }) => attempt)).toEqual([1, 1]);
    const nobody = sinkTo("app.test", [["127.0.0.3", "127.0.0.4"]], true);
    expect(await nobody.send(attempt, going)).toMatchObject({ cause: "refused", status: null });
  });

  test("no other address is asked once one has the request", async () => {
    const other = await newReceiver({ port: inside.port, address: "127.0.0.2" });
    try {
      inside.behave((answer) => void answer.socket?.destroy());
      const sink = sinkTo("app.test", [["127.0.0.1", "127.0.0.2"]], true);
      expect(await sink.send(attempt, going)).toMatchObject({ cause: "reset" });
      expect(other.received).toEqual([]);
      expect(await sink.send(attempt, going)).toMatchObject({ isDelivered: true });
      expect(other.received.length).toBe(1);
    } finally {
      await other.close();
    }
  });

  test("no proxy of the environment is asked", async () => {
    const program = `
      import { openHttpSink } from ${JSON.stringify(new URL("../../src/follow/deliver/http-sink.ts", import.meta.url).pathname)};
      import { systemClock as clock } from ${JSON.stringify(new URL("../../src/lib/clock.ts", import.meta.url).pathname)};
      const url = new URL("http://127.0.0.1:${inside.port}/");
      const sink = openHttpSink({ url, secrets: ["s"], timeoutMs: 5000, allowPrivate: true, version: "1", clock });
      const attempt = { id: "evt_1", number: 1, isReplay: false, body: "{}", about: ${JSON.stringify(ABOUT)} };
      console.log(JSON.stringify(await sink.send(attempt, new AbortController().signal)));`;
    const proxy = "http://127.0.0.1:9";
    const run = Bun.spawn([process.execPath, "-e", program], {
      env: { HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy, NO_PROXY: "" },
    });
    expect(JSON.parse(await run.stdout.text())).toMatchObject({ isDelivered: true });
  });
});

describe("a name server that", () => {
  test("fails makes attempts fail, and they succeed as soon as it is back", async () => {
    const clock = steeredClock();
    let isBack = false;
    const sink = openHttpSink({
      ...{ url: new URL(`http://app.test:${inside.port}/`), secrets: ["s"], timeoutMs: 15_000, clock },
      ...{ allowPrivate: true, version: "1" },
      resolve: async () => {
        if (!isBack) throw Object.assign(new Error("getaddrinfo EAI_AGAIN"), { code: "EAI_AGAIN" });
        return ["127.0.0.1"];
      },
    });
    expect(await sink.send(attempt, going)).toMatchObject({
      ...{ isDelivered: false, status: null, cause: "dns" },
      excerpt: "app.test isn't resolved: EAI_AGAIN",
    });
    isBack = true;
    expect(await sink.send(attempt, going)).toMatchObject({ isDelivered: true });
    sink.close();
  });

  test("never answers costs an attempt its time, and the next attempt asks anew", async () => {
    const clock = steeredClock();
    let asked = 0;
    const sink = openHttpSink({
      ...{ url: new URL(`http://app.test:${inside.port}/`), secrets: ["s"], timeoutMs: 15_000, clock },
      ...{ allowPrivate: true, version: "1" },
      resolve: () => (asked++ === 0 ? new Promise(() => undefined) : Promise.resolve(["127.0.0.1"])),
    });
    const waiting = Promise.all([sink.send(attempt, going), sink.send(attempt, going)]);
    clock.advance(15_000);
    for (const outcome of await waiting)
      expect(outcome).toMatchObject({ cause: "dns", status: null, ms: 15_000 });
    expect(await sink.send(attempt, going)).toMatchObject({ isDelivered: true });
    expect(asked).toBe(2);
    sink.close();
  });
});
