/**
 * The promise of a store for events that have one key: no content is lost, none is kept twice,
 * whatever comes in which order, again, and at once. Every engine runs it.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Intake, NewEvent, Outcome, Store } from "../../src/core/store.ts";
import { type Capabilities, testWith } from "../databases/capabilities.ts";
import { fc } from "../property.ts";
import type { TestDatabase } from "./store-contract.ts";

const LONG_MS = 120_000;

interface Given {
  readonly key: string;
  readonly own: string;
  readonly kind?: NewEvent["kind"];
  readonly type?: string;
  readonly source?: string;
  readonly keyDecides?: true;
}

/** A POST of these events; all of one source. */
function post(...given: readonly Given[]): Intake {
  // The parts begin elsewhere each time: what is compared is the part, not its place.
  let end = given.length;
  const events = given.map(({ key, own, kind = "status", type = null, keyDecides }): NewEvent => {
    const start = end;
    end += Buffer.byteLength(own);
    const rest = { messageId: null, ts: "2025-01-15T10:00:00Z", span: { start, end } };
    return { kind, type, key, ...(keyDecides && { keyDecides }), ...rest };
  });
  const body = Buffer.from("-".repeat(given.length) + given.map(({ own }) => own).join(""));
  return { messages: [], post: { source: given[0]?.source ?? "wa", body, details: [], events } };
}

export function eventKeysContract(
  name: string,
  newDatabase: () => Promise<TestDatabase>,
  capabilities: Capabilities,
): void {
  describe(`${name} keeps other content under a known key`, () => {
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

    const one = async (given: Given): Promise<Outcome | undefined> => (await store.append(post(given)))[0];
    const stored = async (): Promise<string[]> => {
      const { data, total } = await store.events({ limit: 1000, offset: 0 });
      expect(total).toBe(data.length);
      return data.map(({ event_key, kind, body }) => `${event_key} ${kind} ${Buffer.from(body ?? [])}`);
    };

    test("other content under a known key is kept under a further one, and a retry of either is a duplicate", async () => {
      const [first, second] = [
        { key: "k", own: "first" },
        { key: "k", own: "other" },
      ];
      expect([await one(first), await one(second)]).toEqual(["created", "differs"]);
      expect([await one(second), await one(first), await one(second)]).toEqual(Array(3).fill("duplicate"));
      expect(await one({ ...first, kind: "echo" })).toBe("differs");
      expect(await one({ ...first, own: "longer than the others" })).toBe("differs");
      expect(await one({ ...second, source: "sms" })).toBe("created");
      expect(await stored()).toEqual([
        "k status first",
        "k#2 status other",
        "k#3 echo first",
        "k#4 status longer than the others",
        "k status other",
      ]);
      expect(store.figures().storedEvents).toBe(5);
    });

    test("what is equal is kept once: no bytes are stored for it, and other content brings its own", async () => {
      await store.append(post({ key: "k", own: "first" }));
      await store.append(post({ key: "k", own: "first" }));
      await store.append(post({ key: "k", own: "other" }));
      await store.append(post({ key: "k", own: "other" }, { key: "k", own: "first" }));
      expect(await database.bodies()).toEqual(["-first", "-other"]);
    });

    test("of one POST and of POSTs that come at once each content is kept once", async () => {
      expect(
        await store.append(
          post(
            { key: "k", own: "a" },
            { key: "k", own: "b" },
            { key: "k", own: "a" },
            { key: "k", own: "c" },
          ),
        ),
      ).toEqual(["created", "differs", "duplicate", "differs"]);
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, (_, index) => one({ key: "k", own: "abcdef"[index % 6] ?? "" })),
      );
      expect(outcomes.filter((outcome) => outcome === "differs")).toHaveLength(3);
      expect(outcomes.filter((outcome) => outcome === "duplicate")).toHaveLength(57);
      expect((await stored()).map((row) => row.at(-1)).sort()).toEqual([..."abcdef"]);
    });

    test("a key that a sender itself ends with a number is an event's like any other", async () => {
      expect(await one({ key: "k#2", own: "theirs" })).toBe("created");
      expect(await one({ key: "k", own: "first" })).toBe("created");
      expect(await one({ key: "k", own: "other" })).toBe("differs");
      expect(await one({ key: "k#3", own: "their third" })).toBe("differs");
      expect(await one({ key: "k", own: "other" })).toBe("duplicate");
      expect(await one({ key: "k#3", own: "their third" })).toBe("duplicate");
      expect(await stored()).toEqual([
        "k#2 status theirs",
        "k status first",
        "k#3 status other",
        "k#3#2 status their third",
      ]);
    });

    test(
      "beyond twenty contents under one key each is kept by a hash of it, also where that name is taken",
      async () => {
        const contents = Array.from({ length: 300 }, (_, index) => ({ key: "k", own: `n${index}` }));
        await store.append(post(...contents));
        const keys = (await stored()).map((row) => row.slice(0, row.indexOf(" ")));
        expect(keys.slice(0, 20)).toEqual(["k", ...Array.from({ length: 19 }, (_, at) => `k#${at + 2}`)]);
        for (const key of keys.slice(20)) expect(key).toMatch(/^k#[0-9a-f]{64}$/);
        expect(new Set(await store.append(post(...contents)))).toEqual(new Set(["duplicate"]));
        const digest = new Bun.CryptoHasher("sha256").update("status\0late").digest("hex");
        expect(await one({ key: `k#${digest}`, own: "theirs" })).toBe("created");
        expect(await one({ key: "k", own: "late" })).toBe("differs");
        expect(await one({ key: "k", own: "late" })).toBe("duplicate");
        expect((await stored()).at(-1)).toBe(`k#${digest}#2 status late`);
      },
      LONG_MS,
    );

    test("of equal bytes the provider's own name tells events apart, unless one of them has none", async () => {
      const paid = { key: "k", own: "{}", type: "orders/paid" };
      expect(await one(paid)).toBe("created");
      expect(await one({ ...paid, type: "orders/create" })).toBe("differs");
      expect(await one({ ...paid, type: "orders/create" })).toBe("duplicate");
      expect(await one(paid)).toBe("duplicate");
      expect(await one({ key: "k", own: "{}" })).toBe("duplicate");
      expect(await one({ key: "old", own: "{}" })).toBe("created");
      expect(await one({ ...paid, key: "old" })).toBe("duplicate");
    });

    test("where the key alone decides, the first write stays", async () => {
      expect(await one({ key: "k", own: "signed at one" })).toBe("created");
      expect(await one({ key: "k", own: "signed at two", keyDecides: true })).toBe("duplicate");
      expect(await stored()).toEqual(["k status signed at one"]);
    });

    test(
      "any run of POSTs loses no content and keeps none twice under one key, in any order and at once",
      async () => {
        const given = fc.record({
          key: fc.constantFrom("k", "k#2", "k#3", "k#2#2", "l"),
          own: fc.constantFrom("", "a", "b", "cc", "\0\u00e9"),
          kind: fc.constantFrom("status" as const, "echo" as const),
        });
        const posts = fc.array(fc.array(given, { minLength: 1, maxLength: 4 }), {
          minLength: 1,
          maxLength: 8,
        });
        const run = async (moments: readonly (readonly (readonly Given[])[])[]): Promise<void> => {
          const fresh = await newDatabase();
          const opened = await fresh.open();
          const append = (each: readonly Given[]) => opened.append(post(...each));
          try {
            const outcomes: Outcome[] = [];
            for (const moment of moments) outcomes.push(...(await Promise.all(moment.map(append))).flat());
            const { data } = await opened.events({ limit: 1000, offset: 0 });
            expect(outcomes.filter((outcome) => outcome !== "duplicate")).toHaveLength(data.length);
            const all = moments.flat(2);
            for (const { key, kind, own } of all)
              expect(
                data.some(
                  ({ event_key, kind: of, body }) =>
                    (event_key === key || event_key.startsWith(`${key}#`)) &&
                    of === kind &&
                    Buffer.from(body ?? []).equals(Buffer.from(own)),
                ),
              ).toBe(true);
            const givenKeys = Map.groupBy(all, ({ kind, own }) => `${kind} ${own}`);
            const rows = Map.groupBy(data, ({ kind, body }) => `${kind} ${Buffer.from(body ?? [])}`);
            for (const [content, kept] of rows)
              expect(kept.length).toBeLessThanOrEqual(
                new Set(givenKeys.get(content)?.map(({ key }) => key)).size,
              );
            const again = await Promise.all(moments.flat().map(append));
            expect(again.flat().filter((outcome) => outcome !== "duplicate")).toEqual([]);
          } finally {
            await opened.close();
            await fresh.drop();
          }
        };
        await fc.assert(fc.asyncProperty(fc.array(posts, { minLength: 1, maxLength: 5 }), run), {
          numRuns: 20,
        });
      },
      LONG_MS,
    );

    testWith(capabilities, "severalReplicas")(
      "replicas that get different contents of one key at once keep each once",
      async () => {
        const others = [await database.open(), await database.open()];
        try {
          const outcomes = await Promise.all(
            Array.from({ length: 90 }, (_, index) =>
              [store, ...others][index % 3]?.append(
                post({ key: "k", own: `${(index * 7) % 10}` }, { key: "l", own: `${index % 4}` }),
              ),
            ),
          );
          const fresh = outcomes.flat().filter((outcome) => outcome !== "duplicate");
          expect(fresh).toHaveLength(14);
          const rows = (await stored()).map((row) => row.replace(/#\d+ /, " "));
          expect(new Set(rows).size).toBe(14);
          expect(rows).toHaveLength(14);
        } finally {
          for (const other of others) await other.close();
        }
      },
      LONG_MS,
    );
  });
}
