/** What a receiver gets of a replay, beside what comes new, and what becomes of what it refuses. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { DestinationConfig } from "../../src/core/destination-config.ts";
import { type Database, newDatabase } from "../databases/database.ts";
import { META } from "../http/meta-posts.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { freePort } from "../postgres/kept-process.ts";
import { until } from "../until.ts";
import { destinationTo, SECRET } from "./destination.ts";
import { answers, type Behaviour, newReceiver, type Receiver } from "./receiver.ts";

const LONG_MS = 120_000;
const CONCURRENCY = 4;
/** What a kill or a restart may cost in doubles. */
const AHEAD_MAX = 10 * CONCURRENCY;

/** Failures in a row that show that a destination is down. */
const DOWN_AFTER = 5;

type Received = Receiver["received"][number];

interface Failure {
  readonly message_id: string;
  readonly state: string;
  readonly attempts: number;
  readonly replay: string | null;
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

const config = (more: Partial<DestinationConfig> = {}) =>
  destinationTo(receiver.url, {
    retryMs: [50, 50, 100, 200],
    start: "now",
    concurrency: CONCURRENCY,
    ...more,
  });
const serve = async (...destinations: DestinationConfig[]) => {
  service = await newService({}, { database, sources: { wa: META }, destinations });
};
const restart = async (...destinations: DestinationConfig[]) => {
  await service.stop();
  await serve(...destinations);
};
const post = async (id: string, from = "+1") =>
  expect((await service.post(message(id, { from }))).status).toBe(200);
const senderOf = (index: number, senders: number) => `+${1 + (index % senders)}`;
/** Messages `m0`, `m1`, …, of so many senders, each sender's in their order. */
const postMany = async (count: number, senders = count) => {
  for (let first = 0; first < count; first += senders)
    await Promise.all(
      Array.from({ length: Math.min(senders, count - first) }, (_, index) =>
        post(`m${first + index}`, senderOf(first + index, senders)),
      ),
    );
};
/** Messages that are stored before there is a destination, which begins behind them. */
const stored = async (count: number, senders?: number) => {
  await serve();
  await postMany(count, senders);
};
const ask = async (method: string, path: string, body: object = {}): Promise<[number, unknown]> => {
  const answer = await service.send(path, { method, body: JSON.stringify(body) });
  return [answer.status, answer.status === 204 ? undefined : await answer.json()];
};
const replay = async (body: object = {}) => {
  const [code, begun] = await ask("POST", "/destinations/app/replay", { after: "start", ...body });
  expect([code, begun]).toEqual([202, { id: expect.any(String), records: expect.any(Number) }]);
  return begun as { readonly id: string; readonly records: number };
};
const get = async (path: string) => (await service.get(`/destinations/app${path}`)).json();
const listed = async () =>
  ((await get("/replays")) as { data: { id: string; done: number; records: number }[] }).data;
const failures = async () => ((await get("/failures?limit=100")) as { data: Failure[] }).data;
const shown = async () =>
  (await get("")) as { state: string; lag_records: number; put_aside: number; dead: number };
const ended = () => until("the replays are over", async () => (await listed()).length === 0, LONG_MS);
const idOf = ({ body }: Received) => JSON.parse(body).data.message_id as string;
const replayed = () => receiver.received.filter(({ isReplay }) => isReplay);
const live = () => receiver.received.filter(({ isReplay }) => !isReplay);
const hasReplayed = (count: number) =>
  until(`${count} records again`, () => replayed().length >= count, LONG_MS);
const names = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`).sort();

describe("a replay", () => {
  test("hands on again what was handed on, as replayed and under the same webhook-id", async () => {
    await serve(config());
    await postMany(5);
    await until("all were handed on", () => live().length === 5);
    expect((await replay()).records).toBe(5);
    await hasReplayed(5);
    await ended();
    const first = new Map(live().map((each) => [each.id, each.body]));
    expect(
      replayed()
        .map(({ id, body }) => [id, body])
        .sort(),
    ).toEqual([...first].sort());
    for (const { headers, attempt, isVerified } of replayed())
      expect([headers["postern-replay"], attempt, isVerified]).toEqual(["true", 1, true]);
    for (const { headers } of live()) expect(headers["postern-replay"]).toBeUndefined();
    expect(receiver.received.length).toBe(10);
  });

  test("with new ids adds its own to each webhook-id", async () => {
    await serve(config());
    await postMany(3);
    await until("all were handed on", () => live().length === 3);
    const { id } = await replay({ new_ids: true });
    await hasReplayed(3);
    const expected = live().map((each) => `${each.id}_${id}`);
    expect(
      replayed()
        .map((each) => each.id)
        .sort(),
    ).toEqual(expected.sort());
    expect(replayed().every(({ isVerified }) => isVerified)).toBe(true);
  });

  test("holds what its bounds and filters let through, whatever comes meanwhile", async () => {
    await stored(12, 3);
    const { data } = (await (await service.get("/log")).json()) as {
      data: { position: string; message_id: string; from: string }[];
    };
    await restart(config({ from: "+9" }));
    await replay({ after: data[1]?.position, until: data[9]?.position, from: "+2" });
    await post("new", "+2");
    await ended();
    const expected = data.slice(2, 10).filter(({ from }) => from === "+2");
    expect(replayed().map(idOf)).toEqual(expected.map(({ message_id }) => message_id));
    expect(live()).toEqual([]);
  });

  test(
    "of a thousand records hands on each exactly once, each sender's in their order",
    async () => {
      const senders = 20;
      await stored(1000, senders);
      await restart(config({ concurrency: 16 }));
      receiver.behave((answer, each) => {
        const slowMs = Number(idOf(each).slice(1)) % 7;
        setTimeout(() => answers(200)(answer, each), slowMs);
      });
      expect((await replay({ rate: "999999/s" })).records).toBe(1000);
      await ended();
      const ids = replayed().map(idOf);
      expect([...ids].sort()).toEqual(names(1000));
      for (let sender = 0; sender < senders; sender++) {
        const own = ids.map((id) => Number(id.slice(1))).filter((index) => index % senders === sender);
        expect(own).toEqual([...own].sort((a, b) => a - b));
      }
      expect(await failures()).toEqual([]);
    },
    LONG_MS,
  );

  test(
    "keeps to its rate, while what comes new doesn't wait for it",
    async () => {
      const [perS, records] = [20, 140];
      await stored(records);
      await restart(config({ concurrency: 8 }));
      const asked = performance.now();
      await replay({ rate: `${perS}/s` });
      await hasReplayed(2 * perS);
      for (let index = 0; index < 5; index++) {
        await post(`new${index}`, "+1");
        await until("the new one has come", () => live().length === index + 1);
        // On a busy machine the rest may take longer than the replay.
        if (index === 0) expect(replayed().length).toBeLessThan(records);
      }
      await ended();
      expect(replayed().map(idOf).sort()).toEqual(names(records));
      // What a second would take may come at once.
      const times = replayed().map(({ at }) => at);
      const seconds = ((times.at(-1) ?? 0) - asked) / 1000;
      expect(seconds).toBeGreaterThan((0.9 * (records - perS)) / perS);
      // A busy machine has worse seconds than the best.
      const later = times.filter((at) => at > (times[0] ?? 0) + 1000);
      const best = Math.max(
        ...later.map((begin) => later.filter((at) => at >= begin && at < begin + 2000).length),
      );
      expect(best).toBeGreaterThan(0.8 * 2 * perS);
    },
    LONG_MS,
  );

  test("goes with others one after the other, and each hands on what it holds", async () => {
    await stored(6);
    await restart(config());
    await replay({ new_ids: true });
    await replay({ new_ids: true, from: "+2" });
    await replay({ new_ids: true, after: "now" });
    await hasReplayed(7);
    await ended();
    expect(new Set(replayed().map(({ id }) => id)).size).toBe(7);
    expect(replayed().filter((each) => idOf(each) === "m1").length).toBe(2);
  });
});

describe("a record that fails in a replay", () => {
  const refusesReplayOf =
    (id: string, times: number): Behaviour =>
    (answer, each) => {
      const before = replayed().filter((other) => idOf(other) === id).length;
      answers(each.isReplay && idOf(each) === id && before <= times ? 500 : 200)(answer, each);
    };

  test.each([false, true])(
    "is put aside and tried by the schedule under the same id, also behind the end (new ids: %p)",
    async (new_ids) => {
      await stored(6);
      await restart(config({ retryMs: [300, 300, 300] }));
      receiver.behave(refusesReplayOf("m2", 3));
      const { id } = await replay({ new_ids });
      const row = await until("it is put aside", async () => (await failures())[0]);
      expect(row).toMatchObject({ message_id: "m2", state: "waiting", replay: id });
      await ended();
      await until("it is taken", async () => (await failures()).length === 0);
      const tries = replayed().filter((each) => idOf(each) === "m2");
      expect(tries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
      expect(new Set(tries.map((each) => each.id)).size).toBe(1);
      expect(tries[0]?.id.endsWith(`_${id}`)).toBe(new_ids);
      expect(live()).toEqual([]);
    },
    LONG_MS,
  );

  test("is dead after its last attempt, and holds up nothing that its sender sends now", async () => {
    await stored(4, 2);
    await restart(config({ retryMs: [50] }));
    receiver.behave(refusesReplayOf("m0", 100));
    const { id } = await replay();
    await post("new", "+1");
    await until("the new one has come", () => live().length === 1);
    await until("it is dead", async () => (await failures())[0]?.state === "dead");
    await until("the next of its sender has come", () => replayed().some((each) => idOf(each) === "m2"));
    expect(await failures()).toMatchObject([{ message_id: "m0", attempts: 2, replay: id }]);
    receiver.behave(answers(200));
    const before = replayed().length;
    expect(await ask("POST", "/destinations/app/failures/retry", { state: "dead" })).toEqual([
      200,
      { records: 1 },
    ]);
    await hasReplayed(before + 1);
    expect(replayed().at(-1)).toMatchObject({ isReplay: true });
    expect(idOf(replayed().at(-1) as Received)).toBe("m0");
  });
});

describe("a replay that can't go on", () => {
  test(
    "ends where somebody stops it",
    async () => {
      await stored(200);
      await restart(config());
      const { id } = await replay({ rate: "20/s", new_ids: true });
      const other = await replay({ rate: "20/s", from: "+1" });
      await hasReplayed(30);
      const stopped = await ask("DELETE", `/destinations/app/replays/${id}`);
      expect(stopped).toEqual([204, undefined]);
      const before = replayed().filter((each) => each.id.endsWith(id)).length;
      await until("the next one is over", async () => (await listed()).length === 0);
      expect(other.records).toBe(1);
      for (const each of ["a", "b", "c"]) await post(each);
      await until("what comes new goes on", () => live().length === 3);
      const after = replayed().filter((each) => each.id.endsWith(id)).length;
      // What was on its way.
      expect(after - before).toBeLessThanOrEqual(CONCURRENCY);
      expect(after).toBeLessThan(200);
      expect(replayed().length).toBe(after + 1);
    },
    LONG_MS,
  );

  test(
    "goes on where it was after a restart",
    async () => {
      await stored(120);
      await restart(config());
      await replay({ rate: "20/s" });
      await hasReplayed(30);
      await restart(config());
      expect((await listed())[0]?.done).toBeGreaterThan(0);
      await ended();
      const ids = replayed().map(idOf);
      expect([...new Set(ids)].sort()).toEqual(names(120));
      expect(ids.length - 120).toBeLessThanOrEqual(AHEAD_MAX);
      expect(await failures()).toEqual([]);
    },
    LONG_MS,
  );

  test(
    "loses nothing while the destination is down, and puts aside no more than what told that it is",
    async () => {
      const { port } = receiver;
      await stored(40);
      await restart(config());
      await receiver.close();
      await replay();
      await until("it is down", async () => (await shown()).state === "down");
      const aside = (await failures()).length;
      expect(aside).toBeLessThanOrEqual(DOWN_AFTER);
      expect((await listed())[0]).toMatchObject({ records: 40 });
      receiver = await newReceiver({ secrets: [SECRET], port });
      await ask("POST", "/destinations/app/probe");
      await ended();
      await until("nothing waits", async () => (await shown()).put_aside === 0);
      expect([...new Set(replayed().map(idOf))].sort()).toEqual(names(40));
      expect(await shown()).toMatchObject({ state: "ok", dead: 0 });
    },
    LONG_MS,
  );

  test("waits while the destination is paused, also through a restart", async () => {
    await stored(10);
    await restart(config());
    await ask("POST", "/destinations/app/pause");
    await replay();
    await restart(config());
    expect(await listed()).toMatchObject([{ records: 10, done: 0 }]);
    expect(receiver.received.length).toBe(0);
    await ask("POST", "/destinations/app/resume");
    await ended();
    expect(replayed().map(idOf).sort()).toEqual(names(10));
  });
});
