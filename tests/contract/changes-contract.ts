/**
 * The promise of a store to whoever follows its log, as one suite: every record once, in the order
 * of `seq`, without a gap, and a call when there is more. Every engine runs it, with nothing
 * skipped.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Changes, ChangesQuery } from "../../src/core/changes.ts";
import type { EventRecord, MessageRecord } from "../../src/core/log-record.ts";
import type { Message } from "../../src/core/message.ts";
import { EVENT_KINDS } from "../../src/core/parsed-body.ts";
import { positionOf } from "../../src/core/position.ts";
import { bodyOf, shownRecord } from "../../src/core/record-text.ts";
import { BODIES_BYTES_MAX, type Intake, type NewEvent, type Store } from "../../src/core/store.ts";
import type { Capabilities } from "../databases/capabilities.ts";
import { anyMessage, INSTANTS, message } from "../messages.ts";
import { fc } from "../property.ts";
import { until } from "../until.ts";
import { post } from "./posts-contract.ts";
import type { TestDatabase } from "./store-contract.ts";

const LONG_MS = 120_000;
const WRITERS = 16;
const APPENDS_EACH = 25;
const MIB = 1024 * 1024;

type LogEntry = MessageRecord | EventRecord;

const event = (key: string, more: Partial<NewEvent> = {}): NewEvent => ({
  kind: "status",
  type: "read",
  key,
  messageId: null,
  ts: "2025-01-15T10:00:00Z",
  span: { start: 0, end: 1 },
  ...more,
});

export function changesContract(
  name: string,
  newDatabase: () => Promise<TestDatabase>,
  { severalReplicas }: Capabilities,
): void {
  const replicas = severalReplicas ? 2 : 1;
  describe(`${name} tells whoever follows the log`, () => {
    let database: TestDatabase;
    let store: Store;

    beforeEach(async () => {
      database = await newDatabase();
      store = await database.open();
    });

    afterEach(async () => {
      await store.close();
      await database.drop();
    });

    const append = (...ids: string[]) => store.append({ messages: ids.map((id) => message(id)) });
    const ids = ({ records }: Changes) => records.map(keyOf);

    test("an empty log has nothing, wherever one asks", async () => {
      const nothing = { records: [], bodies: new Map(), more: false, isLost: false };
      for (const after of [0, 1, 1e12])
        expect(await store.changes({ after, limit: 10 })).toMatchObject(nothing);
    });

    test("a message comes with its fields and its number, one of a provider with its part of a POST too", async () => {
      await store.append({ messages: [message("n1", { text: null })] });
      await store.append(post("wa", [message("wa:1")], [event("e1", { kind: "edit", messageId: "wa:1" })]));
      const { records, bodies, more } = await store.changes({ after: 0, limit: 10, bodies: true });
      const created_at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(records).toEqual([
        { ...message("n1", { text: null }), seq: 1, created_at },
        {
          ...{ ...message("wa:1"), seq: 2, created_at },
          ...{ source: "wa", type: "text", delivery: 2, start: 0, stop: 4 },
        },
        {
          ...{ seq: 3, source: "wa", kind: "edit", type: "read", event_key: "e1", message_id: "wa:1" },
          ...{ ts: "2025-01-15T10:00:00Z", created_at, delivery: 2, start: 4, stop: 6 },
        },
      ]);
      expect([...bodies].map(([delivery, body]) => [delivery, Buffer.from(body).toString()])).toEqual([
        [2, "wa:1e1"],
      ]);
      expect(more).toBe(false);
    });

    test("as text they are the same page, of records as they are shown", async () => {
      await store.append({ messages: [message("n1", { text: 'two\nlines, "…" and \u{1f600}' })] });
      await store.append(post("wa", [message("wa:1")], [event("e1", { kind: "edit", messageId: "wa:1" })]));
      for (const query of [
        { after: 0, limit: 10 },
        { after: 0, limit: 10, bodies: true },
        { after: 1, limit: 1, filter: { kinds: ["message" as const] } },
        { after: 3, limit: 10 },
        { after: 0, limit: 10, mark: "0" },
      ]) {
        const { log, records, bodies, position, more, isLost } = await store.changes(query);
        const { text, isEmpty, ...page } = await store.changesText(query);
        expect(page).toEqual({ position, more, isLost });
        expect(isEmpty).toBe(records.length === 0);
        expect(JSON.parse(Buffer.from(text).toString())).toEqual(
          records.map((record) => {
            const body = query.bodies === true ? bodyOf(record, bodies) : undefined;
            return shownRecord(positionOf(log, record), record, body);
          }),
        );
      }
    });

    test("of a POST its kept headers come with its bytes, and it is found by the number of its first record", async () => {
      const headers = { "content-type": "text/plain", "x-name": "ü" };
      for (const [at, kept] of [headers, undefined].entries()) {
        const { messages, post: given } = post("wa", [message(`wa:${at}`)], [event(`e${at}`)]);
        if (given === undefined) throw new Error("no POST");
        await store.append({ messages, post: { ...given, ...(kept !== undefined && { headers: kept }) } });
      }
      expect((await store.changes({ after: 0, limit: 10 })).headers?.size ?? 0).toBe(0);
      const all = await store.changes({ after: 0, limit: 10, bodies: true });
      expect([...(all.headers ?? [])]).toEqual([[1, headers]]);
      const events = all.records.flatMap((record) => ("event_key" in record ? [record] : []));
      expect(events.map(({ seq, delivery }) => [seq, delivery])).toEqual([
        [2, 1],
        [4, 3],
      ]);
      for (const { seq, kind, delivery } of events) {
        const query = { after: delivery - 1, limit: 1, filter: { kinds: [kind] }, bodies: true };
        const { records, bodies } = await store.changes(query);
        expect(records.map((each) => each.seq)).toEqual([seq]);
        expect([...bodies.keys()]).toEqual([delivery]);
      }
    });

    test("bytes come only when they are asked for", async () => {
      await store.append(post("wa", [message("wa:1")]));
      expect((await store.changes({ after: 0, limit: 10 })).bodies.size).toBe(0);
    });

    test("what is not new has no place, and leaves no gap", async () => {
      await append("a", "b");
      await append("b", "a");
      await append("c", "b", "d", "a", "e");
      await append("e");
      await store.append(post("wa", [], [event("x"), event("y")]));
      await store.append(post("wa", [message("wa:1")], [event("y"), event("z"), event("x")]));
      const all = await store.changes({ after: 0, limit: 100 });
      expect(ids(all)).toEqual(["a", "b", "c", "d", "e", "x", "y", "wa:1", "z"]);
      expect(all.records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      for (let after = 0; after <= 9; after++)
        expect(ids(await store.changes({ after, limit: 2 }))).toEqual(ids(all).slice(after, after + 2));
    });

    test("what was acknowledged is there for whoever asks then", async () => {
      let after = 0;
      for (let round = 0; round < 30; round++) {
        await append(`m${round}`);
        const page = await store.changes({ after, limit: 10 });
        expect(ids(page)).toEqual([`m${round}`]);
        after = page.records.at(-1)?.seq ?? after;
      }
    });

    test("a POST that a page begins within keeps its number and its bytes", async () => {
      const messages = Array.from({ length: 5 }, (_, index) => message(`wa:${index}`));
      await append("n");
      await store.append(post("wa", [message("wa:0")]));
      await store.append(post("wa", messages, [event("a"), event("b")]));
      for (let after = 2; after < 8; after++) {
        const { records, bodies } = await store.changes({ after, limit: 2, bodies: true });
        expect(records.map((record) => "delivery" in record && record.delivery)).toEqual(
          records.map(() => 3),
        );
        expect(Buffer.from(bodies.get(3) ?? []).toString()).toBe("wa:0wa:1wa:2wa:3wa:4ab");
      }
    });

    test(
      "a page with bytes ends before the POST that has no more room, and a single larger one comes alone",
      async () => {
        const sized = (key: string, bytes: number): Intake => {
          const body = new Uint8Array(bytes).fill(key.charCodeAt(0));
          const events = [event(`${key}1`), event(`${key}2`)];
          return { messages: [], post: { source: "wa", body, details: [], events } };
        };
        await append("n1");
        await store.append(sized("a", 9 * MIB));
        await append("n2");
        await store.append(sized("b", 9 * MIB));
        await store.append(sized("c", BODIES_BYTES_MAX + 1));
        await append("n3");
        const pages: unknown[] = [];
        for (let after = 0, more = true; more; ) {
          const page = await store.changes({ after, limit: 100, bodies: true });
          const bytes = [...page.bodies.values()].map(
            (body) => `${String.fromCharCode(body.at(-1) ?? 0)} ${body.length}`,
          );
          pages.push([ids(page), bytes]);
          after = page.records.at(-1)?.seq ?? Number.NaN;
          more = page.more;
        }
        expect(pages).toEqual([
          [["n1", "a1", "a2", "n2"], [`a ${9 * MIB}`]],
          [["b1", "b2"], [`b ${9 * MIB}`]],
          [["c1", "c2", "n3"], [`c ${BODIES_BYTES_MAX + 1}`]],
        ]);
        expect((await store.changes({ after: 0, limit: 100 })).records).toHaveLength(9);
      },
      LONG_MS,
    );

    test("a listener is called after an append, once for those of one turn, and no more once it has gone", async () => {
      let calls = 0;
      let others = 0;
      const stop = store.onChanges(() => calls++);
      store.onChanges(() => others++);
      await append("a");
      await until("the first call", () => calls > 0 && others > 0);
      stop();
      const before = { calls, others };
      await Promise.all([append("b"), append("c"), append("d")]);
      await until("the second call", () => others > before.others);
      expect(calls).toBe(before.calls);
    });

    test("one function that listens twice is called until both have gone", async () => {
      let calls = 0;
      const listener = () => calls++;
      const stops = [store.onChanges(listener), store.onChanges(listener)];
      stops[0]?.();
      await append("a");
      await until("the call", () => calls > 0);
      stops[1]?.();
    });

    test(
      "whoever follows while many store sees every record once and in order, and is woken for each",
      async () => {
        const more = await Promise.all(Array.from({ length: replicas - 1 }, () => database.open()));
        const stores = [store, ...more];
        const follower = new Follower(store);
        const given = Array.from({ length: WRITERS }, async (_, writer) => {
          const own = stores[writer % replicas] ?? store;
          for (let index = 0; index < APPENDS_EACH; index++) {
            const key = `${writer}-${index}`;
            const intake = index % 3 === 0 ? { messages: [message(key)] } : postOf(key, index % 4);
            expect((await own.append(intake)).every((outcome) => outcome === "created")).toBe(true);
          }
        });
        await Promise.all(given);
        const stored = await everything(store, 1000);
        expect(stored.map(({ seq }) => seq)).toEqual(stored.map((_, index) => index + 1));
        await until("the follower to have it all", () => follower.seen.length >= stored.length);
        await follower.stop();
        expect(follower.seen).toEqual(stored);
        await Promise.all(more.map((each) => each.close()));
      },
      LONG_MS,
    );

    test(
      "pages join at every limit to what was stored, whatever that was",
      async () => {
        const newEvent = fc.record({
          kind: fc.constantFrom(...EVENT_KINDS),
          type: fc.constantFrom(null, "read"),
          key: fc.constantFrom("k1", "k2", "k3", "k4", "k5", "k6"),
          messageId: fc.constantFrom(null, "m1"),
          ts: fc.constantFrom(...INSTANTS),
          span: fc.constant({ start: 0, end: 0 }),
        });
        const given = fc.record({
          source: fc.constantFrom("native", "wa", "b"),
          messages: fc.array(anyMessage, { maxLength: 4 }),
          events: fc.array(newEvent, { maxLength: 4 }),
        });
        const run = async (steps: readonly Given[], together: boolean): Promise<void> => {
          const fresh = await newDatabase();
          const opened = await fresh.open();
          try {
            const intakes = steps.map(intakeOf);
            if (together) await Promise.all(intakes.map((intake) => opened.append(intake)));
            else for (const intake of intakes) await opened.append(intake);
            const expected = expectedLog(steps);
            const all = await everything(opened, 1000);
            // At once they come in any order of groups; one after the other in theirs.
            if (together) expect(all).toHaveLength(expected.length);
            else expect(all.map(({ seq, ...record }) => [keyOf({ seq, ...record }), seq])).toEqual(expected);
            for (let limit = 1; limit <= all.length + 1; limit++)
              expect(await everything(opened, limit)).toEqual(all);
          } finally {
            await opened.close();
            await fresh.drop();
          }
        };
        await fc.assert(
          fc.asyncProperty(fc.array(given, { minLength: 1, maxLength: 12 }), fc.boolean(), run),
          { numRuns: 12 },
        );
      },
      LONG_MS,
    );
  });
}

/** Reads on whenever it is woken, and never by itself. */
class Follower {
  readonly seen: LogEntry[] = [];
  readonly #store: Store;
  readonly #stop: () => void;
  #isDue = true;
  #reading: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
    this.#stop = store.onChanges(() => {
      if (this.#isDue) return;
      this.#isDue = true;
      this.#reading = this.#reading.then(() => this.#read());
    });
    this.#reading = this.#read();
  }

  async stop(): Promise<void> {
    this.#stop();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for (let more = true; more; ) {
      this.#isDue = false;
      const page = await this.#store.changes({ after: this.seen.at(-1)?.seq ?? 0, limit: 7 });
      this.seen.push(...page.records);
      more = page.more;
    }
  }
}

async function everything(store: Store, limit: number): Promise<LogEntry[]> {
  const records: LogEntry[] = [];
  const query = (): ChangesQuery => ({ after: records.at(-1)?.seq ?? 0, limit });
  for (let more = true; more; ) {
    const page = await store.changes(query());
    expect(page.records.length).toBeLessThanOrEqual(limit);
    if (page.more) expect(page.records.length).toBeGreaterThan(0);
    records.push(...page.records);
    more = page.more;
  }
  return records;
}

const keyOf = (record: LogEntry) => ("event_key" in record ? record.event_key : record.message_id);

/** A POST of one message and so many events, all of them new. */
const postOf = (key: string, events: number): Intake =>
  post(
    "wa",
    [message(`wa:${key}`)],
    Array.from({ length: events }, (_, index) => event(`${key}-${index}`)),
  );

interface Given {
  readonly source: string;
  readonly messages: readonly Message[];
  readonly events: readonly NewEvent[];
}

/** Of the native source there are messages alone. */
function intakeOf({ source, messages, events }: Given): Intake {
  return source === "native" ? { messages } : post(source, messages, events);
}

/** Of each record its key and its number, when they are stored one after the other. */
function expectedLog(steps: readonly Given[]): [key: string, seq: number][] {
  const known = new Map<string, string[]>();
  const keys: string[] = [];
  // Other content under a known key of an event has a number behind it.
  const add = (name: string, key: string, content = "") => {
    const contents = known.get(name) ?? [];
    known.set(name, contents);
    if (contents.includes(content)) return;
    keys.push(contents.push(content) === 1 ? key : `${key}#${contents.length}`);
  };
  for (const { source, messages, events } of steps) {
    for (const { message_id } of messages) add(`message ${message_id}`, message_id);
    if (source !== "native") for (const { key, kind } of events) add(`event ${source} ${key}`, key, kind);
  }
  return keys.map((key, index) => [key, index + 1]);
}
