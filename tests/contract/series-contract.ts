/**
 * The promise of a store for numbers over time: each record and each request counts once, in every
 * step, and an answer is what was counted. Every engine runs it, with nothing skipped.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { openSync } from "node:fs";
import { LEASE_MS } from "../../src/core/deliveries.ts";
import { EVENT_KINDS, type EventKind } from "../../src/core/parsed-body.ts";
import { parsePosition, seqOf } from "../../src/core/position.ts";
import {
  KEPT_S,
  REFUSALS_MAX,
  type Series as ReadSeries,
  type RecordsCounted,
  type RequestsCounted,
  type SeriesLabel,
  type SeriesQuery,
  STEP_S,
  STEPS,
  type StepCount,
} from "../../src/core/series.ts";
import type { Store } from "../../src/core/store.ts";
import { Following } from "../../src/follow/following.ts";
import { Series } from "../../src/follow/series/series.ts";
import { StepCounts } from "../../src/follow/series/step-counts.ts";
import { randomId } from "../../src/lib/chance.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Log } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { type Capabilities, testWith } from "../databases/capabilities.ts";
import { message } from "../messages.ts";
import { pinnedClock } from "../pinned-clock.ts";
import { fc } from "../property.ts";
import { until } from "../until.ts";
import { event, post } from "./posts-contract.ts";
import type { TestDatabase } from "./store-contract.ts";

const LONG_MS = 120_000;
const REST_MS = 2500;
const DAY_S = STEP_S.day;
/** 2026-03-01 00:00 UTC. */
const MIDNIGHT_S = 1_772_323_200;
const ALL: SeriesQuery = {
  of: "records",
  step: "day",
  from: 0,
  to: 40_000 * DAY_S,
  by: ["source", "what"],
  seriesMax: 1000,
};

const iso = (second: number) => new Date(second * 1000).toISOString();
const sum = (counts: readonly number[]) => counts.reduce((total, rows) => total + rows, 0);
const total = (series: readonly ReadSeries[] | undefined) =>
  sum((series ?? []).map(({ counts }) => sum(counts)));
const log = new Log({
  level: "ERROR",
  bufferBytesMax: 1e6,
  clock: systemClock,
  fd: openSync("/dev/null", "w"),
});

/** Counted in all three steps. */
function counted(counts: readonly { at: number; source: string; what: string; rows: number }[]) {
  const steps = new StepCounts();
  for (const count of counts) steps.add(count, 0);
  return steps.rows;
}

const added = (number: number, more: Partial<RequestsCounted> = {}): RequestsCounted => ({
  holder: "b0b5e1d0-0000-4000-8000-000000000001",
  number,
  counts: [],
  refusals: [],
  ...more,
});

/** What an answer should be, of rows that were added. */
function modelRead(rows: readonly StepCount[], query: SeriesQuery): readonly ReadSeries[] {
  const stepS = STEP_S[query.step];
  const found = new Map<string, { source: string | null; what: string | null; counts: number[] }>();
  for (const { step, at, source, what, rows: more } of rows) {
    if (step !== query.step || at < query.from || at >= query.to) continue;
    if (query.source !== undefined && source !== query.source) continue;
    const labels = {
      source: query.by.includes("source") ? source : null,
      what: query.by.includes("what") ? what : null,
    };
    const key = JSON.stringify(labels);
    const series = found.get(key) ?? {
      ...labels,
      counts: new Array((query.to - query.from) / stepS).fill(0),
    };
    found.set(key, series);
    const index = (at - query.from) / stepS;
    series.counts[index] = (series.counts[index] ?? 0) + more;
  }
  const order = (a: string | null, b: string | null) =>
    (a ?? "") < (b ?? "") ? -1 : (a ?? "") > (b ?? "") ? 1 : 0;
  return [...found.values()].sort((a, b) => order(a.source, b.source) || order(a.what, b.what));
}

export function seriesContract(
  name: string,
  newDatabase: () => Promise<TestDatabase>,
  capabilities: Capabilities,
): void {
  describe(`${name} keeps its word about numbers over time`, () => {
    const clock = pinnedClock();
    let database: TestDatabase;
    let store: Store;

    beforeEach(async () => {
      database = await newDatabase();
      store = await database.open({ clock });
    });

    afterEach(async () => {
      await store.close();
      await database.drop();
    });

    const reopen = async () => {
      await store.close();
      store = await database.open({ clock });
    };
    const open = (of: Store) => {
      const metrics = new Metrics({ version: "test", runtime: "test" });
      const following = new Following({ store: of, clock, log });
      return { metrics, series: new Series({ following, metrics, log, holder: randomId() }) };
    };
    /** Until everything that is stored is counted; resolves with all days. */
    const caughtUp = () =>
      until("all is counted", async () => {
        const { position } = await store.series.state();
        return position === (await store.positionAt("now")) && (await store.series.read(ALL));
      });
    const counting = async (of: Store = store) => {
      const { series } = open(of);
      series.begin();
      try {
        return await caughtUp();
      } finally {
        await series.close();
      }
    };
    /** What the log holds, as all days should say it. */
    const fromLog = async () => {
      const rows = new StepCounts();
      let position = await store.positionAt("start");
      for (let more = true; more; ) {
        const { seq = 0 } = parsePosition(position) ?? {};
        const page = await store.changes({ after: seq, limit: 500 });
        for (const record of page.records)
          rows.add(
            {
              at: Date.parse(record.created_at) / 1000,
              source: "source" in record ? record.source : "native",
              what: "event_key" in record ? record.kind : "message",
              rows: 1,
            },
            0,
          );
        ({ position, more } = page);
      }
      return rows.rows;
    };

    describe("counts of records", () => {
      const change = (from: string | null, to: string, rows: number): RecordsCounted => ({
        from,
        to,
        counts: counted([{ at: MIDNIGHT_S, source: "wa", what: "message", rows }]),
        last: [{ source: "wa", what: "message", at: iso(MIDNIGHT_S) }],
      });

      test("are added where the position is the one that they begin at, and nowhere else", async () => {
        expect(await store.series.state()).toEqual({ position: null, at: null });
        expect(await store.series.count(change("x.1", "x.2", 9))).toBe(false);
        expect(await store.series.count(change(null, "x.1", 1))).toBe(true);
        expect(await store.series.count(change(null, "x.1", 9))).toBe(false);
        expect(await store.series.count(change("x.1", "x.2", 2))).toBe(true);
        await reopen();
        expect(await store.series.state()).toEqual({ position: "x.2", at: iso(MIDNIGHT_S) });
        expect(total(await store.series.read(ALL))).toBe(3);
      });

      test("move on once, whoever adds them at the same moment", async () => {
        const taken = await Promise.all(
          Array.from({ length: 8 }, () => store.series.count(change(null, "x.1", 1))),
        );
        expect(taken.filter((isTaken) => isTaken)).toHaveLength(1);
        expect(total(await store.series.read(ALL))).toBe(1);
      });

      test("are deleted in parts where their position is lost, and not where somebody has begun anew", async () => {
        const counts = counted(
          Array.from({ length: 1500 }, (_, minute) => ({
            at: MIDNIGHT_S + 60 * minute,
            source: "wa",
            what: "message",
            rows: 1,
          })),
        );
        await store.series.count({ from: null, to: "x.9", counts, last: change(null, "", 1).last });
        expect(await store.series.clear("x.8")).toBe(false);
        expect(total(await store.series.read(ALL))).toBe(1500);
        expect(await store.series.clear("x.9")).toBe(true);
        expect(await store.series.state()).toEqual({ position: null, at: null });
        await reopen();
        while (await store.series.clear("x.9"));
        for (const step of STEPS)
          expect(
            await store.series.read({ ...ALL, step, from: MIDNIGHT_S, to: MIDNIGHT_S + 2 * DAY_S }),
          ).toEqual([]);
        expect(await store.series.lastRecords()).toEqual([]);
        expect(await store.series.count(change(null, "y.1", 4))).toBe(true);
        expect(await store.series.clear("x.9")).toBe(false);
        expect(await store.series.clear(null)).toBe(false);
        expect(total(await store.series.read(ALL))).toBe(4);
      });

      test("keep the latest record of each source and kind", async () => {
        const last = (source: string, what: string, at: number) => ({ source, what, at: iso(at) });
        const of = (from: string | null, to: string, ...all: RecordsCounted["last"]) =>
          store.series.count({ from, to, counts: [], last: all });
        await of(null, "x.1", last("b", "message", 5), last("a", "status", 9));
        await of("x.1", "x.2", last("b", "message", 4), last("a", "message", 7));
        expect(await store.series.lastRecords()).toEqual([
          last("a", "message", 7),
          last("a", "status", 9),
          last("b", "message", 5),
        ]);
      });
    });

    describe("counts of requests", () => {
      const counts = (rows: number) => counted([{ at: MIDNIGHT_S, source: "wa", what: "ok", rows }]);
      const all = () => store.series.read({ ...ALL, of: "requests" });

      test("are added once, however often their write is done", async () => {
        await store.series.add(added(1, { counts: counts(2) }));
        await store.series.add(added(1, { counts: counts(2) }));
        await reopen();
        await store.series.add(added(1, { counts: counts(2) }));
        expect(total(await all())).toBe(2);
        await store.series.add(added(2, { counts: counts(3) }));
        const other = randomId();
        await store.series.add(added(1, { holder: other, counts: counts(10) }));
        expect(total(await all())).toBe(15);
        expect(total(await store.series.read(ALL))).toBe(0);
      });

      test("add up, whoever writes at the same moment", async () => {
        const many = counted(
          ["a", "b", "c", "d"].flatMap((source) =>
            ["ok", "duplicate", "error"].map((what) => ({ at: MIDNIGHT_S, source, what, rows: 1 })),
          ),
        );
        await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            store.series.add(
              added(1, { holder: randomId(), counts: index % 2 === 0 ? many : many.toReversed() }),
            ),
          ),
        );
        expect(total(await all())).toBe(20 * 12);
      });
    });

    test("of refusals each source keeps the newest, newest first", async () => {
      const refusal = (source: string, number: number) => ({
        source,
        at: iso(MIDNIGHT_S + number),
        client: "203.0.113.9",
        reason: `no ${number}`,
        method: "POST",
        path: `/webhook/${source}`,
      });
      for (let number = 1; number <= 3; number++)
        await store.series.add(
          added(number, {
            refusals: Array.from({ length: 40 }, (_, index) => refusal("a", 40 * (number - 1) + index)),
          }),
        );
      await store.series.add(added(4, { refusals: [refusal("b", 7)] }));
      await reopen();
      const of = async (source?: string, limit = 1000) =>
        store.series.refusals({ limit, ...(source !== undefined && { source }) });
      expect(await of("a")).toEqual(
        Array.from({ length: REFUSALS_MAX }, (_, index) => refusal("a", 119 - index)),
      );
      expect(await of("b")).toEqual([refusal("b", 7)]);
      expect(await of(undefined, 2)).toEqual([refusal("a", 119), refusal("a", 118)]);
      expect(await of()).toHaveLength(REFUSALS_MAX + 1);
      expect(await of("c")).toEqual([]);
    });

    test("minutes and hours that are over are deleted, in parts, and days are not", async () => {
      const now = MIDNIGHT_S + 200 * DAY_S;
      const of = (at: number, source: string) => ({ at, source, what: "ok", rows: 1 });
      const old = Array.from({ length: 1200 }, (_, index) => of(now - 3 * DAY_S - 60 * index, "old"));
      const counts = counted([
        ...old,
        of(now - KEPT_S.minute, "minute"),
        of(now - KEPT_S.hour - 60, "hour"),
        of(now - KEPT_S.hour, "kept"),
      ]);
      await store.series.count({ from: null, to: "x.1", counts, last: [] });
      await store.series.add(added(1, { counts }));
      let parts = 1;
      while (await store.series.prune(now)) parts++;
      expect(parts).toBeGreaterThan(2);
      for (const kind of ["records", "requests"] as const) {
        const sources = async (step: SeriesQuery["step"], days: number) => {
          const to = Math.ceil(now / DAY_S) * DAY_S + DAY_S;
          const query = { ...ALL, of: kind, step, from: to - days * DAY_S, to, by: ["source"] as const };
          return (await store.series.read(query))?.map(({ source }) => source);
        };
        expect(await sources("minute", 100)).toEqual(["minute"]);
        expect(await sources("hour", 100)).toEqual(["kept", "minute", "old"]);
        expect(await sources("day", 100)).toEqual(["hour", "kept", "minute", "old"]);
      }
    });

    test(
      "an answer is what was counted, for any steps, ranges and labels",
      async () => {
        const at = fc.integer({ min: MIDNIGHT_S - 2 * DAY_S, max: MIDNIGHT_S + 2 * DAY_S });
        const edge = fc.constantFrom(
          MIDNIGHT_S,
          MIDNIGHT_S - 1,
          MIDNIGHT_S + 59,
          MIDNIGHT_S + 60,
          MIDNIGHT_S + 3599,
          MIDNIGHT_S + 3600,
        );
        const count = fc.record({
          at: fc.oneof(at, edge),
          source: fc.constantFrom("a", "b", "B", "native"),
          what: fc.constantFrom("message", "status", "echo"),
          rows: fc.integer({ min: 1, max: 5 }),
        });
        const asked = fc.record(
          {
            step: fc.constantFrom(...STEPS),
            begin: fc.oneof(at, edge),
            steps: fc.integer({ min: 1, max: 90 }),
            by: fc.constantFrom<readonly SeriesLabel[]>(["source", "what"], ["source"], ["what"]),
            source: fc.constantFrom("a", "native", "nobody"),
          },
          { requiredKeys: ["step", "begin", "steps", "by"] },
        );
        let position: string | null = null;
        const rows: StepCount[] = [];
        let number = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(count, { maxLength: 12 }), asked, async (counts, given) => {
            const { step, begin, steps, by, source } = given;
            const more = counted(counts);
            const to = `x.${++number}`;
            expect(await store.series.count({ from: position, to, counts: more, last: [] })).toBe(true);
            position = to;
            rows.push(...more);
            const from = Math.floor(begin / STEP_S[step]) * STEP_S[step];
            const range = { step, from, to: from + steps * STEP_S[step], by };
            const query = { ...ALL, ...range, ...(source !== undefined && { source }) };
            const expected = modelRead(rows, query);
            expect(await store.series.read(query)).toEqual(expected);
            if (expected.length > 0)
              expect(await store.series.read({ ...query, seriesMax: expected.length - 1 })).toBeUndefined();
          }),
          { numRuns: 80 },
        );
      },
      LONG_MS,
    );

    describe("the log is counted", () => {
      const append = (at: string, id: string) =>
        clock.at(at, () => store.append({ messages: [message(id)] }));

      test("by source, kind and the minute in which it was received", async () => {
        await append("2026-02-28T23:59:59.999Z", "a");
        await append("2026-03-01T00:00:00.000Z", "b");
        const events = EVENT_KINDS.map((kind) => event(kind, { kind }));
        await clock.at("2026-03-01T00:00:30Z", () => store.append(post("wa", [message("wa:c")], events)));
        const page = await store.changesCounts({ after: 0 });
        expect(page).toMatchObject({ more: false, isLost: false, position: await store.positionAt("now") });
        const shown = page.minutes.map(({ minute, source, what, rows }) => [iso(minute), source, what, rows]);
        expect(shown).toEqual(
          expect.arrayContaining([
            ["2026-02-28T23:59:00.000Z", "native", "message", 1],
            ["2026-03-01T00:00:00.000Z", "native", "message", 1],
            ["2026-03-01T00:00:00.000Z", "wa", "message", 1],
            ...EVENT_KINDS.map((kind) => ["2026-03-01T00:00:00.000Z", "wa", kind, 1]),
          ]),
        );
        expect(shown).toHaveLength(3 + EVENT_KINDS.length);
        const { seq = 0, mark = "" } = parsePosition(page.position) ?? {};
        expect(await store.changesCounts({ after: seq, mark })).toMatchObject({ minutes: [], more: false });
        const lost = await store.changesCounts({ after: seq, mark: "0123456789abcdef" });
        expect(lost).toMatchObject({ minutes: [], more: false, isLost: true });
        expect(seqOf(lost.position)).toBe(0);
      });

      test(
        "each record once, over any number of pages, starts and instants",
        async () => {
          const kinds = fc.constantFrom<EventKind>(...EVENT_KINDS);
          const step = fc.record({
            at: fc.date({
              min: new Date("2026-02-27T22:00:00Z"),
              max: new Date("2026-03-02T02:00:00Z"),
              noInvalidDate: true,
            }),
            source: fc.constantFrom("wa", "tg"),
            native: fc.integer({ min: 0, max: 3 }),
            messages: fc.integer({ min: 0, max: 3 }),
            kinds: fc.array(kinds, { maxLength: 3 }),
            counts: fc.boolean(),
          });
          let number = 0;
          const id = () => `${++number}`;
          await fc.assert(
            fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
              for (const { at, source, native, messages, kinds: all, counts } of steps) {
                await clock.at(at.toISOString(), async () => {
                  await store.append({ messages: Array.from({ length: native }, () => message(id())) });
                  const of = Array.from({ length: messages }, () => message(`${source}:${id()}`));
                  const what = all.map((kind) => event(id(), { kind }));
                  if (of.length + what.length > 0) await store.append(post(source, of, what));
                });
                if (counts) await counting();
              }
              expect(await counting()).toEqual(modelRead(await fromLog(), ALL));
            }),
            { numRuns: 12 },
          );
        },
        LONG_MS,
      );

      testWith(capabilities, "severalReplicas")(
        "each record once, while two replicas count at the same time",
        async () => {
          const other = await database.open({ clock });
          const both = [open(store), open(other)];
          for (const { series } of both) series.begin();
          // Whoever holds the lease alone would count: without it both do.
          const holdsAlways = (of: Store) => Object.assign(of.series, { hold: () => of.series.state() });
          holdsAlways(store);
          holdsAlways(other);
          for (let round = 0; round < 40; round++) {
            await store.append(post("wa", [message(`wa:${round}`)], [event(`${round}`)]));
            await other.append({ messages: [message(`n${round}`)] });
            if (round % 10 === 0) await caughtUp();
          }
          const days = await caughtUp();
          for (const { series } of both) await series.close();
          await other.close();
          expect(days).toEqual(modelRead(await fromLog(), ALL));
        },
        LONG_MS,
      );

      testWith(capabilities, "severalReplicas")(
        "by one replica at a time, and by another one once it is gone",
        async () => {
          const [one, two] = [randomId(), randomId()];
          expect(await store.series.hold(one)).toEqual({ position: null, at: null });
          expect(await store.series.hold(two)).toBeUndefined();
          expect(await store.series.hold(one)).toBeDefined();
          await store.series.release(one);
          expect(await store.series.hold(two)).toBeDefined();
          await until("its lease is over", () => store.series.hold(one), 3 * LEASE_MS);
        },
        LONG_MS,
      );

      test(
        "anew where it isn't what it was",
        async () => {
          await store.append(post("wa", [message("wa:a"), message("wa:b")], [event("e")]));
          await store.append({ messages: [message("last")] });
          await counting();
          const before = (await store.series.state()).position;
          await store.close();
          const putAnother = await database.leaveNumberOut();
          await putAnother("another");
          store = await database.open({ clock });
          const days = await counting();
          expect(days).toEqual(modelRead(await fromLog(), ALL));
          expect((await store.series.state()).position).not.toBe(before);
        },
        LONG_MS,
      );
    });

    describe("what a source brought last is in the metrics", () => {
      const lastIn = async (metrics: Metrics, what: "message" | "event") => {
        const line = new RegExp(`^webhook_last_${what}_timestamp_seconds\\{source="wa"\\} (.*)$`, "m");
        const [, value] = line.exec(await metrics.expose()) ?? [];
        return value === undefined ? undefined : iso(Number(value));
      };
      const shows = (metrics: Metrics, message: string, event: string) =>
        until("both are known", async () => {
          const shown = [await lastIn(metrics, "message"), await lastIn(metrics, "event")];
          return shown.join() === `${message},${event}`;
        });
      const FIRST = "2026-03-01T10:00:00.250Z";
      const SECOND = "2026-03-01T11:00:00.500Z";
      const THIRD = "2026-03-02T12:00:00.750Z";
      const append = (at: string, ...given: Parameters<typeof post>) =>
        clock.at(at, () => store.append(post(...given)));

      test(
        "from the start on, also where nobody had counted it yet",
        async () => {
          await append(FIRST, "wa", [message("wa:a")], []);
          await append(SECOND, "wa", [], [event("e", { kind: "status" })]);
          await append(THIRD, "tg", [message("tg:a")], [event("e")]);
          await counting();
          for (const [at, id] of [
            [FIRST, undefined],
            [THIRD, "wa:b"],
          ] as const) {
            if (id !== undefined) await append(at, "wa", [message(id)], []);
            await reopen();
            const { series, metrics } = open(store);
            metrics.webhooksOf("wa");
            series.begin();
            await shows(metrics, at, SECOND);
            expect(await metrics.expose()).not.toContain('{source="tg"}');
            await series.close();
          }
        },
        LONG_MS,
      );

      testWith(capabilities, "severalReplicas")(
        "of each replica, whoever received and counted it",
        async () => {
          const other = await database.open({ clock });
          const [first, second] = [open(store), open(other)];
          for (const { metrics } of [first, second]) metrics.webhooksOf("wa");
          first.series.begin();
          await append(FIRST, "wa", [message("wa:a")], [event("e")]);
          await shows(first.metrics, FIRST, FIRST);
          second.series.begin();
          await shows(second.metrics, FIRST, FIRST);
          await append(SECOND, "wa", [message("wa:b")], []);
          await shows(first.metrics, SECOND, FIRST);
          await first.series.close();
          await shows(second.metrics, SECOND, FIRST);
          await append(THIRD, "wa", [], [event("f")]);
          await shows(second.metrics, SECOND, THIRD);
          await second.series.close();
          await other.close();
        },
        LONG_MS,
      );

      testWith(capabilities, "severalReplicas")(
        "of one that counted, slept while another did, and counts again",
        async () => {
          const other = await database.open({ clock });
          const [first, second] = [open(store), open(other)];
          for (const { metrics } of [first, second]) metrics.webhooksOf("wa");
          let awake = Promise.resolve();
          Object.assign(other.series, { hold: () => awake.then(() => other.series.state()) });
          second.series.begin();
          await append(FIRST, "wa", [message("wa:a")], [event("e")]);
          await shows(second.metrics, FIRST, FIRST);
          const { promise, resolve } = Promise.withResolvers<void>();
          awake = promise;
          first.series.begin();
          await append(SECOND, "wa", [message("wa:b")], []);
          await shows(first.metrics, SECOND, FIRST);
          await first.series.close();
          await append(THIRD, "wa", [], [event("f")]);
          resolve();
          await shows(second.metrics, SECOND, THIRD);
          await second.series.close();
          await other.close();
        },
        LONG_MS,
      );
    });

    test("nothing is read or written while nothing comes", async () => {
      await store.append({ messages: [message("a")] });
      const { series, metrics } = open(store);
      metrics.webhooksOf("wa").requests.ok++;
      series.begin();
      await caughtUp();
      await until(
        "requests are written",
        async () => total(await store.series.read({ ...ALL, of: "requests" })) === 1,
      );
      const asked: string[] = [];
      const watch = (of: object, names: readonly string[]) => {
        for (const name of names) {
          const work = Reflect.get(of, name).bind(of);
          const watched = (...given: unknown[]) => {
            asked.push(name);
            return work(...given);
          };
          Object.assign(of, { [name]: watched });
        }
      };
      watch(store.series, ["state", "hold", "count", "clear", "add", "prune", "read", "lastRecords"]);
      watch(store, ["changesCounts", "changes", "positionAt"]);
      // An engine may still tell of what has been counted already.
      await until("it rests", async () => {
        asked.length = 0;
        await Bun.sleep(REST_MS);
        return asked.length === 0;
      });
      await series.close();
    });
  });
}
