/** `GET /log/stream`: the log as it grows, as Server-Sent Events and as lines of JSON. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { message } from "../messages.ts";
import { steeredClock } from "../steered-clock.ts";
import { until } from "../until.ts";
import { openStream } from "./event-stream.ts";
import { META, metaPost, status, text } from "./meta-posts.ts";
import { newService, type TestService } from "./service.ts";

const LINES = { headers: { Accept: "application/x-ndjson" } };

let service: TestService;
beforeAll(async () => {
  service = await newService({}, { sources: { wa: META } });
  await service.post(message("n1"));
  await service.send("/webhook/wa", metaPost([text("m1")], [status("m1")]));
  await service.post(message("n2"));
});
afterAll(() => service.stop());

const open = (query: string, init?: RequestInit) => openStream(`${service.url}/log/stream${query}`, init);
const page = async (query: string) =>
  (await (await service.get(`/log${query}`)).json()) as { data: { position: string }[]; next: string };
const ids = (records: readonly Readonly<Record<string, string | null>>[]) =>
  records.map((record) => record["message_id"]);

describe("Server-Sent Events", () => {
  test("are each record of the page, with its position as id, then each new one", async () => {
    const stream = await open("?kinds=all");
    expect(Object.fromEntries(stream.response.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
    await stream.has(4);
    expect(stream.events[0]).toMatchObject({ retry: "2000" });
    const { data } = await page("?kinds=all");
    expect(stream.records() as unknown).toEqual(data);
    const shown = stream.events.filter(({ data }) => data !== undefined);
    expect(shown.map(({ id }) => id)).toEqual(data.map(({ position }) => position));
    expect(shown.map(({ event }) => event)).toEqual(["message", "message", "event", "message"]);
    await service.post(message("n3"));
    await stream.has(5);
    expect(ids(stream.records()).at(-1)).toBe("n3");
    stream.close();
  });

  test("tell a client that begins now where that is, so that it misses nothing when it comes again", async () => {
    const stream = await open("?after=now");
    await until("the first event", () => stream.events.length > 0);
    const { id = "" } = stream.events[0] ?? {};
    expect(id).toBe((await page("?after=now")).next);
    stream.close();
    await service.post(message("between"));
    const again = await open("", { headers: { "Last-Event-ID": id } });
    await again.has(1);
    expect(ids(again.records())).toEqual(["between"]);
    again.close();
  });

  test("go on behind Last-Event-ID, which counts before after", async () => {
    const { data } = await page("?kinds=all");
    const headers = { "Last-Event-ID": data[2]?.position ?? "" };
    const stream = await open("?after=now&kinds=all", { headers });
    await stream.has(1);
    expect(stream.records()[0] as unknown).toEqual(data[3]);
    stream.close();
    const empty = await open("?kinds=all", { headers: { "Last-Event-ID": "" } });
    await empty.has(4);
    empty.close();
  });

  test("let through what the filters say", async () => {
    const stream = await open("?after=now&from=%2B55");
    await until("the first event", () => stream.events.length > 0);
    await service.post(message("not"));
    await service.post(message("f1", { from: "+55" }));
    await service.post(message("f2", { from: "+55" }));
    await stream.has(2);
    expect(ids(stream.records())).toEqual(["f1", "f2"]);
    stream.close();
  });

  test("say of a position that doesn't hold where the log starts, then give everything from there", async () => {
    const stream = await open("?kinds=all", { headers: { "Last-Event-ID": "0000000000000000.7" } });
    await stream.has(4);
    const reset = stream.events.find(({ event }) => event === "reset");
    const start = (await service.get("/log?after=x.1").then((answer) => answer.json())) as { start: string };
    expect(reset).toEqual({ id: start.start, event: "reset", data: { start: start.start } });
    expect(ids(stream.records()).slice(0, 2)).toEqual(["n1", "wa:m1"]);
    stream.close();
  });

  test("have bodies when they are asked for, also of what comes later", async () => {
    const stream = await open("?body=true&after=now");
    await until("the first event", () => stream.events.length > 0);
    await service.send("/webhook/wa", metaPost([text("with-body")]));
    await stream.has(1);
    expect(JSON.parse(stream.records()[0]?.["body"] ?? "")).toMatchObject({ id: "with-body" });
    stream.close();
  });

  test("can have mistakes, which are 422 before the stream begins", async () => {
    for (const [query, init, loc] of [
      ["?after=x", {}, ["query", "after"]],
      ["?kinds=none", {}, ["query", "kinds"]],
      ["", { headers: { "Last-Event-ID": "not one" } }, ["header", "Last-Event-ID"]],
    ] as const) {
      const answer = await service.get(`/log/stream${query}`, init);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ detail: [{ loc }] });
    }
  });
});

describe("lines of JSON", () => {
  test("are a record each", async () => {
    const { data, next } = await page("?kinds=all&limit=3");
    const stream = await open("?kinds=all", LINES);
    expect(stream.response.headers.get("content-type")).toBe("application/x-ndjson");
    await stream.has(3);
    expect(stream.records().slice(0, 3) as unknown).toEqual(data);
    stream.close();
    const on = await open(`?kinds=all&after=${next}`, LINES);
    await on.has(1);
    expect(ids(on.records())[0]).toBe("n2");
    on.close();
  });

  test("tell a reset", async () => {
    const stream = await open("?after=x.3", LINES);
    await stream.has(2);
    expect(stream.events.find(({ event }) => event === "reset")?.data).toEqual({
      start: expect.stringMatching(/^[0-9a-f]{8}0{8}\.0$/),
    });
    stream.close();
  });
});

describe("a stream on which nothing comes", () => {
  test("has a heartbeat every 15 s, with an id where the position has moved", async () => {
    const clock = steeredClock();
    const quiet = await newService({}, { clock });
    const stream = await openStream(`${quiet.url}/log/stream?source=unknown`);
    await until("the first event", () => stream.events.length > 0);
    const beat = async (count: number) => {
      clock.advance(15_000);
      await until("a heartbeat", () => {
        clock.advance(50);
        return stream.events.length > count;
      });
      return stream.events[count];
    };
    expect(await beat(1)).toEqual({ comment: true });
    const posted = quiet.post(message("passed"));
    const passing = setInterval(() => clock.advance(25), 5);
    await posted;
    const { next } = (await (await quiet.get("/log?after=now")).json()) as { next: string };
    let moved: unknown;
    for (let count = 2; moved === undefined; count++) {
      const { id, comment } = (await beat(count)) ?? {};
      expect(comment).toBe(true);
      moved = id;
    }
    clearInterval(passing);
    expect(moved).toBe(next);
    stream.close();
    await quiet.stop();
  });
});

test("streams are counted while they are open, and what they have given", async () => {
  const counted = await newService();
  await counted.post(message("a"));
  const stream = await openStream(`${counted.url}/log/stream`);
  await stream.has(1);
  expect(await counted.metric("postern_streams")).toBe(1);
  expect(await counted.metric("postern_stream_records_total")).toBe(1);
  stream.close();
  await until("it is closed", async () => (await counted.metric("postern_streams")) === 0);
  await counted.stop();
});

test("a stream ends when the service stops, which waits for none", async () => {
  const stopping = await newService();
  const stream = await openStream(`${stopping.url}/log/stream`);
  await until("the first event", () => stream.events.length > 0);
  const began = performance.now();
  await stopping.stop();
  await stream.ended;
  expect(performance.now() - began).toBeLessThan(5000);
});
