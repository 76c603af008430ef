/** What every engine promises of senders in the order of their last messages. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { instantKey } from "../../src/core/instant.ts";
import type { Message } from "../../src/core/message.ts";
import type { SenderPage, SenderQuery, SenderRow, SortKey, Store } from "../../src/core/store.ts";
import { anySenderQuery, INSTANTS, message } from "../messages.ts";
import { compareMessages, Model } from "../model.ts";
import { fc } from "../property.ts";
import { post } from "./posts-contract.ts";
import type { TestDatabase } from "./store-contract.ts";

const ALL: SenderQuery = { limit: 100, offset: 0, order: "desc" };
const LONG_MS = 120_000;
/** Some are part of others, and letters differ by their case alone. */
const SENDERS = ["+1", "+12", "+123", "+2", "ig:Ab", "ig:aB", "É", "é", "%", "_", "\u{1f600}"];

export function sendersContract(name: string, newDatabase: () => Promise<TestDatabase>): void {
  describe(`${name} keeps the contract of senders`, () => {
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

    const append = (...messages: readonly Message[]) => store.append({ messages });
    const froms = async (query: Partial<SenderQuery> = {}) =>
      (await store.listSenders({ ...ALL, ...query })).data.map(({ from }) => from);

    test("an empty store has no senders", async () => {
      expect(await store.listSenders(ALL)).toEqual({ data: [], total: 0 });
    });

    test("whoever wrote last by the message's own time comes first, whatever was stored last", async () => {
      await append(message("a", { from: "+1", ts: "2025-01-15T10:00:00Z" }));
      await append(message("b", { from: "+2", ts: "2025-01-15T11:00:00Z", text: "last" }));
      await append(message("c", { from: "+2", ts: "2025-01-15T09:00:00Z" }));
      const last = { message_id: "b", to: "+14155550100", ts: "2025-01-15T11:00:00Z", text: "last" };
      const { data, total } = await store.listSenders(ALL);
      expect(data[0]).toEqual({
        from: "+2",
        count: 2,
        last_message: { ...last, source: "native", type: null },
      });
      expect([total, data.map(({ from }) => from)]).toEqual([2, ["+2", "+1"]]);
      await append(message("d", { from: "+1", ts: "2025-01-15T12:00:00Z" }));
      expect(await froms()).toEqual(["+1", "+2"]);
      expect(await froms({ order: "asc" })).toEqual(["+2", "+1"]);
    });

    test("a provider's message says its source and type", async () => {
      await append(message("wa-not", { from: "+1", ts: "2025-01-15T09:00:00Z" }));
      await store.append(post("wa", [message("wa:1", { from: "+1" })], [], "image"));
      const [sender] = (await store.listSenders(ALL)).data;
      expect(sender).toMatchObject({
        count: 2,
        last_message: { message_id: "wa:1", source: "wa", type: "image" },
      });
    });

    test("a sender is found by any part, with A to Z in either case and everything else as it is", async () => {
      await append(...SENDERS.map((from, index) => message(`m${index}`, { from })));
      const found = async (q: string) => (await froms({ q, order: "asc" })).join(" ");
      expect(await found("12")).toBe("+12 +123");
      expect(await found("+1")).toBe("+1 +12 +123");
      expect(await found("IG:ab")).toBe("ig:Ab ig:aB");
      expect(await found("é")).toBe("é");
      expect(await found("%")).toBe("%");
      expect(await found("_")).toBe("_");
      expect(await found("\u{1f600}")).toBe("\u{1f600}");
      expect((await store.listSenders({ ...ALL, limit: 1, q: "12" })).total).toBe(2);
    });

    test("a message counts in the moment that its append resolves", async () => {
      for (let count = 1; count <= 40; count++) {
        const from = `+${count % 7}`;
        await append(message(`m${count}`, { from, ts: INSTANTS[count % 3] as string }));
        const { data, total } = await store.listSenders(ALL);
        expect(data.reduce((sum, row) => sum + row.count, 0)).toBe(count);
        expect(total).toBe(Math.min(count, 7));
      }
    });

    test("who walks all pages meets each sender once but those who write meanwhile, who come to the front", async () => {
      const at = (minute: number) => `2025-01-15T10:${String(minute).padStart(2, "0")}:00Z`;
      await append(
        ...Array.from({ length: 20 }, (_, at_) => message(`m${at_}`, { from: `+${at_}`, ts: at(at_) })),
      );
      const met: string[] = [];
      let after: SortKey | undefined;
      for (let page = 0; page === 0 || after !== undefined; page++) {
        const { data, next } = await store.listSenders({ ...ALL, limit: 4, ...(after && { after }) });
        met.push(...data.map(({ from }) => from));
        if (page === 1) await append(message("late", { from: "+3", ts: at(59) }));
        after = next;
      }
      expect(met).toEqual(
        Array.from({ length: 20 }, (_, index) => `+${19 - index}`).filter((from) => from !== "+3"),
      );
      expect((await froms())[0]).toBe("+3");
    });

    test(
      "any run of appends, pages, rebuilds and reopenings gives what a Map would",
      async () => {
        const given: fc.Arbitrary<Message> = fc.record({
          message_id: fc.integer({ min: 0, max: 60 }).map((id) => `m${id}`),
          from: fc.constantFrom(...SENDERS),
          to: fc.constant("+9"),
          ts: fc.constantFrom(...INSTANTS),
          text: fc.constantFrom("Hello", null),
        });
        type Step = (store: Store, model: Model) => Promise<void>;
        const steps: fc.Arbitrary<Step | "reopen"> = fc.oneof(
          {
            weight: 4,
            arbitrary: fc
              .tuple(fc.array(given, { minLength: 1, maxLength: 8 }), fc.boolean())
              .map(([messages, isPost]) => appending(messages, isPost)),
          },
          { weight: 4, arbitrary: anySenderQuery.map(listing) },
          {
            weight: 4,
            arbitrary: fc.tuple(anySenderQuery, fc.nat(20)).map(([each, at]) => continuing(each, at)),
          },
          { weight: 1, arbitrary: fc.constant<Step>((opened) => opened.rebuildIndex()) },
          { weight: 1, arbitrary: fc.constant("reopen" as const) },
        );
        const run = async (all: readonly (Step | "reopen")[]): Promise<void> => {
          const fresh = await newDatabase();
          let opened = await fresh.open();
          const model = new Model();
          try {
            for (const step of all) {
              if (step === "reopen") {
                await opened.close();
                opened = await fresh.open();
              } else await step(opened, model);
            }
          } finally {
            await opened.close();
            await fresh.drop();
          }
        };
        await fc.assert(
          fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40, size: "max" }), run),
          { numRuns: 15 },
        );
      },
      LONG_MS,
    );
  });
}

/** A provider's messages have other identifiers. */
function appending(messages: readonly Message[], isPost: boolean) {
  return async (store: Store, model: Model): Promise<void> => {
    if (!isPost) {
      for (const each of messages) model.append(each);
      await store.append({ messages });
      return;
    }
    const ofPost = messages.map((each) => ({ ...each, message_id: `wa:${each.message_id}` }));
    for (const each of ofPost) model.append(each, "wa", "image");
    await store.append(post("wa", ofPost, [], "image"));
  };
}

function check(page: SenderPage, all: readonly SenderRow[], rest: readonly SenderRow[], limit: number): void {
  expect(page.data).toEqual(rest.slice(0, limit));
  expect(page.total).toBe(all.length);
  const last = rest.length > limit ? page.data.at(-1)?.last_message : undefined;
  expect(page.next).toEqual(last && { tsKey: instantKey(last.ts), messageId: last.message_id });
}

function listing(query: SenderQuery) {
  return async (store: Store, model: Model): Promise<void> => {
    const all = model.senders(query);
    check(await store.listSenders(query), all, all.slice(query.offset), query.limit);
  };
}

/** A page behind any message, whether or not it is a sender's last one. */
function continuing(query: SenderQuery, at: number) {
  return async (store: Store, model: Model): Promise<void> => {
    const place = model.select({})[at];
    if (place === undefined) return;
    const all = model.senders(query);
    const sign = query.order === "desc" ? -1 : 1;
    const rest = all.filter(
      ({ from, last_message }) => sign * compareMessages({ from, ...last_message }, place) > 0,
    );
    const after = { tsKey: instantKey(place.ts), messageId: place.message_id };
    check(await store.listSenders({ ...query, after }), all, rest.slice(query.offset), query.limit);
  };
}
