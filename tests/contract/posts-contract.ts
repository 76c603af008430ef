/**
 * The promise of a store for what providers' POSTs hold, as one suite: events are kept once, with
 * the very bytes, and are counted exactly. Every engine runs all of it.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { IntakeRejected, Overloaded, QueryTimeout } from "../../src/core/errors.ts";
import type { Message } from "../../src/core/message.ts";
import { EVENT_KINDS } from "../../src/core/parsed-body.ts";
import type {
  EventKey,
  EventPage,
  EventQuery,
  Intake,
  MessageQuery,
  NewEvent,
  Outcome,
  Store,
  StoredEvent,
} from "../../src/core/store.ts";
import { anyMessage, anyQuery, INSTANTS, message } from "../messages.ts";
import { Model, nanoseconds } from "../model.ts";
import { fc } from "../property.ts";
import { until } from "../until.ts";
import type { TestDatabase } from "./store-contract.ts";

const LONG_MS = 120_000;
const ALL: MessageQuery = { limit: 100, offset: 0 };
const EVENTS: EventQuery = { limit: 100, offset: 0 };

/** Some have what separates filters in an index, or escapes it. */
const EVENT_TYPES = [null, "read", "a b/c", "a", "Réad", "a\u00010b/c", "a!"] as const;

/** Of `INSTANTS`; the last one ends before it begins. */
const SPANS = [
  {},
  { since: "2025-01-15T10:00:00Z" },
  { since: "2026-01-01T00:00:00Z" },
  { until: "2025-01-15T10:00:00.5Z" },
  { since: "2025-01-15T10:00:00Z", until: "2025-01-15T10:00:00.500Z" },
  { since: "2025-01-15T10:00:01Z", until: "2025-01-15T10:00:00Z" },
] as const;

export const event = (key: string, more: Partial<NewEvent> = {}): NewEvent => ({
  kind: "status",
  type: null,
  key,
  messageId: null,
  ts: "2025-01-15T10:00:00Z",
  span: { start: 0, end: 1 },
  ...more,
});

/** A POST whose body is the texts of its messages and the keys of its events, each a part of it. */
export function post(
  source: string,
  messages: readonly Message[],
  events: readonly NewEvent[] = [],
  type = "text",
): Intake {
  const parts = [
    ...messages.map(({ message_id }) => Buffer.from(message_id)),
    ...events.map(({ key }) => Buffer.from(key)),
  ];
  let end = 0;
  const spans = parts.map(({ length }) => {
    end += length;
    return { start: end - length, end };
  });
  const spanAt = (index: number) => spans[index] ?? { start: 0, end: 0 };
  return {
    messages,
    post: {
      source,
      body: Buffer.concat(parts),
      details: messages.map((_, index) => ({ type, span: spanAt(index) })),
      events: events.map((each, index) => ({ ...each, span: spanAt(messages.length + index) })),
    },
  };
}

export function postsContract(name: string, newDatabase: () => Promise<TestDatabase>): void {
  describe(`${name} keeps what POSTs hold`, () => {
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

    const reopen = async (limits?: Parameters<TestDatabase["open"]>[0]): Promise<void> => {
      await store.close();
      store = await database.open(limits);
    };
    const keys = async (query: Partial<EventQuery> = {}): Promise<string[]> =>
      (await store.events({ ...EVENTS, ...query })).data.map(({ event_key }) => event_key);

    test("an append gives one outcome a message, then one an event, and everything is there", async () => {
      const given = post("wa", [message("wa:1"), message("wa:2")], [event("e1"), event("e2")]);
      expect(await store.append(given)).toEqual(["created", "created", "created", "created"]);
      expect(await store.append(given)).toEqual(["duplicate", "duplicate", "duplicate", "duplicate"]);
      expect((await store.list(ALL)).total).toBe(2);
      expect(await keys()).toEqual(["e1", "e2"]);
    });

    test("fifty concurrent POSTs of one event give one row and one 'created'", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => store.append(post("wa", [], [event("e")]))),
      );
      expect(outcomes.flat().filter((outcome) => outcome === "created")).toHaveLength(1);
      expect(outcomes.flat().filter((outcome) => outcome === "duplicate")).toHaveLength(49);
      expect((await store.events(EVENTS)).total).toBe(1);
    });

    test("a key is an event's within its source only", async () => {
      await store.append(post("wa", [], [event("e", { kind: "edit" })]));
      expect(await store.append(post("sms", [], [event("e")]))).toEqual(["created"]);
      expect((await store.events({ ...EVENTS, source: "wa" })).data.map(({ kind }) => kind)).toEqual([
        "edit",
      ]);
    });

    test("a POST's bytes are kept once, and not at all when nothing in it is new", async () => {
      const given = post("wa", [message("wa:1"), message("wa:2")], [event("e1")]);
      await store.append(given);
      await store.append(given);
      await store.append(post("wa", [message("wa:2")], [event("e1"), event("e2")]));
      expect(await database.bodies()).toEqual(["wa:1wa:2e1", "wa:2e1e2"]);
    });

    test("parts come back byte for byte, whatever bytes they are", async () => {
      const body = Uint8Array.from([0, 0xff, 0xfe, 0x7b, 0x80, 0x0a, 0xc3]);
      await store.append({
        messages: [message("wa:1")],
        post: {
          source: "wa",
          body,
          details: [{ type: "image", span: { start: 1, end: 4 } }],
          events: [
            event("all", { span: { start: 0, end: 7 } }),
            event("none", { span: { start: 7, end: 7 } }),
          ],
        },
      });
      expect((await store.message("wa:1"))?.body).toEqual(body.slice(1, 4));
      const bodies = (await store.events(EVENTS)).data.map((each) => each.body);
      expect(bodies).toEqual([body, new Uint8Array()]);
    });

    test("what is kept of a POST's headers comes with its parts, and is nobody else's", async () => {
      const headers = { "content-type": "text/plain", "x-a": "\"\u00e9\u2693'" };
      const withHeaders = ({ messages, post: given }: Intake, kept: Record<string, string>): Intake => ({
        messages,
        ...(given && { post: { ...given, headers: kept } }),
      });
      await store.append({ messages: [message("n1")] });
      await store.append(
        withHeaders(post("wa", [message("wa:1")], [event("e1", { messageId: "wa:1" })]), headers),
      );
      // What is new beside what comes again has the headers that it came with.
      const again = post("wa", [message("wa:1")], [event("e1"), event("e2")]);
      await store.append(withHeaders(again, { "x-b": "2" }));
      await store.append(post("wa", [message("wa:2")], [event("e3")]));
      const ask = async () => {
        expect((await store.message("n1"))?.headers).toBeNull();
        expect((await store.message("wa:2"))?.headers).toBeNull();
        const found = await store.message("wa:1");
        expect([found?.headers, found?.events.map((each) => each.headers)]).toEqual([headers, [headers]]);
        const { data } = await store.events(EVENTS);
        expect(data.map((each) => each.headers)).toEqual([headers, { "x-b": "2" }, null]);
      };
      await ask();
      await reopen();
      await ask();
    });

    test("one message comes with its source, type, place and the events that are about it", async () => {
      await store.append({ messages: [message("n1")] });
      await store.append(
        post(
          "wa",
          [message("wa:1", { text: null })],
          [
            event("read", { messageId: "wa:1", ts: "2025-01-15T10:00:02Z" }),
            event("sent", { messageId: "wa:1", ts: "2025-01-15T10:00:01Z" }),
            event("other", { messageId: "wa:2" }),
          ],
        ),
      );
      const found = await store.message("wa:1");
      expect(found).toMatchObject({
        ...message("wa:1", { text: null }),
        source: "wa",
        type: "text",
        seq: 2,
      });
      expect(Buffer.from(found?.body ?? []).toString()).toBe("wa:1");
      expect(found?.events.map(({ event_key }) => event_key)).toEqual(["sent", "read"]);
      expect(await store.message("n1")).toMatchObject({
        ...message("n1"),
        source: "native",
        type: null,
        body: null,
        events: [],
      });
      expect(await store.message("wa:3")).toBeUndefined();
    });

    test("of many events about a message the latest hundred come with it, and all are listed", async () => {
      const events = Array.from({ length: 130 }, (_, index) =>
        event(`e${index}`, { messageId: "wa:1", ts: new Date(index * 1000).toISOString() }),
      );
      await store.append(post("wa", [message("wa:1")], events));
      const ask = async () => {
        const found = await store.message("wa:1");
        expect(found?.events.map(({ event_key }) => event_key)).toEqual(
          events.slice(30).map(({ key }) => key),
        );
        expect((await store.events({ ...EVENTS, messageId: "wa:1" })).total).toBe(130);
        expect(await keys({ messageId: "wa:1", offset: 120 })).toHaveLength(10);
      };
      await ask();
      // Made anew, the index has taken everything.
      await store.rebuildIndex();
      await ask();
    });

    test("an identifier that another source has is a conflict, never a duplicate, and the first stays", async () => {
      await store.append({ messages: [message("wa:1"), message("sms:1")] });
      expect(await store.append(post("wa", [message("wa:1")]))).toEqual(["conflict"]);
      expect(await store.append(post("wa", [message("wa:1", { text: "x" }), message("wa:2")]))).toEqual([
        "conflict",
        "created",
      ]);
      expect(await store.append({ messages: [message("wa:2")] })).toEqual(["conflict"]);
      expect(await store.message("wa:1")).toMatchObject({ source: "native", text: "Hello" });
      expect(await store.message("wa:2")).toMatchObject({ source: "wa" });
    });

    test("messages and events share one sequence", async () => {
      await store.append(post("wa", [message("wa:1")], [event("a"), event("b")]));
      await store.append({ messages: [message("n")] });
      await store.append(post("wa", [], [event("b"), event("c")]));
      await reopen();
      await store.append(post("wa", [message("wa:2")], [event("d")]));
      const messages = (await database.sequence()).map(({ seq }) => seq);
      const events = (await store.events(EVENTS)).data.map(({ seq }) => seq);
      expect(messages).toEqual([1, 4, 6]);
      expect(events).toEqual([2, 3, 5, 7]);
    });

    test("events are ordered by instant, of equal ones by sequence, and every filter counts exactly", async () => {
      const all = Array.from({ length: 240 }, (_, index) => ({
        source: ["wa", "sms", "wa-2"][index % 3] as string,
        event: event(`e${index}`, {
          kind: EVENT_KINDS[index % EVENT_KINDS.length] as NewEvent["kind"],
          type: EVENT_TYPES[index % EVENT_TYPES.length] as string | null,
          ts: INSTANTS[(index * 7) % INSTANTS.length] as string,
        }),
      }));
      for (const { source, event } of all) await store.append(post(source, [], [event]));
      const model = new EventModel();
      for (const { source, event } of all) model.append(source, event);
      const ask = async () => {
        for (const source of [undefined, "wa", "sms", "none"])
          for (const kind of [undefined, "status", "other"] as const)
            for (const type of [undefined, "a b/c", "a"])
              for (const span of SPANS)
                for (const offset of [0, 3, 79, 1000]) {
                  const query = {
                    limit: 7,
                    offset,
                    ...(source && { source }),
                    ...(kind && { kind }),
                    ...(type && { type }),
                    ...span,
                  };
                  const { data, total } = await store.events(query);
                  expect({ keys: data.map(({ event_key }) => event_key), total }).toEqual(model.page(query));
                }
        for (const span of SPANS)
          for (const order of ["asc", "desc"] as const) {
            const query = { offset: 0, order, ...span };
            const walked = await allEvents(store, { ...query, limit: 31 });
            const { keys } = model.page({ ...query, limit: 240 });
            expect(walked.map(({ event_key }) => event_key)).toEqual(keys);
          }
      };
      await ask();
      // Made anew, the index has taken everything.
      await store.rebuildIndex();
      await ask();
    });

    test("messages can be asked for by source, the native one included, with every other filter", async () => {
      await store.append({ messages: [message("n1"), message("n2", { to: "+1" })] });
      await store.append(post("wa", [message("wa:1"), message("wa:2", { to: "+1", text: "other" })]));
      await store.append(post("wa-2", [message("wa-2:1", { text: null })]));
      const ids = async (query: Partial<MessageQuery>) => {
        const { data, total } = await store.list({ ...ALL, ...query });
        expect(total).toBe(data.length);
        return data.map(({ message_id }) => message_id);
      };
      const ask = async () => {
        expect(await ids({ source: "native" })).toEqual(["n1", "n2"]);
        expect(await ids({ source: "wa" })).toEqual(["wa:1", "wa:2"]);
        expect(await ids({ source: "wa-2" })).toEqual(["wa-2:1"]);
        expect(await ids({ source: "none" })).toEqual([]);
        expect(await ids({ source: "wa", to: "+1" })).toEqual(["wa:2"]);
        expect(await ids({ source: "native", to: "+1" })).toEqual(["n2"]);
        expect(await ids({ source: "native", q: "hell" })).toEqual(["n1", "n2"]);
        expect(await ids({ source: "wa", q: "other", from: "+919876543210" })).toEqual(["wa:2"]);
        expect(await ids({ source: "wa", messageId: "wa:1" })).toEqual(["wa:1"]);
        expect(await ids({ source: "native", messageId: "wa:1" })).toEqual([]);
      };
      await ask();
      // Made anew, the index has taken everything.
      await store.rebuildIndex();
      await ask();
      await reopen();
      await ask();
    });

    test("messages can be asked for by type, which those of the native source have none of", async () => {
      await store.append(post("wa", [message("wa:1"), message("wa:2")], [], "image"));
      await store.append(post("wa", [message("wa:3", { to: "+2" })], [], "text"));
      await store.append({ messages: [message("native")] });
      const idsOf = async (query: Partial<MessageQuery>) => {
        const { data, total } = await store.list({ ...ALL, ...query });
        expect(total).toBe(data.length);
        return data.map(({ message_id }) => message_id);
      };
      expect(await idsOf({ type: "image" })).toEqual(["wa:1", "wa:2"]);
      expect(await idsOf({ type: "image", order: "desc" })).toEqual(["wa:2", "wa:1"]);
      expect(await idsOf({ type: "text" })).toEqual(["wa:3"]);
      expect(await idsOf({ type: "text", source: "native" })).toEqual([]);
      expect(await idsOf({ type: "image", to: "+2" })).toEqual([]);
      expect(await idsOf({ type: "=image" })).toEqual([]);
      expect(await idsOf({ type: "wa" })).toEqual([]);
    });

    test("an event keeps the provider's own name of it, wherever it is shown", async () => {
      const events = [event("a", { type: "messages.status.read", messageId: "wa:1" }), event("b")];
      await store.append(post("wa", [message("wa:1")], events));
      const types = ["messages.status.read", null];
      expect((await store.events(EVENTS)).data.map(({ type }) => type)).toEqual(types);
      expect((await store.message("wa:1"))?.events.map(({ type }) => type)).toEqual(types.slice(0, 1));
      const { records } = await store.changes({ after: 0, limit: 10, filter: { kinds: ["status"] } });
      expect(records.map((record) => "event_key" in record && record.type)).toEqual(types);
      // The first write stays.
      await store.append(post("wa", [], [event("b", { type: "late" })]));
      expect(await keys({ type: "late" })).toEqual([]);
      expect(await keys({ type: "messages.status.read" })).toEqual(["a"]);
      expect(await keys({ type: "messages.status" })).toEqual([]);
      expect(await keys({ type: "MESSAGES.STATUS.READ" })).toEqual([]);
      await reopen();
      expect((await store.events(EVENTS)).data.map(({ type }) => type)).toEqual(types);
    });

    test("events are found by a part of their bodies, however these write it, and by no other's", async () => {
      const bodies = [
        '{"to":"M\\u00fcller"}',
        '{"to":"MÜLLER","n":"50%_"}',
        "To=M%C3%BCller&n=1",
        '{"to":"Mueller"}',
      ];
      const body = Buffer.from(bodies.join("\n"));
      let end = -1;
      const events = bodies.map((each, index) => {
        const start = end + 1;
        end = start + Buffer.byteLength(each);
        const type = index % 2 === 0 ? "even" : null;
        return event(`e${index}`, { type, span: { start, end }, messageId: index < 2 ? "wa:1" : null });
      });
      await store.append({ messages: [], post: { source: "wa", body, details: [], events } });
      const found = async (query: Partial<EventQuery>) => {
        const { total, data } = await store.events({ ...EVENTS, ...query });
        return [total, ...data.map(({ event_key }) => event_key)];
      };
      const ask = async () => {
        expect(await found({ q: "müller" })).toEqual([3, "e0", "e1", "e2"]);
        expect(await found({ q: "müller", order: "desc", limit: 2 })).toEqual([3, "e2", "e1"]);
        expect(await found({ q: "müller", offset: 2 })).toEqual([3, "e2"]);
        expect(await found({ q: "müller", type: "even" })).toEqual([2, "e0", "e2"]);
        expect(await found({ q: "müller", messageId: "wa:1" })).toEqual([2, "e0", "e1"]);
        expect(await found({ q: "müller", since: "2025-01-15T10:00:01Z" })).toEqual([0]);
        expect(await found({ q: "müller", until: "2025-01-15T10:00:00Z" })).toEqual([0]);
        expect(await found({ q: "müller", until: "2025-01-15T10:00:01Z", limit: 1 })).toEqual([3, "e0"]);
        expect(await found({ q: "müller", source: "sms" })).toEqual([0]);
        expect(await found({ q: '"to":"m' })).toEqual([3, "e0", "e1", "e3"]);
        expect(await found({ q: "\\u00FC" })).toEqual([1, "e0"]);
        expect(await found({ q: "%_" })).toEqual([1, "e1"]);
        expect(await found({ q: "\n" })).toEqual([0]);
      };
      await ask();
      await store.rebuildIndex();
      await ask();
    });

    test(
      "a search through more bodies than there is time for fails with QueryTimeout, and later reads are answered",
      async () => {
        const body = Buffer.from(JSON.stringify({ text: "xy".repeat(500_000) }));
        const span = { start: 0, end: body.length };
        for (let number = 0; number < 12; number++)
          await store.append({
            messages: [],
            post: { source: "wa", body, details: [], events: [event(`e${number}`, { span })] },
          });
        await reopen({ queryTimeoutMs: 20 });
        const late = store.events({ ...EVENTS, q: "yy" });
        await expect(late).rejects.toBeInstanceOf(QueryTimeout);
        await until("a quick read is answered", async () => {
          const page = await store.events({ ...EVENTS, type: "none" }).catch(() => undefined);
          return page?.total === 0;
        });
      },
      LONG_MS,
    );

    test("events are walked by cursor in either order, whatever else comes in meanwhile", async () => {
      const at = (second: number) => ({ ts: `2025-01-15T10:00:0${second}Z` });
      const first = [event("a", at(1)), event("b", at(1)), event("c", at(2)), event("d", at(3))];
      await store.append(post("wa", [], first));
      for (const [order, keys] of [
        ["asc", ["a", "b", "c", "d"]],
        ["desc", ["d", "c", "b", "a"]],
      ] as const)
        for (const limit of [1, 2, 3, 4, 5]) {
          const walked = await allEvents(store, { limit, offset: 0, order });
          expect(walked.map(({ event_key }) => event_key)).toEqual([...keys]);
        }
      const page = await store.events({ limit: 2, offset: 0, order: "desc" });
      await store.append(post("wa", [], [event("late", at(2)), event("latest", at(4))]));
      const rest = await store.events({
        limit: 9,
        offset: 0,
        order: "desc",
        ...(page.next && { after: page.next }),
      });
      expect(page.data.map(({ event_key }) => event_key)).toEqual(["d", "c"]);
      expect(rest.data.map(({ event_key }) => event_key)).toEqual(["b", "a"]);
      expect(rest.total).toBe(6);
    });

    test("an intake that the engine refuses leaves nothing of its POST, and its neighbours whole", async () => {
      await database.refuse("wa:bad", "statement");
      const [before, broken, after] = await Promise.allSettled([
        store.append(post("wa", [message("wa:1")], [event("a")])),
        store.append(post("wa", [message("wa:2"), message("wa:bad")], [event("b")])),
        store.append(post("wa", [message("wa:3")], [event("b"), event("c")])),
      ]);
      expect(before).toEqual({ status: "fulfilled", value: ["created", "created"] });
      expect(broken?.status === "rejected" && broken.reason).toBeInstanceOf(IntakeRejected);
      expect(after).toEqual({ status: "fulfilled", value: ["created", "created", "created"] });
      expect(await keys()).toEqual(["a", "b", "c"]);
      expect(await database.bodies()).toEqual(["wa:1a", "wa:3bc"]);
      expect(store.figures()).toMatchObject({ storedEvents: 3, queueRows: 0 });
    });

    test("bodies that find no room in the queue are refused at once, and small intakes are not", async () => {
      await reopen({ queueBytesMax: 25 });
      const results = await Promise.allSettled([
        store.append(post("wa", [], [event("0123456789"), event("abcdefghij")])),
        store.append(post("wa", [], [event("0123456789x")])),
        store.append({ messages: [message("n")] }),
        store.append(post("wa", [], [event("abc")])),
      ]);
      expect(results.map(({ status }) => status)).toEqual([
        "fulfilled",
        "rejected",
        "fulfilled",
        "fulfilled",
      ]);
      expect(results[1]?.status === "rejected" && results[1].reason).toBeInstanceOf(Overloaded);
      expect(await store.append(post("wa", [], [event("0123456789x")]))).toEqual(["created"]);
    });

    test("an intake that is larger than the queue is taken when nothing waits, and only then", async () => {
      await reopen({ queueRowsMax: 2, queueBytesMax: 4 });
      const large = (name: string) =>
        store.append(post("wa", [], [event(`${name}-1`), event(`${name}-2`), event(`${name}-3`)]));
      const results = await Promise.allSettled([large("a"), large("b")]);
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
      expect(await large("b")).toEqual(["created", "created", "created"]);
    });

    describe("the name of a source", () => {
      test("the name of a source can't be used while its range holds a message of the native source", async () => {
        await store.append({ messages: [message("wa:1"), message("wa;"), message("sms")] });
        expect(await store.claimSources(["wa", "sms", "tg"])).toEqual(["wa"]);
        expect(await store.claimSources(["sms", "tg"])).toEqual([]);
      });

      test("the name of a source can be used again and again, also with messages of its own in its range", async () => {
        expect(await store.claimSources(["wa"])).toEqual([]);
        await store.append(post("wa", [message("wa:1")]));
        expect(await store.claimSources(["wa"])).toEqual([]);
        expect(await store.claimSources([])).toEqual([]);
        await reopen();
        expect(await store.claimSources(["wa"])).toEqual([]);
      });

      test("the name of a source that was given up is looked at anew when it comes back", async () => {
        await store.claimSources(["wa"]);
        await store.append(post("wa", [message("wa:1")]));
        await store.claimSources([]);
        await store.append({ messages: [message("wa:2")] });
        expect(await store.claimSources(["wa"])).toEqual(["wa"]);
      });
    });

    test(
      "any run of POSTs, lists and reopenings gives what Maps would",
      async () => {
        const source = fc.constantFrom("native", "wa", "b");
        const newEvent = fc.record({
          kind: fc.constantFrom(...EVENT_KINDS),
          type: fc.constantFrom(...EVENT_TYPES),
          key: fc.constantFrom("k1", "k2", "k3", "k4", "k5", "k6"),
          messageId: fc.constantFrom(null, "m1", "m2"),
          ts: fc.constantFrom(...INSTANTS),
          span: fc.constant({ start: 0, end: 0 }),
        });
        const type = fc.constantFrom("text", "image");
        const intake = fc.record({
          source,
          type,
          messages: fc.array(anyMessage, { maxLength: 3 }),
          events: fc.array(newEvent, { maxLength: 3 }),
        });
        const eventQuery: fc.Arbitrary<EventQuery> = fc.record(
          {
            limit: fc.integer({ min: 1, max: 6 }),
            offset: fc.nat(8),
            source,
            kind: fc.constantFrom(...EVENT_KINDS),
            type: fc.constantFrom("read", "a b/c", "a", "a\u00010b/c", "none"),
            q: fc.constantFrom("K", "2", "k1", "%"),
            messageId: fc.constantFrom("m1", "m2"),
            since: fc.constantFrom(...INSTANTS),
            until: fc.constantFrom(...INSTANTS),
            order: fc.constantFrom("asc" as const, "desc" as const),
          },
          { requiredKeys: ["limit", "offset"] },
        );
        const step = fc.oneof(
          { weight: 4, arbitrary: intake.map((given) => ({ given })) },
          { weight: 3, arbitrary: eventQuery.map((events) => ({ events })) },
          { weight: 2, arbitrary: eventQuery.map((walked) => ({ walked: { ...walked, offset: 0 } })) },
          {
            weight: 3,
            arbitrary: fc.tuple(anyQuery, source).map(([q, s]) => ({ list: { ...q, source: s } })),
          },
          { weight: 3, arbitrary: fc.tuple(anyQuery, type).map(([q, t]) => ({ list: { ...q, type: t } })) },
          { weight: 1, arbitrary: fc.constant({ reopen: true }) },
        );
        const run = async (steps: readonly Step[]): Promise<void> => {
          const fresh = await newDatabase();
          let opened = await fresh.open();
          const messages = new Model();
          const events = new EventModel();
          try {
            for (const each of steps) {
              if ("given" in each) {
                const { given } = each;
                const expected = expectedOutcomes(messages, events, given);
                expect(await opened.append(intakeOf(given))).toEqual(expected);
              } else if ("events" in each) {
                const { data, total } = await opened.events(each.events);
                expect({ keys: data.map(({ event_key }) => event_key), total }).toEqual(
                  events.page(each.events),
                );
              } else if ("walked" in each) {
                const keys = (await allEvents(opened, each.walked)).map(({ event_key }) => event_key);
                expect(keys).toEqual(events.page({ ...each.walked, limit: Number.MAX_SAFE_INTEGER }).keys);
              } else if ("list" in each) {
                const { data, total } = await opened.list(each.list);
                expect({ data, total }).toEqual(messages.list(each.list));
              } else {
                await opened.close();
                opened = await fresh.open();
              }
            }
          } finally {
            await opened.close();
            await fresh.drop();
          }
        };
        await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40, size: "max" }), run), {
          numRuns: 20,
        });
      },
      LONG_MS,
    );
  });
}

interface Given {
  readonly source: string;
  readonly type: string;
  readonly messages: readonly Message[];
  readonly events: readonly NewEvent[];
}

/** Walks all pages by cursor. */
async function allEvents(store: Store, query: EventQuery): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  let after: EventKey | undefined;
  do {
    const page: EventPage = await store.events({ ...query, ...(after && { after }) });
    all.push(...page.data);
    if (page.next !== undefined) expect(page.data).toHaveLength(query.limit);
    after = page.next;
  } while (after !== undefined);
  return all;
}

type Step =
  | { readonly given: Given }
  | { readonly events: EventQuery }
  | { readonly walked: EventQuery }
  | { readonly list: MessageQuery }
  | { readonly reopen: boolean };

/** Of the native source there are messages alone. */
function intakeOf({ source, type, messages, events }: Given): Intake {
  return source === "native" ? { messages } : post(source, messages, events, type);
}

function expectedOutcomes(
  messages: Model,
  events: EventModel,
  { source, type, messages: given, events: also }: Given,
): Outcome[] {
  const outcomes = given.map((each) =>
    source === "native" ? messages.append(each) : messages.append(each, source, type),
  );
  return source === "native" ? outcomes : [...outcomes, ...also.map((each) => events.append(source, each))];
}

/** Events in a plain list, in the order in which they came. */
class EventModel {
  readonly #events: { readonly source: string; readonly event: NewEvent }[] = [];

  append(source: string, event: NewEvent): Outcome {
    for (let number = 1; ; number++) {
      const key = number === 1 ? event.key : `${event.key}#${number}`;
      const stored = this.#events.find((kept) => kept.source === source && kept.event.key === key);
      // The bytes of an event are the key that it was given.
      const types = new Set([stored?.event.type, event.type].filter((type) => type !== null));
      if (stored?.event.kind === event.kind && types.size < 2) return "duplicate";
      if (stored !== undefined) continue;
      this.#events.push({ source, event: { ...event, key } });
      return number === 1 ? "created" : "differs";
    }
  }

  page({ source, kind, type, messageId, since, until, q, offset, limit, order }: EventQuery): {
    keys: string[];
    total: number;
  } {
    const found = this.#events
      .filter(
        ({ source: from, event }) =>
          (source === undefined || from === source) &&
          (kind === undefined || event.kind === kind) &&
          (type === undefined || event.type === type) &&
          // The body that `post` makes of an event is its key.
          (q === undefined || event.key.includes(q.toLowerCase())) &&
          (messageId === undefined || event.messageId === messageId) &&
          (since === undefined || nanoseconds(event.ts) >= nanoseconds(since)) &&
          (until === undefined || nanoseconds(event.ts) < nanoseconds(until)),
      )
      .map(({ event }, index) => ({ key: event.key, at: nanoseconds(event.ts), index }))
      .sort((a, b) => (a.at === b.at ? a.index - b.index : a.at < b.at ? -1 : 1));
    if (order === "desc") found.reverse();
    return { keys: found.slice(offset, offset + limit).map(({ key }) => key), total: found.length };
  }
}
