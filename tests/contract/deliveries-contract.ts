/**
 * The promise of a store for what it keeps of deliveries: positions that only their holder moves,
 * rows that change with them or not at all, and queues whose next one is always found. Every engine
 * runs it, with nothing skipped.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  type DeliveryCommit,
  type DeliveryStore,
  type DestinationReport,
  type Failure,
  type FailureFilter,
  LEASE_MS,
  REPLAYS_MAX,
  type Replay,
} from "../../src/core/deliveries.ts";
import type { Store } from "../../src/core/store.ts";
import { randomId } from "../../src/lib/chance.ts";
import { type Capabilities, testWith, testWithout } from "../databases/capabilities.ts";
import { DeliveriesModel } from "../deliveries-model.ts";
import { failure, positionAt, second } from "../failures.ts";
import { message } from "../messages.ts";
import { fc } from "../property.ts";
import { until } from "../until.ts";
import { post } from "./posts-contract.ts";
import type { TestDatabase } from "./store-contract.ts";

const LONG_MS = 120_000;
const NAME = "app";

const at = positionAt;
const NOW = second(30);

/** Behind the first one of its sender. */
const behind = (seq: number, more: Partial<Failure> = {}): Failure =>
  failure(seq, {
    sender: "native +1",
    attempts: 0,
    last_status: null,
    cause: null,
    excerpt: null,
    first_at: null,
    last_at: null,
    next_at: null,
    ...more,
  });
const dead = (seq: number, more: Partial<Failure> = {}): Failure =>
  failure(seq, { state: "dead", attempts: 11, next_at: null, ...more });

const replay = (id: string, more: Partial<Replay> = {}): Replay => ({
  id,
  destination: NAME,
  position: at(0),
  until: 100,
  filter: { kinds: ["message"], sources: ["wa"], from: "+1" },
  rate: 200,
  newIds: false,
  records: 40,
  done: 0,
  createdAt: second(5),
  ...more,
});

const REPORT: DestinationReport = {
  at: second(2),
  state: "down",
  reason: "refused",
  since: second(1),
  next_attempt_at: second(3),
  attempts: { success: 4, failure: 5 },
  answer_ms: { p50: 1.5, p99: null },
};

export function deliveriesContract(
  name: string,
  newDatabase: () => Promise<TestDatabase>,
  capabilities: Capabilities,
): void {
  describe(`${name} keeps its word to whoever hands the log on`, () => {
    let database: TestDatabase;
    let store: Store;
    let deliveries: DeliveryStore;

    const open = async () => {
      store = await database.open();
      ({ deliveries } = store);
    };
    beforeEach(async () => {
      database = await newDatabase();
      await open();
    });

    afterEach(async () => {
      await store.close();
      await database.drop();
    });

    const reopen = async () => {
      await store.close();
      await open();
    };
    /** Changes rows of the destination, which stands at `at(0)`. */
    const commit = (change: Partial<DeliveryCommit>) =>
      deliveries.commit(NAME, {
        from: at(0),
        to: at(0),
        at: NOW,
        insert: [],
        update: [],
        remove: [],
        ...change,
      });
    /** The destination with these rows. */
    const keep = async (...insert: readonly Failure[]) => {
      await deliveries.open(NAME, at(0));
      expect(await commit({ insert })).toBe(true);
    };
    const page = (filter: FailureFilter = {}, limit = 1000, offset = 0) =>
      deliveries.failures(NAME, { ...filter, limit, offset });
    const rows = async (filter?: FailureFilter) => (await page(filter)).data;
    const seqs = (found: readonly Failure[]) => found.map(({ seq }) => seq);
    /** Each row that waits, and when it is due. */
    const times = async () =>
      Object.fromEntries(
        (await rows({ state: "waiting" })).map(({ seq, next_at }) => [seq, next_at]),
      ) as Record<number, string | null>;
    const version = async () => (await deliveries.find(NAME))?.version ?? Number.NaN;

    describe("a destination", () => {
      test("is made once, at the position where it is new, and listed by name", async () => {
        const made = {
          name: "b",
          position: at(1),
          paused: null,
          probeAskedAt: null,
          version: 0,
          report: null,
        };
        expect(await deliveries.open("b", at(1))).toEqual(made);
        expect(await deliveries.open("b", at(2))).toEqual(made);
        await deliveries.open("a", at(3));
        await deliveries.open("B", at(4));
        expect(await deliveries.find("b")).toEqual(made);
        expect(await deliveries.find("c")).toBeUndefined();
        expect((await deliveries.list()).map((each) => each.name)).toEqual(["B", "a", "b"]);
      });

      test("that many open at once is one", async () => {
        const opened = await Promise.all(
          Array.from({ length: 20 }, (_, index) => deliveries.open(NAME, at(index))),
        );
        expect(new Set(opened.map(({ position }) => position)).size).toBe(1);
        expect(await deliveries.list()).toHaveLength(1);
      });

      test("is paused, resumed, probed and reported on, and its holder learns of all but the report", async () => {
        await deliveries.open(NAME, at(0));
        const versions = [await version()];
        const paused = { reason: "410", since: second(1) };
        expect(await deliveries.pause(NAME, paused)).toBe(true);
        versions.push(await version());
        expect(await deliveries.find(NAME)).toMatchObject({ paused });
        expect(await deliveries.pause(NAME, null)).toBe(true);
        versions.push(await version());
        expect(await deliveries.find(NAME)).toMatchObject({ paused: null });
        expect(await deliveries.probe(NAME, second(2))).toBe(true);
        versions.push(await version());
        expect(await deliveries.find(NAME)).toMatchObject({ probeAskedAt: second(2) });
        expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
        const before = await version();
        await deliveries.report(NAME, REPORT);
        expect(await deliveries.find(NAME)).toMatchObject({ report: REPORT, version: before });
      });

      test("that isn't there takes nothing", async () => {
        expect(await deliveries.commit("x", { ...CHANGE, from: at(0), insert: [failure(1)] })).toBe(false);
        expect(await deliveries.pause("x", null)).toBe(false);
        expect(await deliveries.probe("x", NOW)).toBe(false);
        await deliveries.report("x", REPORT);
        expect(await deliveries.addReplay(replay("r", { destination: "x" }))).toBe("unknown");
        expect(await deliveries.moveReplay(replay("r", { destination: "x" }))).toBe(false);
        expect(await deliveries.deleteReplay("x", "r")).toBe(false);
        expect(await deliveries.retry("x", {}, NOW)).toBe(0);
        expect(await deliveries.drop("x", {}, NOW)).toBe(0);
        expect(await deliveries.delete("x")).toBe(false);
        expect(await deliveries.figures("x")).toEqual({ waiting: 0, dead: 0, nextAt: undefined });
        expect(await deliveries.due("x", NOW, 10)).toEqual([]);
        expect(await deliveries.failures("x", { limit: 10, offset: 0 })).toEqual({ data: [], total: 0 });
        expect(await deliveries.replays("x")).toEqual([]);
        expect(await deliveries.list()).toEqual([]);
      });

      test("is deleted with everything that belongs to it, and nothing of another one", async () => {
        await deliveries.open("other", at(0));
        await deliveries.commit("other", { ...CHANGE, insert: [failure(1)] });
        await deliveries.addReplay(replay("r", { destination: "other" }));
        await keep(failure(1), dead(2), failure(3, { replay: "r" }));
        await deliveries.addReplay(replay("r"));
        await deliveries.pause(NAME, { reason: "asked", since: NOW });
        expect(await deliveries.delete(NAME)).toBe(true);
        expect(await deliveries.delete(NAME)).toBe(false);
        expect(await deliveries.find(NAME)).toBeUndefined();
        expect(await deliveries.open(NAME, at(7))).toMatchObject({ position: at(7), paused: null });
        expect([await rows(), await deliveries.replays(NAME)]).toEqual([[], []]);
        expect(await deliveries.figures(NAME)).toEqual({ waiting: 0, dead: 0, nextAt: undefined });
        expect(await deliveries.figures("other")).toMatchObject({ waiting: 1 });
        expect(await deliveries.replays("other")).toHaveLength(1);
      });

      test(
        "with many rows is deleted, or emptied, while messages are stored",
        async () => {
          const total = 12_000;
          const some = (first: number) =>
            Array.from({ length: 2000 }, (_, index) => dead(first + index, { cause: "timeout" }));
          await deliveries.open(NAME, at(0));
          for (let first = 1; first <= total; first += 2000) await commit({ insert: some(first) });
          expect(await deliveries.figures(NAME)).toMatchObject({ dead: total });
          let underway = true;
          const ends = deliveries.drop(NAME, { cause: "timeout" }, NOW).finally(() => {
            underway = false;
          });
          for (let index = 0; underway; index++)
            await store.append({ messages: [message(`beside-${index}`)] });
          expect(await ends).toBe(total);
          expect(await deliveries.figures(NAME)).toEqual({ waiting: 0, dead: 0, nextAt: undefined });
          await commit({ insert: some(1) });
          await commit({ insert: some(2001) });
          expect(await deliveries.retry(NAME, {}, NOW)).toBe(4000);
          expect(await deliveries.figures(NAME)).toEqual({ waiting: 4000, dead: 0, nextAt: NOW });
          expect(await deliveries.delete(NAME)).toBe(true);
          await deliveries.open(NAME, at(0));
          expect(await page()).toEqual({ data: [], total: 0 });
        },
        LONG_MS,
      );

      test("is as it was when the store is opened again, with all its rows and replays", async () => {
        await keep(failure(1), failure(2, { sender: "native +1" }), behind(3), dead(4, { replay: "r" }));
        await deliveries.pause(NAME, { reason: "410", since: second(4) });
        await deliveries.probe(NAME, second(5));
        await deliveries.report(NAME, REPORT);
        await deliveries.addReplay(replay("r", { filter: {}, newIds: true }));
        await deliveries.moveReplay(replay("r", { position: at(7), done: 3 }));
        await commit({ to: at(9) });
        const state = async () => [
          await deliveries.list(),
          await page(),
          await deliveries.replays(NAME),
          await deliveries.figures(NAME),
          await deliveries.waitingSenders(NAME),
        ];
        const before = await state();
        await reopen();
        expect(await state()).toEqual(before);
        expect(await deliveries.find(NAME)).toMatchObject({ position: at(9), report: REPORT });
      });
    });

    describe("a commit", () => {
      test("moves the position and changes rows together, and is durable", async () => {
        await keep(failure(1), failure(2));
        const update = [failure(2, { attempts: 2, next_at: second(40) })];
        expect(
          await commit({ to: at(5), insert: [failure(5)], update, remove: [{ seq: 1, replay: "" }] }),
        ).toBe(true);
        expect(await deliveries.find(NAME)).toMatchObject({ position: at(5), version: 0 });
        const expected = [...update, failure(5)];
        expect(await rows()).toEqual(expected);
        await reopen();
        expect(await rows()).toEqual(expected);
        expect(await deliveries.find(NAME)).toMatchObject({ position: at(5) });
      });

      test("is refused whole where the destination stands elsewhere", async () => {
        await keep(failure(1), failure(2));
        await commit({ to: at(4) });
        const stale: Partial<DeliveryCommit>[] = [
          { to: at(9), insert: [failure(9)] },
          { to: at(9), update: [failure(1, { attempts: 9 })] },
          { to: at(9), remove: [{ seq: 2, replay: "" }] },
          { from: at(5), to: at(9), insert: [failure(9)] },
          { from: at(5), to: at(5) },
          { from: "", to: at(9) },
        ];
        for (const change of stale) expect(await commit(change)).toBe(false);
        expect(await deliveries.find(NAME)).toMatchObject({ position: at(4) });
        expect(await rows()).toEqual([failure(1), failure(2)]);
      });

      test("of many from one position succeeds once", async () => {
        await deliveries.open(NAME, at(0));
        const done = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            commit({ to: at(index + 1), insert: [failure(index + 1)] }),
          ),
        );
        expect(done.filter((each) => each)).toHaveLength(1);
        const won = done.indexOf(true) + 1;
        expect(await deliveries.find(NAME)).toMatchObject({ position: at(won) });
        expect(seqs(await rows())).toEqual([won]);
      });

      test("of several destinations at once moves each of them", async () => {
        const names = ["a", "b", "c", "d"];
        for (const each of names) await deliveries.open(each, at(0));
        for (let seq = 0; seq < 20; seq++) {
          const moves = names.map((each) =>
            deliveries.commit(each, { ...CHANGE, from: at(seq), to: at(seq + 1) }),
          );
          expect(await Promise.all(moves)).toEqual([true, true, true, true]);
        }
        expect((await deliveries.list()).map(({ position }) => position)).toEqual(Array(4).fill(at(20)));
      });

      test("that the engine refuses changes nothing, and refuses nothing to others", async () => {
        await keep(failure(1));
        await deliveries.open("other", at(0));
        const refused = commit({
          to: at(5),
          insert: [failure(5), failure(Number.NaN)],
          update: [failure(1, { attempts: 9 })],
          remove: [],
        }).catch((error: unknown) => error);
        expect(await deliveries.commit("other", { ...CHANGE, to: at(1), insert: [failure(1)] })).toBe(true);
        expect(await refused).toBeInstanceOf(Error);
        expect(await deliveries.find(NAME)).toMatchObject({ position: at(0) });
        expect(await rows()).toEqual([failure(1)]);
        expect(await commit({ to: at(5), insert: [failure(5)] })).toBe(true);
        expect(await store.append({ messages: [message("m")] })).toEqual(["created"]);
      });

      test("is seen whole by whoever reads meanwhile", async () => {
        await keep(failure(1));
        let seq = 1;
        const moving = (async () => {
          for (; seq < 40; seq++)
            await deliveries.commit(NAME, {
              ...CHANGE,
              from: at(seq === 1 ? 0 : seq),
              to: at(seq + 1),
              insert: [failure(seq + 1)],
              remove: [{ seq, replay: "" }],
            });
        })();
        while (seq < 40) expect(await page()).toMatchObject({ total: 1, data: [{ attempts: 1 }] });
        await moving;
        expect(seqs(await rows())).toEqual([40]);
      });

      test("gives a row that is there already the values of one that is inserted again", async () => {
        await keep(failure(1), failure(1, { replay: "r", attempts: 4 }));
        await commit({ insert: [failure(1, { attempts: 2, cause: "timeout", last_status: null })] });
        expect(await rows()).toEqual([
          failure(1, { attempts: 2, cause: "timeout", last_status: null }),
          failure(1, { replay: "r", attempts: 4 }),
        ]);
      });

      test("leaves a row that somebody dropped gone, and removes none twice", async () => {
        await keep(failure(1), failure(2));
        expect(await deliveries.drop(NAME, { positions: [at(1)] }, NOW)).toBe(1);
        const gone = { seq: 1, replay: "" };
        expect(await commit({ to: at(3), update: [failure(1), failure(2, { attempts: 5 })] })).toBe(true);
        expect(await commit({ from: at(3), to: at(4), remove: [gone, gone] })).toBe(true);
        expect(await rows()).toEqual([failure(2, { attempts: 5 })]);
      });

      test("keeps every value as it was given", async () => {
        const excerpt = `${"x".repeat(1000)} ü 🎉 \u{10ffff} 'quote' "quote" \\ \n`;
        const given = [
          failure(1, { kind: "status", source: "wa", message_id: "wa:1", from: null, excerpt }),
          failure(2, { message_id: null, last_status: null, cause: null, excerpt: null }),
          failure(3, { sender: "wa\u0001+1 ü", from: "" }),
          failure(2 ** 40, { attempts: 12_345 }),
        ];
        await keep(...given);
        expect(await rows()).toEqual(given);
      });
    });

    describe("what is due", () => {
      test("comes by its time, the longest first, then in the order of the log, up to the limit", async () => {
        await keep(
          failure(1, { next_at: second(20) }),
          failure(2, { next_at: second(11) }),
          failure(3, { next_at: second(11), replay: "r" }),
          failure(3, { next_at: second(11) }),
          failure(4, { next_at: second(31) }),
          dead(5),
        );
        const due = async (now: string, limit = 10) =>
          (await deliveries.due(NAME, now, limit)).map((row) => [row.seq, row.replay]);
        const all = [
          [2, ""],
          [3, ""],
          [3, "r"],
          [1, ""],
        ];
        expect(await due(NOW)).toEqual(all);
        expect(await due(NOW, 3)).toEqual(all.slice(0, 3));
        expect(await due(second(11))).toEqual(all.slice(0, 3));
        expect(await due("2026-11-28T10:00:10.999Z")).toEqual([]);
        expect(await deliveries.figures(NAME)).toEqual({ waiting: 5, dead: 1, nextAt: second(11) });
      });

      test("is the first of each sender alone, of live deliveries and of each replay", async () => {
        const sender = "native +1";
        await keep(
          failure(1, { sender }),
          behind(2),
          behind(3),
          failure(2, { sender, replay: "r" }),
          behind(4, { replay: "r" }),
          failure(5, { sender: "native +2" }),
        );
        expect(seqs(await deliveries.due(NAME, NOW, 10))).toEqual([1, 2, 5]);
        expect(await deliveries.waitingSenders(NAME)).toEqual(
          new Map([
            [sender, 3],
            ["native +2", 1],
          ]),
        );
        expect(await deliveries.waitingSenders(NAME, "r")).toEqual(new Map([[sender, 2]]));
        expect(await deliveries.firstOf(NAME, sender)).toEqual(failure(1, { sender }));
        expect((await deliveries.firstOf(NAME, sender, "r"))?.seq).toBe(2);
        expect(await deliveries.firstOf(NAME, "native +3")).toBeUndefined();
      });

      test("has a row of nobody's order and one of a new sender, whatever time it came with", async () => {
        await keep(failure(1, { next_at: null }), behind(2), dead(3, { next_at: second(1) }));
        expect(await times()).toEqual({ 1: NOW, 2: NOW });
        expect((await rows({ state: "dead" }))[0]?.next_at).toBeNull();
      });
    });

    describe("a sender's queue", () => {
      const sender = "native +1";
      const first = { seq: 1, replay: "" };

      test("goes on with the next one when the first is removed, dead or dropped", async () => {
        const ends: [string, () => Promise<unknown>][] = [
          ["removed", () => commit({ remove: [first] })],
          ["dead", () => commit({ update: [dead(1, { sender })] })],
          ["dropped", () => deliveries.drop(NAME, { positions: [at(1)] }, NOW)],
        ];
        for (const [how, end] of ends) {
          await keep(failure(1, { sender }), behind(2), behind(3));
          expect(await times()).toEqual({ 1: second(10), 2: null, 3: null });
          await end();
          expect([how, await times()]).toEqual([how, { 2: NOW, 3: null }]);
          expect(seqs(await deliveries.due(NAME, NOW, 10))).toEqual([2]);
          await deliveries.delete(NAME);
        }
      });

      test("goes on where the next one was dropped while the first was on its way", async () => {
        await keep(failure(1, { sender }), behind(2), behind(3));
        await deliveries.drop(NAME, { positions: [at(2)] }, NOW);
        await commit({ update: [behind(2, { next_at: second(5) })], remove: [first] });
        expect(await times()).toEqual({ 3: NOW });
      });

      test("goes on where the one that a new row waits behind was dropped meanwhile", async () => {
        await keep(failure(1, { sender }));
        await deliveries.drop(NAME, {}, NOW);
        await commit({ to: at(2), insert: [behind(2)] });
        expect(await times()).toEqual({ 2: NOW });
      });

      test("keeps the time that its new first one is given", async () => {
        await keep(failure(1, { sender }), behind(2));
        await commit({ update: [behind(2, { next_at: second(44) })], remove: [first] });
        expect(await times()).toEqual({ 2: second(44) });
      });

      test("has one time only when a dead one in front of it is tried again", async () => {
        await keep(dead(1, { sender }), failure(2, { sender, attempts: 3 }), behind(3));
        expect(await deliveries.retry(NAME, { state: "dead" }, NOW)).toBe(1);
        expect(await times()).toEqual({ 1: NOW, 2: null, 3: null });
        expect((await rows())[1]?.attempts).toBe(3);
        await commit({ insert: [failure(4, { sender, next_at: second(50) })] });
        expect(await times()).toEqual({ 1: NOW, 2: null, 3: null, 4: null });
      });

      test("lets a dead one in its middle wait in its place", async () => {
        await keep(failure(1, { sender }), dead(2, { sender }), behind(3));
        expect(await deliveries.retry(NAME, { positions: [at(2)] }, NOW)).toBe(1);
        expect(await times()).toEqual({ 1: second(10), 2: null, 3: null });
        expect((await rows())[1]).toMatchObject({ seq: 2, state: "waiting", attempts: 0 });
      });

      test("of several that are tried again has the first of them due", async () => {
        await keep(dead(1, { sender }), dead(2, { sender }), failure(3, { sender }), dead(4));
        expect(await deliveries.retry(NAME, {}, NOW)).toBe(4);
        expect(await times()).toEqual({ 1: NOW, 2: null, 3: null, 4: NOW });
      });
    });

    describe("failures", () => {
      const given = [
        failure(1, { cause: "timeout" }),
        dead(2, { from: "+2" }),
        failure(3, { from: "+2", cause: "timeout" }),
        failure(3, { replay: "r" }),
        dead(4, { cause: "timeout", from: null }),
        failure(5),
      ];

      test("come in the order of the log, by pages, with the exact total", async () => {
        await keep(...[...given].reverse());
        expect(await page()).toEqual({ data: given, total: 6 });
        for (const limit of [1, 2, 4]) {
          const found: Failure[] = [];
          for (let offset = 0; offset < 6; offset += limit) {
            const { data, total } = await page({}, limit, offset);
            expect([data.length <= limit, total]).toEqual([true, 6]);
            found.push(...data);
          }
          expect(found).toEqual(given);
        }
        expect(await page({}, 10, 6)).toEqual({ data: [], total: 6 });
      });

      const filters: [FailureFilter, number[]][] = [
        [{ state: "waiting" }, [1, 3, 3, 5]],
        [{ state: "dead" }, [2, 4]],
        [{ cause: "timeout" }, [1, 3, 4]],
        [{ cause: "none" }, []],
        [{ from: "+2" }, [2, 3]],
        [{ from: "+2", state: "dead" }, [2]],
        [{ cause: "timeout", state: "waiting", from: "+2" }, [3]],
        [{ positions: [at(3), at(5), at(9)] }, [3, 3, 5]],
        [{ positions: [at(3), at(3)], cause: "status" }, [3]],
        [{ positions: ["ffffffffffffffff.3", "x", ""] }, []],
        [{ positions: [] }, []],
        [{}, [1, 2, 3, 3, 4, 5]],
      ];

      test("are filtered by all that is said, on every page", async () => {
        await keep(...given);
        for (const [filter, expected] of filters) {
          const found = await page(filter);
          expect([filter, seqs(found.data), found.total]).toEqual([filter, expected, expected.length]);
          const next = await page(filter, 1, 1);
          expect([seqs(next.data), next.total]).toEqual([expected.slice(1, 2), expected.length]);
        }
      });

      test("are tried again, each filter all that it lets through, and keep what is known of them", async () => {
        for (const [filter, expected] of filters) {
          await keep(...given);
          const before = await rows(filter);
          expect([filter, await deliveries.retry(NAME, filter, NOW)]).toEqual([filter, expected.length]);
          const after = await rows();
          for (const row of before)
            expect(after).toContainEqual({ ...row, state: "waiting", attempts: 0, next_at: NOW });
          expect(after).toHaveLength(6);
          await deliveries.delete(NAME);
        }
      });

      test("are dropped, each filter all that it lets through", async () => {
        for (const [filter, expected] of filters) {
          await keep(...given);
          const dropped = await rows(filter);
          expect([filter, await deliveries.drop(NAME, filter, NOW)]).toEqual([filter, expected.length]);
          const left = given.filter((row) => !dropped.some((each) => Bun.deepEquals(each, row)));
          expect(await rows()).toEqual(left);
          expect((await deliveries.figures(NAME)).waiting).toBe(
            left.filter(({ state }) => state === "waiting").length,
          );
          await deliveries.delete(NAME);
        }
      });

      test("that somebody tries again or drops are told to the holder; where there were none nothing is", async () => {
        await keep(failure(1), failure(2));
        const before = await version();
        await deliveries.retry(NAME, { positions: [at(1)] }, NOW);
        const retried = await version();
        await deliveries.drop(NAME, { positions: [at(1)] }, NOW);
        const dropped = await version();
        expect([retried > before, dropped > retried]).toEqual([true, true]);
        await deliveries.drop(NAME, { positions: [at(1)] }, NOW);
        await deliveries.retry(NAME, { cause: "none" }, NOW);
        expect(await version()).toBe(dropped);
      });
    });

    describe("a replay", () => {
      test("is added once, listed from the oldest, moved on, and gone when it is stopped", async () => {
        await keep(failure(3, { replay: "b" }));
        const [a, b] = [replay("a", { createdAt: second(7) }), replay("b", { newIds: true })];
        const c = replay("c", { createdAt: second(7), filter: {} });
        for (const each of [c, a, b]) expect(await deliveries.addReplay(each)).toBe("added");
        expect(await deliveries.replays(NAME)).toEqual([b, a, c]);
        expect(await deliveries.addReplay({ ...b, records: 7 })).toBe("added");
        const moved = { ...b, position: at(5), done: 5 };
        expect(await deliveries.moveReplay({ ...moved, rate: 1 })).toBe(true);
        expect(await deliveries.replays(NAME)).toEqual([moved, a, c]);
        expect(await deliveries.deleteReplay(NAME, "b")).toBe(true);
        expect(await deliveries.deleteReplay(NAME, "b")).toBe(false);
        expect(await deliveries.moveReplay(moved)).toBe(false);
        expect(await deliveries.replays(NAME)).toEqual([a, c]);
        expect(seqs(await rows())).toEqual([3]);
        await reopen();
        expect(await deliveries.replays(NAME)).toEqual([a, c]);
      });

      test("that is added or deleted is told to the holder; one that is there or gone already isn't", async () => {
        await keep();
        const before = await version();
        await deliveries.addReplay(replay("a"));
        const added = await version();
        await deliveries.addReplay(replay("a"));
        await deliveries.moveReplay(replay("a", { done: 3 }));
        expect(await version()).toBe(added);
        await deliveries.deleteReplay(NAME, "a");
        const deleted = await version();
        expect([added > before, deleted > added]).toEqual([true, true]);
        await deliveries.deleteReplay(NAME, "a");
        expect(await version()).toBe(deleted);
        await reopen();
        expect(await version()).toBe(deleted);
      });

      test("isn't added where there are as many as may be, however many are at once", async () => {
        await keep();
        await deliveries.open("other", at(0));
        const ids = Array.from({ length: REPLAYS_MAX + 5 }, (_, index) => `r${index}`);
        const answers = await Promise.all(ids.map((id) => deliveries.addReplay(replay(id))));
        expect(answers.filter((answer) => answer === "added")).toHaveLength(REPLAYS_MAX);
        expect(answers.filter((answer) => answer === "full")).toHaveLength(5);
        const there = await deliveries.replays(NAME);
        expect(there).toHaveLength(REPLAYS_MAX);
        const [first = replay("")] = there;
        expect(await deliveries.addReplay(first)).toBe("added");
        expect(await deliveries.addReplay(replay("r", { destination: "other" }))).toBe("added");
        await deliveries.deleteReplay(NAME, first.id);
        expect(await deliveries.addReplay(replay("next"))).toBe("added");
      });
    });

    describe("a lease", () => {
      const [one, other] = [randomId(), randomId()];

      test("is prolonged by its holder, and free once that has released it", async () => {
        await deliveries.open(NAME, at(0));
        expect(await deliveries.hold(NAME, one)).toBe(true);
        expect(await deliveries.hold(NAME, one)).toBe(true);
        await deliveries.release(NAME, one);
        expect(await deliveries.hold(NAME, other)).toBe(true);
      });

      testWithout(capabilities, "severalReplicas")(
        "is everybody's where one process alone has the database",
        async () => {
          await deliveries.open(NAME, at(0));
          expect(await deliveries.hold(NAME, one)).toBe(true);
          expect(await deliveries.hold(NAME, other)).toBe(true);
        },
      );

      testWith(capabilities, "severalReplicas")(
        "is one replica's for each destination, until it releases it",
        async () => {
          const replica = await database.open();
          try {
            await deliveries.open(NAME, at(0));
            await replica.deliveries.open("other", at(0));
            const held = await Promise.all([
              deliveries.hold(NAME, one),
              replica.deliveries.hold(NAME, other),
              replica.deliveries.hold("other", other),
            ]);
            expect([held[0] !== held[1], held[2]]).toEqual([true, true]);
            const [winner, loser] = held[0]
              ? [deliveries, replica.deliveries]
              : [replica.deliveries, deliveries];
            const [holder, rival] = held[0] ? [one, other] : [other, one];
            expect(await loser.hold(NAME, rival)).toBe(false);
            // Nobody releases what another one has.
            await loser.release(NAME, rival);
            expect(await loser.hold(NAME, rival)).toBe(false);
            expect(await winner.hold(NAME, holder)).toBe(true);
            await winner.release(NAME, holder);
            expect(await loser.hold(NAME, rival)).toBe(true);
          } finally {
            await replica.close();
          }
        },
      );

      testWith(capabilities, "severalReplicas")(
        "is over by itself when its holder doesn't ask again",
        async () => {
          await deliveries.open(NAME, at(0));
          const begun = performance.now();
          expect(await deliveries.hold(NAME, one)).toBe(true);
          await until("the lease is over", () => deliveries.hold(NAME, other));
          expect(performance.now() - begun).toBeGreaterThan(LEASE_MS - 1000);
          expect(await deliveries.hold(NAME, one)).toBe(false);
        },
        LONG_MS,
      );

      testWith(capabilities, "severalReplicas")(
        "that was lost shows: the former holder's commit is refused, and it sees what others did",
        async () => {
          const replica = await database.open();
          try {
            await deliveries.open(NAME, at(0));
            const taken = { ...CHANGE, from: at(0), to: at(3), insert: [failure(3)] };
            expect(await replica.deliveries.commit(NAME, taken)).toBe(true);
            expect(await commit({ to: at(2), insert: [failure(2)] })).toBe(false);
            expect(await deliveries.find(NAME)).toMatchObject({ position: at(3) });
            expect(seqs(await rows())).toEqual([3]);
            await replica.deliveries.pause(NAME, { reason: "asked", since: NOW });
            expect(await deliveries.find(NAME)).toMatchObject({ paused: { reason: "asked" }, version: 1 });
          } finally {
            await replica.close();
          }
        },
      );
    });

    test("senders are told by identifier, of what is stored alone, with their source", async () => {
      await store.append({ messages: [message("n", { from: "+1" }), message("m", { from: "+2" })] });
      await store.append(post("wa", [message("wa:1", { from: "+3" })]));
      expect(await store.senders(["wa:1", "n", "none", "n", ""])).toEqual(
        new Map([
          ["n", { source: "native", from: "+1" }],
          ["wa:1", { source: "wa", from: "+3" }],
        ]),
      );
      expect(await store.senders([])).toEqual(new Map());
      const ids = Array.from({ length: 1000 }, (_, index) => `x${index}`);
      expect((await store.senders([...ids, "m"])).size).toBe(1);
    });

    test(
      "any sequence of changes leaves what a plain Map of them has",
      async () => {
        const names = ["a", "b"];
        const anyName = fc.constantFrom(...names);
        const anyTime = fc.integer({ min: 0, max: 59 }).map(second);
        const anyKey = fc.record({
          seq: fc.integer({ min: 1, max: 9 }),
          replay: fc.constantFrom("", "", "r"),
        });
        const anyFailure = fc
          .record({
            key: anyKey,
            state: fc.constantFrom("waiting" as const, "waiting" as const, "dead" as const),
            attempts: fc.nat(3),
            cause: fc.constantFrom("timeout", "status", null),
            next_at: fc.option(anyTime),
          })
          .map(({ key, ...more }) =>
            failure(key.seq, {
              ...key,
              ...more,
              sender: ["", "s", "t"][key.seq % 3] ?? "",
              from: key.seq % 2 === 0 ? "+1" : null,
            }),
          );
        const anyFilter: fc.Arbitrary<FailureFilter> = fc.record(
          {
            positions: fc.array(fc.integer({ min: 1, max: 9 }).map(at), { maxLength: 4 }),
            state: fc.constantFrom("waiting" as const, "dead" as const),
            cause: fc.constantFrom("timeout", "status"),
            from: fc.constantFrom("+1", "+2"),
          },
          { requiredKeys: [] },
        );
        const anyReplay = fc
          .record({ name: anyName, id: fc.constantFrom("r", "q"), done: fc.nat(3), createdAt: anyTime })
          .map(({ name: destination, ...more }) => replay(more.id, { ...more, destination }));
        const anyPosition = fc.integer({ min: 0, max: 2 }).map(at);
        /** Gives what the store and the model say. */
        type Step = (on: DeliveryStore, model: DeliveriesModel) => Promise<readonly [unknown, unknown]>;
        const step = <T extends unknown[]>(
          arbitraries: { [Index in keyof T]: fc.Arbitrary<T[Index]> },
          does: (on: DeliveryStore | DeliveriesModel, ...given: T) => unknown,
        ): fc.Arbitrary<Step> =>
          fc
            .tuple<T>(...arbitraries)
            .map((given) => async (on, model) => [await does(on, ...given), does(model, ...given)]);
        const anyCommit = fc.record({
          from: anyPosition,
          to: anyPosition,
          at: anyTime,
          insert: fc.array(anyFailure, { maxLength: 5 }),
          update: fc.array(anyFailure, { maxLength: 3 }),
          remove: fc.array(anyKey, { maxLength: 2 }),
        });
        const anyStep: fc.Arbitrary<Step> = fc.oneof(
          step<[string, string]>([anyName, anyPosition], (on, ...given) => on.open(...given)),
          {
            weight: 5,
            arbitrary: step<[string, DeliveryCommit]>([anyName, anyCommit], (on, ...given) =>
              on.commit(...given),
            ),
          },
          step<[string, FailureFilter, string]>([anyName, anyFilter, anyTime], (on, ...given) =>
            on.retry(...given),
          ),
          step<[string, FailureFilter, string]>([anyName, anyFilter, anyTime], (on, ...given) =>
            on.drop(...given),
          ),
          step<[string, string]>([anyName, anyTime], (on, each, since) =>
            on.pause(each, since.endsWith("5.000Z") ? null : { reason: "asked", since }),
          ),
          step<[string, string]>([anyName, anyTime], (on, ...given) => on.probe(...given)),
          step<[string, string]>([anyName, anyTime], (on, each, time) =>
            on.report(each, { ...REPORT, at: time }),
          ),
          step<[string]>([anyName], (on, ...given) => on.delete(...given)),
          step<[Replay]>([anyReplay], (on, ...given) => on.addReplay(...given)),
          step<[Replay]>([anyReplay], (on, ...given) => on.moveReplay(...given)),
          step<[string, string]>([anyName, fc.constantFrom("r", "q")], (on, ...given) =>
            on.deleteReplay(...given),
          ),
        );
        const told = async (on: DeliveryStore | DeliveriesModel, filter: FailureFilter, now: string) => {
          const of = async (each: string) => [
            on instanceof DeliveriesModel
              ? on.rows(each, filter)
              : (await on.failures(each, { ...filter, limit: 100, offset: 0 })).data,
            await on.due(each, now, 3),
            await on.figures(each),
            await on.replays(each),
            ...(await Promise.all(["", "r"].map((id) => on.waitingSenders(each, id)))),
            ...(await Promise.all(["s", "t"].map((sender) => on.firstOf(each, sender)))),
            await on.firstOf(each, "s", "r"),
          ];
          return [await on.list(), ...(await Promise.all(names.map(of)))];
        };
        await fc.assert(
          fc.asyncProperty(
            fc.array(anyStep, { minLength: 5, maxLength: 25 }),
            anyFilter,
            anyTime,
            async (steps, filter, now) => {
              for (const each of await deliveries.list()) await deliveries.delete(each.name);
              const model = new DeliveriesModel();
              for (const each of names) {
                await deliveries.open(each, at(0));
                model.open(each, at(0));
              }
              for (const each of steps) {
                const [answer, expected] = await each(deliveries, model);
                expect(answer).toEqual(expected);
                expect(await told(deliveries, {}, now)).toEqual(await told(model, {}, now));
              }
              expect(await told(deliveries, filter, now)).toEqual(await told(model, filter, now));
            },
          ),
          { numRuns: 40 },
        );
        const before = await told(deliveries, {}, NOW);
        await reopen();
        expect(await told(deliveries, {}, NOW)).toEqual(before);
      },
      LONG_MS,
    );
  });
}

/** A commit that changes nothing, of a destination that stands at `at(0)`. */
const CHANGE: DeliveryCommit = { from: at(0), to: at(0), at: NOW, insert: [], update: [], remove: [] };
