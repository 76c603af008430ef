/**
 * The promise of a store as one suite. Every engine runs it; what an engine can't do is skipped by
 * the name of the capability, and no guarantee is. What it says of an engine is what the rest of
 * Postern relies on.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  DatabaseInUse,
  IntakeRejected,
  Overloaded,
  QueryTimeout,
  ShuttingDown,
} from "../../src/core/errors.ts";
import { instantKey } from "../../src/core/instant.ts";
import type { Maintenance } from "../../src/core/maintenance.ts";
import type { Message } from "../../src/core/message.ts";
import type { MessageQuery, Outcome, Page, SortKey, Store } from "../../src/core/store.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { type Capabilities, testWith, testWithout } from "../databases/capabilities.ts";
import type { Database } from "../databases/database.ts";
import { anyMessage, anyQuery, INSTANTS, message } from "../messages.ts";
import { compareBytes, compareMessages, Model } from "../model.ts";
import { fc, storableText } from "../property.ts";
import { until } from "../until.ts";

/** A database of the engine under test, empty at first. */
export interface TestDatabase extends Database {
  readonly open: (limits?: {
    queueRowsMax?: number;
    queueBytesMax?: number;
    queryTimeoutMs?: number;
    clock?: Clock;
  }) => Promise<Store>;
  readonly maintain: () => Maintenance;
}

const EVERYTHING: MessageQuery = { limit: 100, offset: 0 };
const LONG_MS = 120_000;

export function storeContract(
  name: string,
  newDatabase: () => Promise<TestDatabase>,
  capabilities: Capabilities,
): void {
  describe(`${name} keeps the store's contract`, () => {
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

    const append = async (...messages: readonly Message[]): Promise<readonly Outcome[]> =>
      store.append({ messages });
    const one = async (given: Message): Promise<Outcome | undefined> => (await append(given))[0];
    const ids = (page: Page): string[] => page.data.map(({ message_id }) => message_id);

    const reopen = async (limits?: Parameters<TestDatabase["open"]>[0]): Promise<void> => {
      await store.close();
      store = await database.open(limits);
    };

    describe("an identifier is stored once", () => {
      test("fifty concurrent appends of one identifier give one row and one 'created'", async () => {
        const outcomes = await Promise.all(Array.from({ length: 50 }, () => one(message("m1"))));
        expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome === "duplicate")).toHaveLength(49);
        expect(await store.list(EVERYTHING)).toEqual({ data: [message("m1")], total: 1 });
      });

      test("the first write wins, and a later one that differs in any field is told so", async () => {
        const first = message("m1", { text: "first" });
        expect(await one(first)).toBe("created");
        expect(await one({ ...first })).toBe("duplicate");
        const others: Partial<Message>[] = [
          { from: "+1" },
          { to: "+1" },
          { ts: "2025-01-15T10:00:00.0Z" },
          { text: "FIRST" },
          { text: "" },
          { text: null },
        ];
        for (const other of others) expect(await one({ ...first, ...other })).toBe("differs");
        expect((await store.list(EVERYTHING)).data).toEqual([first]);
      });

      test("an empty text and no text are different things", async () => {
        await append(message("empty", { text: "" }), message("none", { text: null }));
        expect(await one(message("empty", { text: null }))).toBe("differs");
        expect(await one(message("none", { text: "" }))).toBe("differs");
        expect((await store.list(EVERYTHING)).data.map(({ text }) => text)).toEqual(["", null]);
      });

      test("of two copies in one intake the first is created and the second judged by it", async () => {
        expect(
          await append(message("m1"), message("m1"), message("m1", { text: "other" }), message("m2")),
        ).toEqual(["created", "duplicate", "differs", "created"]);
        expect((await store.list(EVERYTHING)).total).toBe(2);
      });

      test("of differing concurrent appends exactly one is created and the row is that one", async () => {
        const copies = Array.from({ length: 50 }, (_, index) => message("m1", { text: `copy ${index}` }));
        const outcomes = await Promise.all(copies.map(one));
        const winner = outcomes.indexOf("created");
        expect(outcomes.filter((outcome) => outcome !== "differs")).toEqual(["created"]);
        expect((await store.list(EVERYTHING)).data).toEqual([copies[winner] as Message]);
      });

      test("identifiers are compared byte for byte: neither case nor composition nor white space folds", async () => {
        const distinct = [
          "a",
          "A",
          " a",
          "a ",
          "é",
          "e\u0301",
          "ß",
          "ss",
          "__proto__",
          "constructor",
          "'; --",
        ];
        expect(await append(...distinct.map((id) => message(id)))).toEqual(distinct.map(() => "created"));
        for (const messageId of distinct) {
          const page = await store.list({ ...EVERYTHING, messageId });
          expect(page).toEqual({ data: [message(messageId)], total: 1 });
        }
      });

      test("a duplicate of a message that still waits is not answered before it is stored", async () => {
        const answered: string[] = [];
        const first = append(message("m1")).then(() => answered.push("first"));
        const second = append(message("m1")).then(() => answered.push("second"));
        await Promise.all([first, second]);
        expect(answered).toEqual(["first", "second"]);
        expect((await store.list(EVERYTHING)).total).toBe(1);
      });
    });

    describe("what is listed is in order", () => {
      test("instants are compared exactly, fractions and their trailing zeros included", async () => {
        const instants = [
          "2025-01-15T09:59:59.999999999Z",
          "2025-01-15T10:00:00Z",
          "2025-01-15T10:00:00.000000001Z",
          "2025-01-15T10:00:00.05Z",
          "2025-01-15T10:00:00.1Z",
          "2025-01-15T10:00:00.10000001Z",
          "2025-01-15T10:00:00.5Z",
          "2025-01-15T10:00:01Z",
          "2025-01-15T10:00:10Z",
        ];
        const shuffled = [4, 8, 1, 6, 0, 3, 7, 2, 5];
        for (const index of shuffled) await append(message(`m${index}`, { ts: instants[index] as string }));
        expect((await store.list(EVERYTHING)).data.map(({ ts }) => ts)).toEqual(instants);
      });

      test("equal instants written differently are ordered by the bytes of the identifier", async () => {
        // By UTF-16 units the astral ones would come before U+FF61.
        const inOrder = ["A", "a", "aa", "\u007f", "é", "\uff61", "\uffff", "\u{10000}", "\u{1f600}"];
        const spellings = ["Z", ".0Z", ".000Z", ".000000000Z"];
        const messages = inOrder.map((id, index) =>
          message(id, { ts: `2025-01-15T10:00:00${spellings[index % spellings.length]}` }),
        );
        for (const index of [5, 2, 8, 0, 7, 1, 4, 6, 3]) await append(messages[index] as Message);
        for (const filter of [{}, { q: "e" }, { to: "+14155550100" }, { from: "+919876543210" }]) {
          expect((await store.list({ ...EVERYTHING, ...filter })).data).toEqual(messages);
          expect(await everything(store, 2, filter)).toEqual(messages);
        }
      });

      test("order and total hold after many concurrent appends", async () => {
        const messages = Array.from({ length: 400 }, (_, index) =>
          message(`m${(index * 7919) % 400}`, { ts: INSTANTS[index % INSTANTS.length] as string }),
        );
        await Promise.all(messages.map(one));
        expect(await everything(store, 100)).toEqual([...messages].sort(compareMessages));
      });

      test("a page and its total come from one snapshot while messages are being added", async () => {
        let adding = true;
        const seen: number[] = [];
        const reads = (async () => {
          while (adding || seen.length === 0) {
            const page = await store.list({ limit: 100, offset: 0 });
            expect(page.data).toHaveLength(Math.min(page.total, 100));
            seen.push(page.total);
          }
        })();
        for (let index = 0; index < 30; index++) {
          await Promise.all(Array.from({ length: 4 }, (_, copy) => append(message(`m${index}-${copy}`))));
        }
        adding = false;
        await reads;
        expect([...seen].sort((a, b) => a - b)).toEqual(seen);
        expect((await store.list(EVERYTHING)).total).toBe(120);
      });

      test("the total is exact in the moment that an append resolves", async () => {
        for (let count = 1; count <= 40; count++) {
          await append(message(`m${count}`, { from: `+${count % 3}` }));
          const [page, stats] = await Promise.all([store.list({ limit: 1, offset: 0 }), store.stats()]);
          expect(page.total).toBe(count);
          expect(stats.total_messages).toBe(count);
        }
      });
    });

    describe("pages cut the whole into parts", () => {
      const messages = Array.from({ length: 23 }, (_, index) =>
        message(`m${index}`, {
          ts: INSTANTS[index % 5] as string,
          from: `+${index % 2}`,
          text: `text ${index}`,
        }),
      );
      const whole = [...messages].sort(compareMessages);

      beforeEach(() => append(...messages));

      test("pages by limit and offset cut the whole into parts, for every limit", async () => {
        for (const limit of [1, 2, 5, 22, 23, 24, 100]) {
          const parts: Message[] = [];
          for (let offset = 0; offset < messages.length; offset += limit) {
            const page = await store.list({ limit, offset });
            expect(page.total).toBe(messages.length);
            parts.push(...page.data);
          }
          expect(parts).toEqual(whole);
        }
      });

      test("pages by cursor cut the whole into parts, for every limit, and the last page has no next", async () => {
        for (const limit of [1, 2, 5, 22, 23, 24, 100]) expect(await everything(store, limit)).toEqual(whole);
      });

      test("pages by cursor cut what a filter leaves into parts", async () => {
        const filters = [{ from: "+1" }, { q: "text 1" }, { since: "2025-01-15T10:00:00.05Z" }];
        const model = new Model();
        for (const each of messages) model.append(each);
        for (const filter of filters)
          expect(await everything(store, 3, filter)).toEqual(model.select(filter));
      });

      test("a cursor leads on although messages came in before and behind it", async () => {
        const first = await store.list({ limit: 10, offset: 0 });
        await append(
          message("early", { ts: "0001-01-01T00:00:00Z" }),
          message("late", { ts: "9999-01-01T00:00:00Z" }),
        );
        const rest = await everything(store, 10, {}, first.next);
        expect([...ids(first), ...rest.map(({ message_id }) => message_id)]).toEqual([
          ...whole.map(({ message_id }) => message_id),
          "late",
        ]);
      });

      test("the total does not depend on the cursor", async () => {
        const { next } = await store.list({ limit: 20, offset: 0 });
        const rest = await store.list({ limit: 20, offset: 0, ...(next && { after: next }) });
        expect([rest.total, rest.data.length]).toEqual([23, 3]);
      });

      test("an offset beyond the end is an empty page with the exact total", async () => {
        for (const offset of [23, 24, 999_999_999_999_999]) {
          expect(await store.list({ limit: 5, offset })).toEqual({ data: [], total: 23 });
        }
      });
    });

    describe("filters", () => {
      test("from, to and message_id are exact, since is included and until is not", async () => {
        const [a, b, c] = [
          message("a", { from: "+1", to: "+9", ts: "2025-01-15T10:00:00Z" }),
          message("b", { from: "+1", to: "+8", ts: "2025-01-15T10:00:00.5Z" }),
          message("c", { from: "+12", to: "+9", ts: "2025-01-15T10:00:01.000Z" }),
        ];
        await append(a, b, c);
        const found = async (query: Partial<MessageQuery>) =>
          ids(await store.list({ ...EVERYTHING, ...query }));
        expect(await found({ from: "+1" })).toEqual(["a", "b"]);
        expect(await found({ from: "1" })).toEqual([]);
        expect(await found({ to: "+9" })).toEqual(["a", "c"]);
        expect(await found({ messageId: "b" })).toEqual(["b"]);
        expect(await found({ messageId: "B" })).toEqual([]);
        expect(await found({ since: "2025-01-15T10:00:00.500Z" })).toEqual(["b", "c"]);
        expect(await found({ until: "2025-01-15T10:00:01Z" })).toEqual(["a", "b"]);
        expect(await found({ since: "2025-01-15T10:00:00.0Z", until: "2025-01-15T10:00:00.50Z" })).toEqual([
          "a",
        ]);
        expect(await found({ since: "2025-01-15T10:00:01Z", until: "2025-01-15T10:00:00Z" })).toEqual([]);
        expect(await found({ from: "+1", to: "+9", since: "2025-01-15T10:00:00Z" })).toEqual(["a"]);
      });

      const finds: [text: string, q: string, found: boolean][] = [
        ["100% sure", "%", true],
        ["100 percent", "%", false],
        ["100% sure", "0%", true],
        ["100x sure", "0%s", false],
        ["snake_case", "_", true],
        ["snake case", "_", false],
        ["back\\slash", "\\", true],
        ["back\\slash", "\\\\", false],
        ["it's", "'", true],
        ['say "hi"', '"', true],
        ["a*b", "*", true],
        ["ab", "a*b", false],
        ["Hello", "hELLO", true],
        ["Hello", "ell", true],
        ["Hello", "o H", false],
        ["ΟΔΥΣΣΕΥΣ", "σ", true],
        ["ΟΔΥΣΣΕΥΣ", "ευς", true],
        ["Ὀδυσσεύς", "Σ", true],
        ["Ὀδυσσεύς", "ύσ", true],
        ["İstanbul", "i", false],
        ["İstanbul", "İ", true],
        ["istanbul", "İ", false],
        ["ISTANBUL", "ı", false],
        ["Straße", "ẞ", true],
        ["STRAẞE", "ß", true],
        ["Straße", "ss", false],
        ["300 \u212a", "k", true],
        ["kelvin", "\u212a", true],
        ["\u017f", "S", true],
        ["Å", "\u212b", true],
        ["e\u0301", "é", false],
        ["Hi \u{1f600}!", "\u{1f600}", true],
        ["Hi \u{1f600}!", "\u{1f601}", false],
        ["\u{10400}", "\u{10428}", true],
        ["\u{1e900}", "\u{1e922}", true],
        ["x", "x", true],
        ["xy", "XY", true],
        ["é", "É", true],
        ["日本語", "本", true],
        ["日本語", "語日", false],
        ["", "x", false],
        ["tab\tand\nline", "\tand\n", true],
      ];
      test.each(finds)("in %j, q = %j is found: %p", async (text, q, found) => {
        await append(message("m", { text }), message("none", { text: null }));
        expect(await store.list({ ...EVERYTHING, q })).toEqual({
          data: found ? [message("m", { text })] : [],
          total: found ? 1 : 0,
        });
      });

      test("every part of a text finds it", async () => {
        const given = fc.sample(storableText(14), { numRuns: 60 }).filter((text) => text !== "");
        const texts = [...given, "İıΣσςẞßſsKkÅåǅǆᾼᾳ\u{10400}\u{1f600}"];
        await append(...texts.map((text, index) => message(`m${index}`, { text })));
        for (const [index, text] of texts.entries()) {
          const points = Array.from(text);
          for (let from = 0; from < points.length; from += 2) {
            for (const length of [1, 2, 3, points.length - from]) {
              const q = points.slice(from, from + length).join("");
              const page = await store.list({ ...EVERYTHING, messageId: `m${index}`, q });
              if (page.total !== 1)
                throw new Error(`${JSON.stringify(q)} does not find ${JSON.stringify(text)}`);
            }
          }
        }
      });
    });

    describe("statistics", () => {
      test("the figures of an empty store are zeros from its first moment on", () => {
        expect(store.figures()).toMatchObject({ storedMessages: 0, storedEvents: 0, queueRows: 0 });
      });

      test("statistics of an empty store are zeros and nulls", async () => {
        expect(await store.stats()).toEqual({
          total_messages: 0,
          senders_count: 0,
          messages_per_sender: [],
          first_message_ts: null,
          last_message_ts: null,
        });
      });

      test("statistics name the ten senders with most messages, ties by the bytes of their number", async () => {
        const counts: Record<string, number> = {
          "+9": 3,
          "+10": 3,
          "+1": 3,
          "+100": 2,
          "+2": 5,
          "+11": 1,
          "+12": 1,
          "+13": 1,
          "+3": 1,
          "+15": 1,
          "+16": 1,
          "+0": 1,
        };
        const messages = Object.entries(counts).flatMap(([from, count]) =>
          Array.from({ length: count }, (_, index) => message(`${from} ${index}`, { from })),
        );
        await append(...messages);
        const { messages_per_sender, senders_count, total_messages } = await store.stats();
        expect(messages_per_sender.map(({ from, count }) => `${from} ${count}`)).toEqual([
          "+2 5",
          "+1 3",
          "+10 3",
          "+9 3",
          "+100 2",
          "+0 1",
          "+11 1",
          "+12 1",
          "+13 1",
          "+15 1",
        ]);
        expect([senders_count, total_messages]).toEqual([12, messages.length]);
      });

      test("statistics give the first and last instant as sent, of equal ones the first and last by identifier", async () => {
        await append(
          message("b", { ts: "2025-01-15T10:00:00.0Z" }),
          message("a", { ts: "2025-01-15T10:00:00.00Z" }),
          message("c", { ts: "2025-01-15T10:00:00.000Z" }),
        );
        const { first_message_ts, last_message_ts } = await store.stats();
        expect([first_message_ts, last_message_ts]).toEqual([
          "2025-01-15T10:00:00.00Z",
          "2025-01-15T10:00:00.000Z",
        ]);
      });

      test("statistics count neither duplicates nor what differs", async () => {
        await append(message("a"), message("a"), message("a", { from: "+1" }));
        expect(await store.stats()).toMatchObject({ total_messages: 1, senders_count: 1 });
      });
    });

    describe("opened again", () => {
      test("after a reopening everything is there and the log's sequence goes on", async () => {
        await append(message("a"), message("b", { text: null }));
        await reopen();
        expect(await store.list(EVERYTHING)).toEqual({
          data: [message("a"), message("b", { text: null })],
          total: 2,
        });
        expect(await append(message("a"), message("c"))).toEqual(["duplicate", "created"]);
        await reopen();
        await append(message("d"));
        await store.close();
        const log = await database.sequence();
        expect(log.map(({ message_id }) => message_id)).toEqual(["a", "b", "c", "d"]);
        const strictly = log.every(({ seq }, index) => index === 0 || seq > (log[index - 1]?.seq ?? 0));
        expect(strictly).toBe(true);
      });

      test("the figures count what is stored, before a reopening and after it", async () => {
        await append(message("a"), message("b"), message("a"));
        await until("the figure counts two", () => store.figures().storedMessages === 2);
        await reopen();
        // Until it is known there is none.
        expect(store.figures().storedMessages ?? 2).toBe(2);
        await until("the figure counts two again", () => store.figures().storedMessages === 2);
        await append(message("c"));
        expect(store.figures()).toMatchObject({ storedMessages: 3, queueRows: 0 });
      });
    });

    describe("a second store on the database", () => {
      testWith(capabilities, "severalReplicas")(
        "stores each identifier once with the first, and both answer the same",
        async () => {
          const second = await database.open();
          try {
            const ids = Array.from({ length: 40 }, (_, index) => `m${index % 20}`);
            const stores = [store, second];
            const outcomes = await Promise.all(
              ids.flatMap((id) => stores.map((each) => each.append({ messages: [message(id)] }))),
            );
            expect(outcomes.flat().filter((outcome) => outcome === "created")).toHaveLength(20);
            expect(outcomes.flat().filter((outcome) => outcome === "duplicate")).toHaveLength(60);
            const pages = await Promise.all(stores.map((each) => each.list(EVERYTHING)));
            expect(pages[0]?.total).toBe(20);
            expect(pages[1]).toEqual(pages[0] as Page);
          } finally {
            await second.close();
          }
        },
      );

      testWithout(capabilities, "severalReplicas")("is refused, and the first goes on", async () => {
        await append(message("a"));
        await expect(database.open()).rejects.toBeInstanceOf(DatabaseInUse);
        expect(await append(message("a"), message("b"))).toEqual(["duplicate", "created"]);
      });
    });

    describe("limits", () => {
      test("what finds no room in the queue is refused at once and not stored; the rest is", async () => {
        await reopen({ queueRowsMax: 10 });
        const results = await Promise.allSettled(
          Array.from({ length: 25 }, (_, index) => one(message(`m${index}`))),
        );
        const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
        expect(refused).toHaveLength(15);
        for (const reason of refused) expect(reason).toBeInstanceOf(Overloaded);
        expect((await store.list(EVERYTHING)).total).toBe(10);
        expect(await one(message("later"))).toBe("created");
      });

      test("the queue's bound counts messages, not deliveries", async () => {
        await reopen({ queueRowsMax: 3 });
        const [first, second, third] = await Promise.allSettled([
          append(message("a"), message("b")),
          append(message("c"), message("d")),
          append(message("e")),
        ]);
        expect([first?.status, second?.status, third?.status]).toEqual([
          "fulfilled",
          "rejected",
          "fulfilled",
        ]);
        expect(ids(await store.list(EVERYTHING))).toEqual(["a", "b", "e"]);
      });

      test(
        "a read that takes too long fails with QueryTimeout, and later reads are answered",
        async () => {
          const long = "x".repeat(4096);
          for (let batch = 0; batch < 10; batch++) {
            await append(
              ...Array.from({ length: 500 }, (_, index) => message(`m${batch}-${index}`, { text: long })),
            );
          }
          await reopen({ queryTimeoutMs: 4 });
          const slow = Array.from({ length: 8 }, (_, index) =>
            store.list({ ...EVERYTHING, q: `xxxy${index}` }),
          );
          const results = await Promise.allSettled(slow);
          const late = results.filter((result) => result.status === "rejected");
          expect(late.length).toBeGreaterThan(0);
          for (const { reason } of late) expect(reason).toBeInstanceOf(QueryTimeout);
          await until("a quick read is answered", async () => {
            const page = await store.list({ ...EVERYTHING, messageId: "m3-7" });
            return page.total === 1;
          });
        },
        LONG_MS,
      );
    });

    describe("close", () => {
      test("close commits what was accepted, and what comes later is refused with ShuttingDown", async () => {
        // More than an engine puts into one transaction.
        const accepted = Array.from({ length: 5000 }, (_, index) => one(message(`m${index}`)));
        const closing = store.close();
        const late = append(message("late"));
        await expect(late).rejects.toBeInstanceOf(ShuttingDown);
        expect(await Promise.all(accepted)).toEqual(accepted.map(() => "created"));
        await closing;
        store = await database.open();
        expect((await store.list(EVERYTHING)).total).toBe(5000);
        expect((await store.list({ ...EVERYTHING, messageId: "late" })).total).toBe(0);
      });

      test("close is idempotent", async () => {
        await Promise.all([store.close(), store.close()]);
        await store.close();
      });
    });

    test("a ping resolves on a store that can commit, however many ask", async () => {
      await Promise.all(Array.from({ length: 20 }, () => store.ping()));
      await append(message("a"));
      await store.ping();
    });

    describe.each(["statement", "transaction"] as const)(
      "when the engine refuses one message by its %s",
      (how) => {
        test("63 others of its group are stored and only the refused message fails", async () => {
          await database.refuse("bad", how);
          const given = Array.from({ length: 64 }, (_, index) => (index === 40 ? "bad" : `good ${index}`));
          const results = await Promise.allSettled(given.map((id) => one(message(id))));
          const outcomes = results.map((result) =>
            result.status === "fulfilled" ? result.value : result.reason,
          );
          expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(63);
          expect(outcomes[40]).toBeInstanceOf(IntakeRejected);
          expect((await store.list(EVERYTHING)).total).toBe(63);
          expect((await store.list({ ...EVERYTHING, messageId: "bad" })).total).toBe(0);
          const log = await database.sequence();
          expect(new Set(log.map(({ seq }) => seq)).size).toBe(63);
        });

        test("the intake of a refused message is refused as a whole, and nothing else is", async () => {
          await database.refuse("bad", how);
          const [before, broken, after] = await Promise.allSettled([
            append(message("before")),
            append(message("beside 1"), message("bad"), message("beside 2")),
            append(message("after"), message("before")),
          ]);
          expect(before).toEqual({ status: "fulfilled", value: ["created"] });
          expect(broken?.status === "rejected" && broken.reason).toBeInstanceOf(IntakeRejected);
          expect(after).toEqual({ status: "fulfilled", value: ["created", "duplicate"] });
          expect(ids(await store.list(EVERYTHING))).toEqual(["after", "before"]);
          await store.ping();
        });

        test("a duplicate of a refused first copy fails too", async () => {
          await database.refuse("bad", how);
          const results = await Promise.allSettled(Array.from({ length: 8 }, () => one(message("bad"))));
          expect(results.map(({ status }) => status)).toEqual(results.map(() => "rejected"));
          expect((await store.list(EVERYTHING)).total).toBe(0);
        });
      },
    );

    test(
      "any run of appends, lists, statistics and reopenings gives what a Map would",
      async () => {
        type Step = (store: Store, model: Model) => Promise<void>;
        const delivery = fc.array(anyMessage, { minLength: 1, maxLength: 4 });
        const steps: fc.Arbitrary<Step | "reopen"> = fc.oneof(
          { weight: 4, arbitrary: fc.array(delivery, { minLength: 1, maxLength: 6 }).map(appending) },
          { weight: 6, arbitrary: anyQuery.map(listing) },
          {
            weight: 2,
            arbitrary: fc.tuple(anyQuery, fc.nat(15)).map(([query, at]) => continuing(query, at)),
          },
          { weight: 1, arbitrary: fc.constant(counting) },
          { weight: 1, arbitrary: fc.constant("reopen" as const) },
        );
        const run = async (given: readonly (Step | "reopen")[]): Promise<void> => {
          const fresh = await newDatabase();
          let opened = await fresh.open();
          const model = new Model();
          try {
            for (const step of given) {
              if (step === "reopen") {
                await opened.close();
                opened = await fresh.open();
              } else {
                await step(opened, model);
              }
            }
          } finally {
            await opened.close();
            await fresh.drop();
          }
        };
        await fc.assert(
          fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40, size: "max" }), run),
          // To look for a smaller one takes longer than a test may, and hides what failed.
          { numRuns: 20, endOnFailure: true },
        );
      },
      LONG_MS,
    );
  });
}

/** Walks all pages by cursor. */
async function everything(
  store: Store,
  limit: number,
  filter: Partial<MessageQuery> = {},
  after?: SortKey,
): Promise<Message[]> {
  const all: Message[] = [];
  for (let place = after, first = true; first || place !== undefined; first = false) {
    const page: Page = await store.list({ limit, offset: 0, ...filter, ...(place && { after: place }) });
    all.push(...page.data);
    if (page.next !== undefined) expect(page.data).toHaveLength(limit);
    place = page.next;
  }
  return all;
}

/** Deliveries given at once are stored in the order of their appends. */
function appending(deliveries: readonly (readonly Message[])[]) {
  return async (store: Store, model: Model): Promise<void> => {
    const expected = deliveries.map((messages) => messages.map((each) => model.append(each)));
    const outcomes = await Promise.all(deliveries.map((messages) => store.append({ messages })));
    expect(outcomes).toEqual(expected);
  };
}

function listing(query: MessageQuery) {
  return async (store: Store, model: Model): Promise<void> => {
    const { data, total } = await store.list(query);
    expect({ data, total }).toEqual(model.list(query));
  };
}

/** A page after any place, whether or not a message stands there. */
function continuing(query: MessageQuery, at: number) {
  return async (store: Store, model: Model): Promise<void> => {
    const place = model.select({})[at];
    if (place === undefined) return;
    const after = { tsKey: instantKey(place.ts), messageId: place.message_id };
    const page = await store.list({ ...query, offset: 0, after });
    const sign = query.order === "desc" ? -1 : 1;
    const rest = model.select(query).filter((each) => sign * compareMessages(each, place) > 0);
    expect(page.data).toEqual(rest.slice(0, query.limit));
    expect(page.total).toBe(model.select(query).length);
    expect(page.next === undefined).toBe(rest.length <= query.limit);
  };
}

async function counting(store: Store, model: Model): Promise<void> {
  const stats = await store.stats();
  expect(stats).toEqual(model.stats());
  for (const [index, { from }] of stats.messages_per_sender.entries()) {
    const before = stats.messages_per_sender[index - 1];
    if (before?.count === stats.messages_per_sender[index]?.count) {
      expect(compareBytes(before?.from ?? "", from)).toBeLessThan(0);
    }
  }
}
