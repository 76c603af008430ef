/** Destinations of a whole service: what a receiver gets, in which order, and what waits for it. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { DestinationConfig } from "../../src/core/destination-config.ts";
import { type Database, newDatabase } from "../databases/database.ts";
import { META, metaPost, status, text } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { freePort } from "../postgres/kept-process.ts";
import { steeredClock } from "../steered-clock.ts";
import { until } from "../until.ts";
import { destinationTo, FOR_LONG, SECRET } from "./destination.ts";
import { answers, type Behaviour, hangs, newReceiver, type Receiver } from "./receiver.ts";

const LONG_MS = 120_000;

interface Shown {
  readonly state: string;
  readonly reason: string | null;
  readonly position: string;
  readonly lag_records: number;
  readonly put_aside: number;
  readonly dead: number;
  readonly attempts: { readonly success: number; readonly failure: number };
}

let receiver: Receiver;
let database: Database;
let service: TestService;
beforeEach(async () => {
  receiver = await newReceiver({ secrets: [SECRET], port: freePort() });
  database = await newDatabase();
});
afterEach(async () => {
  await service.stop();
  await receiver.close();
  await database.drop();
});

const config = (more: Partial<DestinationConfig> = {}) => destinationTo(receiver.url, more);
const serve = async (...destinations: DestinationConfig[]) => {
  service = await newService({}, { database, sources: { wa: META }, destinations });
};
const restart = async (...destinations: DestinationConfig[]) => {
  await service.stop();
  await serve(...destinations);
};
const post = async (id: string, from = "+1") =>
  expect((await service.post(message(id, { from }))).status).toBe(200);
const got = () => receiver.received.map(({ body }) => JSON.parse(String(body)).data.message_id as string);
const has = (count: number) => until(`${count} requests`, () => receiver.received.length >= count);
const shown = async (name = "app") => (await (await service.get(`/destinations/${name}`)).json()) as Shown;
const ask = async (path: string, body: object = {}) => {
  const answer = await service.send(path, { body: JSON.stringify(body) });
  return [answer.status, answer.status === 204 ? undefined : await answer.json()] as [number, never];
};
const waiting = async (from: string) => {
  const query = new URLSearchParams({ state: "waiting", from, limit: "1" });
  const page = await (await service.get(`/destinations/app/failures?${query}`)).json();
  return (page as { total: number }).total;
};
/** Everything that it has before it is handed on. */
const settled = () =>
  until("everything is handed on", async () => {
    const { lag_records, put_aside } = await shown();
    return lag_records + put_aside === 0;
  });
/** By the message's id; the rest succeeds. */
const fails =
  (ids: readonly string[], how: Behaviour): Behaviour =>
  (answer, received) => {
    const { data } = JSON.parse(String(received.body));
    return (ids.includes(data.message_id) ? how : answers(200))(answer, received);
  };

describe("a destination", () => {
  test("gets each record once, in its form, and its position moves to the end", async () => {
    await serve(config({ kinds: ["message", "status"] }));
    await post("a");
    await service.send("/webhook/wa", metaPost([text("m1")], [status("m1")]));
    await has(3);
    await settled();
    expect(got()).toEqual(["a", "wa:m1", "wa:m1"]);
    const log = (await (await service.get("/log?kinds=all")).json()) as { data: object[]; next: string };
    const bodies = receiver.received.map(({ body }) => JSON.parse(String(body)));
    expect(bodies.map(({ data }) => data)).toEqual(log.data);
    expect(bodies.map(({ type }) => type)).toEqual([
      "message.received",
      "message.received",
      "message.status",
    ]);
    await until("its position is written", async () => (await shown()).position === log.next);
    expect(await shown()).toMatchObject({
      state: "ok",
      put_aside: 0,
      dead: 0,
      attempts: { success: 3, failure: 0 },
    });
  });

  test("gets what its filter lets through, and begins where it says", async () => {
    await serve();
    await post("before");
    await restart(config({ start: "now", from: "+2" }));
    await post("a", "+1");
    await post("b", "+2");
    await has(1);
    await settled();
    expect(got()).toEqual(["b"]);
  });

  test("goes on where it was after a restart, and after it was taken out of the file", async () => {
    await serve(config());
    await post("a");
    await has(1);
    await settled();
    await restart();
    await post("b");
    expect((await shown()).state).toBe("inactive");
    await restart(config());
    await has(2);
    await settled();
    expect(got()).toEqual(["a", "b"]);
  });
});

describe("a record that fails", () => {
  test("waits in memory, is tried by its schedule, and holds up nobody else's", async () => {
    await serve(config({ retryMs: FOR_LONG }));
    receiver.behave(fails(["bad"], answers(500)));
    await post("bad", "+1");
    await post("other", "+2");
    await until("it is put aside", async () => (await shown()).put_aside === 1);
    await post("behind", "+1");
    await post("again", "+2");
    await until("the others have it", () => got().includes("again"));
    expect(got()).not.toContain("behind");
    receiver.behave(answers(200));
    await settled();
    const ids = got();
    expect(ids.indexOf("behind")).toBeGreaterThan(ids.lastIndexOf("bad"));
    expect((await shown()).dead).toBe(0);
  });

  test("lets others by, however much its sender has behind it", async () => {
    await serve(config({ concurrency: 1, retryMs: FOR_LONG }));
    receiver.behave(fails(["bad"], answers(500)));
    await post("bad", "+1");
    for (let index = 0; index < 15; index++) await post(`behind-${index}`, "+1");
    await post("other", "+2");
    await until("the other has come", () => got().includes("other"));
    expect(got().filter((id) => id.startsWith("behind"))).toEqual([]);
  });

  test(
    "is tried again no faster than its destination's rate",
    async () => {
      await serve(config({ ratePerS: 20, concurrency: 8, retryMs: FOR_LONG }));
      receiver.behave((answer, received) => {
        const { from } = JSON.parse(received.body).data;
        answers(from === "+9" ? 200 : 500)(answer, received);
      });
      for (let index = 0; index < 61; index++) await post(`m${index}`, "+1");
      // One that succeeds while the first is on its way doesn't put it aside: the next one does.
      let good = 0;
      await until("everything waits", async () => {
        await post(`good-${++good}`, "+9");
        await until("it has come", () => got().includes(`good-${good}`));
        return (await waiting("+1")) === 61;
      });
      const before = receiver.received.length;
      receiver.behave(answers(200));
      await settled();
      const times = receiver.received.slice(before).map(({ at }) => at);
      // A second's worth may come at once.
      expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(900);
    },
    LONG_MS,
  );

  test("is dead after its last attempt, with its cause, until somebody retries or drops it", async () => {
    await serve(config({ retryMs: [50, 50] }));
    receiver.behave(fails(["bad", "worse"], answers(422, {}, "no such order")));
    await post("bad", "+1");
    await post("good", "+2");
    await until("it is dead", async () => (await shown()).dead === 1);
    await post("after", "+1");
    await until("its sender goes on", () => got().includes("after"));
    const page = await (await service.get("/destinations/app/failures?state=dead")).json();
    expect(page).toMatchObject({
      total: 1,
      data: [
        {
          ...{ kind: "message", message_id: "bad", state: "dead", attempts: 3, last_status: 422 },
          ...{ excerpt: "no such order", next_at: null },
        },
      ],
    });
    receiver.behave(answers(200));
    const before = receiver.received.length;
    expect(await ask("/destinations/app/failures/retry", { state: "dead" })).toEqual([
      200,
      { records: 1 } as never,
    ]);
    await has(before + 1);
    await settled();
    expect(got().at(-1)).toBe("bad");
    expect((await shown()).dead).toBe(0);
    receiver.behave(fails(["worse"], answers(400)));
    await post("worse", "+3");
    await post("x", "+4");
    await until("it is dead", async () => (await shown()).dead === 1);
    expect(await ask("/destinations/app/failures/drop", { state: "dead" })).toEqual([
      200,
      { records: 1 } as never,
    ]);
    expect((await shown()).dead).toBe(0);
  });

  test("alone follows its schedule and dies", async () => {
    await serve(config({ retryMs: [50, 50] }));
    receiver.behave(answers(500));
    await post("alone");
    await until("it is dead", async () => (await shown()).dead === 1);
    expect(receiver.received.length).toBe(3);
    expect(receiver.received.map(({ headers }) => headers["postern-attempt"])).toEqual(["1", "2", "3"]);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  });
});

describe("a destination where nothing but a record that fails is there", () => {
  const HOUR_MS = 3_600_000;
  const status = (code: number) => ({ state: "ok", reason: `status ${code}`, put_aside: 0, lag_records: 1 });
  const failsFor = (reason: string) =>
    until(`it fails for ${reason}`, async () => (await shown()).reason === reason);

  test("says why, and tries it at once when it is asked to", async () => {
    const { port } = receiver;
    await serve(config({ retryMs: [HOUR_MS, HOUR_MS] }));
    await receiver.close();
    await post("alone");
    await failsFor("refused");
    expect(await shown()).toMatchObject({ state: "ok", put_aside: 0, lag_records: 1 });
    receiver = await newReceiver({ secrets: [SECRET], port });
    receiver.behave(answers(500));
    await ask("/destinations/app/probe");
    await failsFor("status 500");
    expect(await shown()).toMatchObject(status(500));
    receiver.behave(answers(200));
    await ask("/destinations/app/probe");
    await settled();
    expect(await shown()).toMatchObject({ state: "ok", reason: null, dead: 0 });
  });

  test("has no reason any more once another one has succeeded, or the record is dead", async () => {
    await serve(config({ retryMs: [HOUR_MS] }));
    receiver.behave(fails(["bad"], answers(422)));
    await post("bad", "+1");
    await failsFor("status 422");
    await post("good", "+2");
    await until("it is put aside", async () => (await shown()).put_aside === 1);
    expect((await shown()).reason).toBeNull();
    receiver.behave(answers(422));
    await post("alone", "+3");
    await failsFor("status 422");
    await ask("/destinations/app/probe");
    await until("it is dead", async () => (await shown()).dead === 1);
    expect((await shown()).reason).toBeNull();
  });
});

describe("a destination that is down", () => {
  test("costs no row and no attempt, and is caught up when it is back", async () => {
    const { port } = receiver;
    await serve(config({ retryMs: FOR_LONG }));
    await receiver.close();
    for (let index = 0; index < 30; index++) await post(`m${index}`, `+${index % 7}`);
    await until("it is down", async () => (await shown()).state === "down");
    expect(await shown()).toMatchObject({ put_aside: 0, dead: 0, lag_records: 30, reason: "refused" });
    receiver = await newReceiver({ secrets: [SECRET], port });
    expect((await ask("/destinations/app/probe"))[0]).toBe(200);
    await settled();
    expect(new Set(got()).size).toBe(30);
    expect(await shown()).toMatchObject({ state: "ok", dead: 0 });
  });

  test("is down too when three records fail and none succeeds", async () => {
    await serve(config({ retryMs: FOR_LONG }));
    receiver.behave(answers(503));
    for (let index = 0; index < 8; index++) await post(`m${index}`, `+${index}`);
    await until("it is down", async () => (await shown()).state === "down");
    expect((await shown()).put_aside).toBe(0);
    receiver.behave(answers(204));
    await ask("/destinations/app/probe");
    await settled();
    expect(new Set(got()).size).toBe(8);
  });
});

describe("records that fail and fill the line", () => {
  const many = Array.from({ length: 14 }, (_, index) => `bad-${index}`);
  for (const order of ["sender", "none"] as const)
    test(
      `don't keep the rest from being handed on, with the order of ${order}`,
      async () => {
        await serve(config({ concurrency: 1, order, retryMs: FOR_LONG }));
        receiver.behave(fails(many, answers(500)));
        for (const [index, id] of many.entries()) await post(id, `+${index % 3}`);
        for (const id of ["good", "better", "best"]) {
          await post(id, "+7");
          await until(`${id} has come`, async () => {
            await ask("/destinations/app/probe");
            return got().includes(id);
          });
        }
        receiver.behave(answers(200));
        await settled();
        expect(new Set(got()).size).toBe(many.length + 3);
        expect(got().filter((id) => !id.startsWith("bad"))).toEqual(["good", "better", "best"]);
      },
      LONG_MS,
    );
});

test("of a sender behind whom too much waits the record at fault is given up, and none that wasn't tried", async () => {
  await serve(config({ retryMs: [3_600_000], timeoutMs: 300_000 }));
  receiver.behave((answer, received) =>
    (String(received.body).includes('"wa:m0"') ? answers(422) : hangs)(answer, received),
  );
  await service.send("/webhook/wa", metaPost(Array.from({ length: 1300 }, (_, index) => text(`m${index}`))));
  await until("all are out of the log", async () => (await shown()).lag_records === 0);
  await has(2);
  expect(await shown()).toMatchObject({ put_aside: 1299, dead: 1 });
  const { data } = (await (await service.get("/destinations/app/failures?state=dead")).json()) as {
    data: { message_id: string; cause: string }[];
  };
  expect(data).toMatchObject([{ message_id: "wa:m0", cause: "sender_backlog" }]);
}, 60_000);

test("an outage costs a record that was put aside no attempt", async () => {
  await serve(config({ retryMs: [400, ...FOR_LONG] }));
  const bad = ["a", "b", "c"];
  receiver.behave(fails(bad, answers(500)));
  for (const id of bad) {
    await post(id, `+1${id.charCodeAt(0)}`);
    await post(`good-${id}`, "+9");
  }
  const attempts = async () => {
    const page = await (await service.get("/destinations/app/failures")).json();
    return (page as { data: { message_id: string; attempts: number }[] }).data;
  };
  await until("all are put aside", async () => (await attempts()).length === 3);
  receiver.behave(answers(503));
  // Once each, unless all of that took longer than the first pause.
  const before = got();
  const tried = (id: string) => before.filter((each) => each === id).length;
  await until("it is down", async () => (await shown()).state === "down");
  await until("they are as they were", async () =>
    (await attempts()).every((row) => row.attempts > 0 && row.attempts <= tried(row.message_id)),
  );
  receiver.behave(answers(200));
  await ask("/destinations/app/probe");
  await settled();
});

describe("a pause", () => {
  test("outlasts a restart and ends by resume", async () => {
    await serve(config());
    expect((await ask("/destinations/app/pause"))[1]).toMatchObject({ state: "paused" });
    await post("a");
    await restart(config());
    await post("b");
    expect(await shown()).toMatchObject({ state: "paused", lag_records: 2 });
    expect(receiver.received.length).toBe(0);
    await ask("/destinations/app/resume");
    await has(2);
    await settled();
  });

  test("leaves nothing due, as leaving the file does", async () => {
    await serve(config({ retryMs: [3_600_000] }));
    receiver.behave(fails(["bad"], answers(500)));
    await post("bad", "+1");
    await post("other", "+2");
    await until("it is put aside", async () => (await shown()).put_aside === 1);
    expect(await shown()).toMatchObject({ next_attempt_at: expect.any(String) });
    await ask("/destinations/app/pause");
    expect(await shown()).toMatchObject({ state: "paused", next_attempt_at: null });
    await ask("/destinations/app/resume");
    await restart();
    expect(await shown()).toMatchObject({ state: "inactive", next_attempt_at: null });
  });

  test("is what 410 asks for, and the record isn't lost", async () => {
    await serve(config());
    receiver.behave(answers(410));
    await post("a");
    await until("it is paused", async () => (await shown()).state === "paused");
    receiver.behave(answers(200));
    await ask("/destinations/app/resume");
    await settled();
    expect(got().at(-1)).toBe("a");
  });
});

test("an answer that asks for patience delays the record, and three hold everything", async () => {
  await serve(config({ retryMs: [50, 50, 50, 50, 50, 50] }));
  receiver.behave(answers(429, { "Retry-After": "1" }));
  await post("a", "+1");
  await until("three answers", () => receiver.received.length >= 3);
  receiver.behave(answers(200));
  await settled();
  const times = receiver.received.map(({ at }) => at);
  for (let index = 1; index < times.length; index++)
    expect((times[index] ?? 0) - (times[index - 1] ?? 0)).toBeGreaterThan(900);
});

test("an answer that asks for no time is a failure as any other, and no loop", async () => {
  await serve(config({ retryMs: [50, 50, 50, 50, 50, 50] }));
  receiver.behave(answers(503, { "Retry-After": "0" }));
  for (let sender = 1; sender <= 5; sender++) await post(`m${sender}`, `+${sender}`);
  await until("it is down", async () => (await shown()).state === "down");
  expect(receiver.received.length).toBeLessThan(20);
});

test("those that hang are ended together when the file changes, so that others wait for none of them", async () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const all = (concurrency: number) => names.map((name) => config({ name, concurrency, timeoutMs: 1e6 }));
  receiver.behave(() => undefined);
  const clock = steeredClock();
  service = await newService({}, { database, clock, destinations: all(1) });
  await post("m");
  await until("all hang", () => {
    // The log isn't looked at again within some milliseconds, which pass by this clock.
    clock.advance(20);
    return receiver.received.length >= names.length;
  });
  receiver.behave(answers(200));
  let isReplaced = false;
  const replaced = service.replaceSources({}, all(2)).then(() => {
    isReplaced = true;
  });
  // Each may take three seconds.
  let leftMs = (names.length - 1) * 3000;
  await until("the file counts", () => {
    if (leftMs > 0) clock.advance(20);
    leftMs -= 20;
    return isReplaced;
  });
  await replaced;
});

test("one that isn't in the file can be forgotten, and one that is can't", async () => {
  await serve(config());
  expect((await service.send("/destinations/app", { method: "DELETE" })).status).toBe(409);
  await restart();
  expect((await service.send("/destinations/app", { method: "DELETE" })).status).toBe(204);
  expect((await service.get("/destinations/app")).status).toBe(404);
});
