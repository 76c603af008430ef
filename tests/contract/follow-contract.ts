/**
 * The promise of a store to whoever follows its log from a position that they keep: it holds while
 * its record stands there, what is filtered out is passed, and consumers' positions are kept. Every
 * engine runs it, with nothing skipped.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  type Changes,
  type ChangesFilter,
  LAG_RECORDS_MAX,
  LOOKED_AT_MAX,
  type RecordKind,
} from "../../src/core/changes.ts";
import { CONSUMERS_MAX, type NewConsumer } from "../../src/core/consumers.ts";
import type { EventRecord, MessageRecord } from "../../src/core/log-record.ts";
import { parsePosition, positionOf, startOf } from "../../src/core/position.ts";
import type { NewEvent, Store } from "../../src/core/store.ts";
import { message } from "../messages.ts";
import { pinnedClock } from "../pinned-clock.ts";
import { fc } from "../property.ts";
import { post } from "./posts-contract.ts";
import type { TestDatabase } from "./store-contract.ts";

const LONG_MS = 120_000;
const FROM = "+1";

const event = (key: string, more: Partial<NewEvent> = {}): NewEvent => ({
  kind: "status",
  type: null,
  key,
  messageId: null,
  ts: "2025-01-15T10:00:00Z",
  span: { start: 0, end: 1 },
  ...more,
});

/** What a position asks for. */
function from(position: string): { readonly after: number; readonly mark: string } {
  const { seq = Number.NaN, mark = "" } = parsePosition(position) ?? {};
  return { after: seq, mark };
}

const keyOf = (record: MessageRecord | EventRecord) =>
  "event_key" in record ? record.event_key : record.message_id;
const keys = ({ records }: Changes) => records.map(keyOf);

export function followContract(name: string, newDatabase: () => Promise<TestDatabase>): void {
  describe(`${name} keeps its word to whoever follows from a position`, () => {
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
    const append = (...ids: string[]) => store.append({ messages: ids.map((id) => message(id)) });
    const after = (position: string, filter?: ChangesFilter, limit = 100) =>
      store.changes({ ...from(position), limit, ...(filter && { filter }) });
    const seqOf = (position: string) => from(position).after;
    /** Everything that the filter lets through, by pages, and where that ends. */
    const walk = async (filter: ChangesFilter, limit: number) => {
      const found: string[] = [];
      let position = await store.positionAt("start");
      for (let more = true; more; ) {
        const page = await after(position, filter, limit);
        expect(page.records.length).toBeLessThanOrEqual(limit);
        if (page.more) expect(seqOf(page.position)).toBeGreaterThan(seqOf(position));
        found.push(...keys(page));
        ({ position, more } = page);
      }
      return { found, position };
    };

    describe("a position", () => {
      test("is of the log and of the record that stands there, and holds after the store was opened again", async () => {
        await append("a", "b", "c");
        const { records, log, position, isLost } = await after(await store.positionAt("start"));
        expect(isLost).toBe(false);
        const positions = records.map((record) => positionOf(log, record));
        expect(position).toBe(positions.at(-1) ?? "");
        expect(new Set(positions).size).toBe(3);
        for (const each of positions) expect(each).toMatch(/^[0-9a-f]{16}\.[1-3]$/);
        await reopen();
        expect(keys(await after(positions[0] ?? ""))).toEqual(["b", "c"]);
        expect(keys(await after(positions[2] ?? ""))).toEqual([]);
      });

      test("of the start holds in an empty log too", async () => {
        const start = await store.positionAt("start");
        expect(start).toMatch(/^[0-9a-f]{8}0{8}\.0$/);
        const page = await after(start);
        expect(page).toMatchObject({ records: [], more: false, isLost: false, position: start });
        expect(await store.positionAt("now")).toBe(start);
      });

      test("is lost where another record stands, beyond the end, and in another log", async () => {
        await append("a", "b");
        const { log, position } = await after(await store.positionAt("start"));
        const start = startOf(log);
        const [mark] = position.split(".");
        const another = await newDatabase();
        const other = await another.open();
        try {
          await other.append({ messages: [message("a"), message("b")] });
          const strangers = [await other.positionAt("now"), await other.positionAt("start")];
          const made = [`${mark}.1`, `${mark}.3`, `${mark}.9999999999999999999`, `${mark}.0`, "x.1", "x.0"];
          for (const lost of [...strangers, ...made, `${log}00000000.2`]) {
            const page = await after(lost);
            expect([lost, page.isLost, page.records, page.position]).toEqual([lost, true, [], start]);
            expect(await store.lag(from(lost))).toBeUndefined();
          }
        } finally {
          await other.close();
          await another.drop();
        }
      });

      test("of an event holds, and isn't that of a message with the same key", async () => {
        await store.append(post("wa", [message("wa:1")], [event("wa:1")]));
        const { records, log } = await after(await store.positionAt("start"));
        const [first = "", second = ""] = records.map((record) => positionOf(log, record));
        expect(first.slice(8, 16)).not.toBe(second.slice(8, 16));
        expect((await after(second)).isLost).toBe(false);
      });
    });

    describe("a filter", () => {
      beforeEach(async () => {
        await store.append({ messages: [message("n1", { from: FROM, to: "+2" }), message("n2")] });
        await store.append(
          post(
            "wa",
            [message("wa:1", { from: FROM }), message("wa:2", { to: "+2" })],
            [event("e1"), event("e2", { kind: "edit" })],
          ),
        );
        await store.append(post("b", [message("b:1")], [event("e1", { kind: "echo" })]));
      });

      test("lets through what it says, of messages and of events, and the position moves to the end", async () => {
        const end = await store.positionAt("now");
        const cases: [ChangesFilter, string[]][] = [
          [{}, ["n1", "n2", "wa:1", "wa:2", "e1", "e2", "b:1", "e1"]],
          [{ kinds: ["message"] }, ["n1", "n2", "wa:1", "wa:2", "b:1"]],
          [{ kinds: ["status", "echo"] }, ["e1", "e1"]],
          [{ kinds: ["edit", "message"], sources: ["wa"] }, ["wa:1", "wa:2", "e2"]],
          [{ sources: ["native"] }, ["n1", "n2"]],
          [{ sources: ["b"] }, ["b:1", "e1"]],
          [{ sources: ["none"] }, []],
          [{ from: FROM }, ["n1", "wa:1"]],
          [{ to: "+2" }, ["n1", "wa:2"]],
          [{ from: FROM, to: "+2", sources: ["native"], kinds: ["message"] }, ["n1"]],
          [{ from: FROM, kinds: ["status"] }, []],
          [{ kinds: [] }, []],
        ];
        for (const [filter, expected] of cases)
          for (const limit of [1, 2, 100])
            expect([filter, await walk(filter, limit)]).toEqual([filter, { found: expected, position: end }]);
      });

      test("counts what is behind a position, and since when that waits", async () => {
        const start = await store.positionAt("start");
        const of = async (position: string, filter: ChangesFilter) => {
          const { records, isBound } = (await store.lag({ ...from(position), filter })) ?? {};
          return [records, isBound];
        };
        expect(await of(start, {})).toEqual([8, false]);
        expect(await of(start, { kinds: ["message"] })).toEqual([5, false]);
        expect(await of(start, { kinds: ["status"], sources: ["wa"] })).toEqual([1, false]);
        expect(await of(await store.positionAt("now"), {})).toEqual([0, false]);
        expect((await store.lag(from(await store.positionAt("now"))))?.oldest).toBeUndefined();
        const { position } = await after(start, {}, 2);
        expect(await of(position, { from: FROM })).toEqual([1, false]);
        const { records } = await store.changes({ after: 0, limit: 1 });
        expect((await store.lag(from(start)))?.oldest).toBe(records[0]?.created_at);
      });
    });

    test(
      "a page looks at so many rows at most, and a lag is counted up to its bound",
      async () => {
        const rows = LOOKED_AT_MAX + 5000;
        const intakes = Array.from({ length: rows / 250 }, (_, index) =>
          Array.from({ length: 250 }, (_, place) => message(`m${index * 250 + place}`)),
        );
        for (let index = 0; index < intakes.length; index += 20)
          await Promise.all(intakes.slice(index, index + 20).map((messages) => store.append({ messages })));
        await append("last");
        const start = await store.positionAt("start");
        const filter = { sources: ["wa"], kinds: ["message"] as const };
        const first = await after(start, filter);
        expect([first.records, first.more, first.isLost]).toEqual([[], true, false]);
        expect(seqOf(first.position)).toBe(LOOKED_AT_MAX);
        const second = await after(first.position, filter);
        expect([second.records, second.more, second.position]).toEqual([
          [],
          false,
          await store.positionAt("now"),
        ]);
        const bounded = { records: LAG_RECORDS_MAX, isBound: true };
        expect(await store.lag(from(start))).toMatchObject(bounded);
        const near = await store.changes({ after: rows - LAG_RECORDS_MAX + 1, limit: 1 });
        const lastOnes = from(positionOf(near.log, near.records[0] as MessageRecord));
        expect(await store.lag(lastOnes)).toMatchObject({
          records: LAG_RECORDS_MAX - 1,
          isBound: false,
        });
        expect(await store.lag({ ...from(start), filter })).toMatchObject({ records: 0, isBound: false });
        const upTo = async (until: number) => {
          const { records, isBound } = (await store.lag({ ...from(start), until })) ?? {};
          return [records, isBound];
        };
        expect(await upTo(LAG_RECORDS_MAX)).toEqual([LAG_RECORDS_MAX, false]);
        expect(await upTo(LAG_RECORDS_MAX + 1)).toEqual([LAG_RECORDS_MAX, true]);
      },
      LONG_MS,
    );

    test("any filter lets through the same by pages of any size as the log does by itself", async () => {
      const kinds: readonly RecordKind[] = ["message", "status", "edit"];
      const records = Array.from({ length: 40 }, (_, index) => index);
      for (const index of records) {
        const from = `+${index % 3}`;
        if (index % 4 === 0) await store.append({ messages: [message(`n${index}`, { from })] });
        else {
          const events = [event(`e${index}`, { kind: index % 2 === 0 ? "edit" : "status" })];
          const messages = index % 3 === 0 ? [] : [message(`s${index % 2}:${index}`, { from })];
          await store.append(post(`s${index % 2}`, messages, events));
        }
      }
      const all = (await store.changes({ after: 0, limit: 1000 })).records;
      const lets = (filter: ChangesFilter, record: MessageRecord | EventRecord) =>
        (filter.kinds ?? kinds).includes("event_key" in record ? record.kind : "message") &&
        filter.sources?.includes("source" in record ? record.source : "native") !== false &&
        (filter.from === undefined || ("from" in record && record.from === filter.from));
      const anyFilter = fc.record(
        {
          kinds: fc.subarray([...kinds]),
          sources: fc.subarray(["native", "s0", "s1", "none"]),
          from: fc.constantFrom("+0", "+1", "+9"),
        },
        { requiredKeys: [] },
      );
      const anyRange = fc.tuple(fc.nat({ max: all.length + 3 }), fc.nat({ max: all.length + 3 }));
      await fc.assert(
        fc.asyncProperty(
          anyFilter,
          fc.integer({ min: 1, max: 50 }),
          anyRange,
          async (filter, limit, range) => {
            const expected = all.filter((record) => lets(filter, record));
            expect((await walk(filter, limit)).found).toEqual(expected.map(keyOf));
            expect((await store.lag({ after: 0, filter }))?.records).toBe(expected.length);
            const [after, until] = range;
            const within = expected.filter(({ seq }) => seq > after && seq <= until);
            expect(await store.lag({ after, until, filter })).toMatchObject({
              records: within.length,
              isBound: false,
            });
          },
        ),
        { numRuns: 60 },
      );
    });

    describe("an instant", () => {
      const at = (time: string, ...ids: string[]) => clock.at(time, () => append(...ids));
      const nextAfter = async (since: string) =>
        keys(await after(await store.positionAt({ since }), undefined, 1))[0];

      test("is the position before the first record that was received then or later", async () => {
        await at("2025-03-01T10:00:00.000Z", "a", "b");
        await clock.at("2025-03-01T10:00:05.120Z", () => store.append(post("wa", [], [event("c")])));
        await at("2025-03-01T10:00:09.000Z", "d");
        const found = async (...instants: string[]) => Promise.all(instants.map(nextAfter));
        expect(await found("2020-01-01T00:00:00Z", "2025-03-01T10:00:00Z")).toEqual(["a", "a"]);
        expect(await found("2025-03-01T10:00:00.000000001Z", "2025-03-01T10:00:05.12Z")).toEqual(["c", "c"]);
        expect(await found("2025-03-01T10:00:05.1201Z", "2025-03-01T10:00:09Z")).toEqual(["d", "d"]);
        expect(await store.positionAt({ since: "2030-01-01T00:00:00Z" })).toBe(await store.positionAt("now"));
      });

      test("is exact where the clock went back", async () => {
        await at("2025-03-01T10:00:00.000Z", "a");
        await at("2025-03-01T12:00:00.000Z", "b");
        await at("2025-03-01T11:00:00.000Z", "c");
        await clock.at("2025-03-01T11:00:01.000Z", () => store.append(post("wa", [], [event("d")])));
        await at("2025-03-01T13:00:00.000Z", "e");
        await reopen();
        await at("2025-03-01T14:00:00.000Z", "f");
        const instants = ["10:30", "11:00", "11:30", "12:00", "12:01", "13:00", "13:01"];
        const found = await Promise.all(instants.map((time) => nextAfter(`2025-03-01T${time}:00Z`)));
        expect(found).toEqual(["b", "b", "b", "b", "e", "e", "f"]);
      });
    });

    describe("a consumer", () => {
      const consumer = (name: string, position: string, filter = {}): NewConsumer => ({
        name,
        position,
        filter: { kinds: ["message"], ...filter },
      });
      const positions = async () => {
        await append("a", "b", "c");
        const { records, log } = await store.changes({ after: 0, limit: 3 });
        return [startOf(log), ...records.map((record) => positionOf(log, record))] as [
          string,
          string,
          string,
          string,
        ];
      };

      test("is made once, found, listed by name, and gone when it is deleted", async () => {
        const [start, first] = await positions();
        const made = { ...consumer("b", start, { sources: ["wa"] }), acknowledgedAt: null };
        expect(await store.consumers.create(consumer("b", start, { sources: ["wa"] }))).toEqual({
          created: true,
          consumer: made,
        });
        expect(await store.consumers.create(consumer("b", first))).toEqual({
          created: false,
          consumer: made,
        });
        await store.consumers.create(consumer("a", first));
        expect(await store.consumers.find("b")).toEqual(made);
        expect(await store.consumers.find("c")).toBeUndefined();
        expect((await store.consumers.list()).map(({ name }) => name)).toEqual(["a", "b"]);
        expect(await store.consumers.delete("b")).toBe(true);
        expect(await store.consumers.delete("b")).toBe(false);
        expect((await store.consumers.list()).map(({ name }) => name)).toEqual(["a"]);
      });

      test("moves on by acknowledgements, never back, and anywhere by seek", async () => {
        const [start, first, second, third] = await positions();
        await store.consumers.create(consumer("c", start));
        const times = ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z"] as const;
        const acknowledge = async (position: string, time: string = times[0]) =>
          (await store.consumers.acknowledge("c", position, time))?.position;
        expect(await acknowledge(second)).toBe(second);
        expect(await acknowledge(first, times[1])).toBe(second);
        expect(await store.consumers.find("c")).toMatchObject({ position: second });
        expect((await store.consumers.seek("c", first))?.position).toBe(first);
        expect(await acknowledge(third)).toBe(third);
        for (const nobody of [
          await store.consumers.acknowledge("x", first, times[0]),
          await store.consumers.seek("x", first),
        ])
          expect(nobody).toBeUndefined();
      });

      test("is as it was when the store is opened again", async () => {
        const [start, first] = await positions();
        await store.consumers.create(consumer("c", start, { from: FROM, kinds: ["message", "edit"] }));
        const moved = await store.consumers.acknowledge("c", first, "2026-01-01T00:00:00.000Z");
        await reopen();
        expect(await store.consumers.find("c")).toEqual(moved);
        expect(moved?.acknowledgedAt).toBe("2026-01-01T00:00:00.000Z");
      });

      test("that many acknowledge at once stands at the furthest position", async () => {
        const [start, first, second, third] = await positions();
        await store.consumers.create(consumer("c", start));
        await store.consumers.create(consumer("d", start));
        const at = "2026-01-01T00:00:00.000Z";
        const all = Array.from(
          { length: 40 },
          (_, index) => [first, second, third, second][index % 4] ?? start,
        );
        await Promise.all(
          all.flatMap((position) =>
            ["c", "d"].map((each) => store.consumers.acknowledge(each, position, at)),
          ),
        );
        for (const each of ["c", "d"]) expect((await store.consumers.find(each))?.position).toBe(third);
      });

      test(
        "isn't made beyond the bound",
        async () => {
          const [start] = await positions();
          const names = Array.from({ length: CONSUMERS_MAX }, (_, index) => `c${index}`);
          for (let index = 0; index < names.length; index += 100)
            await Promise.all(
              names.slice(index, index + 100).map((each) => store.consumers.create(consumer(each, start))),
            );
          expect(await store.consumers.create(consumer("more", start))).toBeUndefined();
          expect((await store.consumers.create(consumer("c5", start)))?.created).toBe(false);
          await store.consumers.delete("c0");
          expect((await store.consumers.create(consumer("more", start)))?.created).toBe(true);
        },
        LONG_MS,
      );
    });
  });
}
