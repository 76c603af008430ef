/** Commits whose answer is lost: what is told is what the database has done. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { StorageUnavailable } from "../../src/core/errors.ts";
import type { Outcome, Store } from "../../src/core/store.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { message } from "../messages.ts";
import { newPgbouncer, type OwnPgbouncer, PGBOUNCER } from "../postgres/own-pgbouncer.ts";
import { newPostgresServer, type OwnServer } from "../postgres/own-server.ts";
import { empty, type Session, sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { type CuttingProxy, newCuttingProxy } from "./cutting-proxy.ts";
import { ANSWER_MS_MAX } from "./replicas.ts";

const ROUNDS = Number(process.env["POSTERN_KILL_ROUNDS"] ?? 3);
const LONG_MS = 120_000;

/**
 * Where connections are cut: before the server, between the engine and a PgBouncer, or behind that.
 */
const WAYS = ["directly", "before PgBouncer", "behind PgBouncer"] as const;

for (const way of WAYS)
  describe.skipIf(way !== "directly" && PGBOUNCER === undefined)(way, () => {
    let server: OwnServer;
    let beside: Session;
    let proxy: CuttingProxy;
    let pooler: OwnPgbouncer | undefined;
    let store: Store;
    beforeAll(async () => {
      server = await newPostgresServer();
      beside = sessionOn(server.url("postgres"));
    }, LONG_MS);
    afterAll(async () => {
      await beside.close();
      await server.remove();
    });
    beforeEach(async () => {
      await empty(beside);
      store = await openForTest({ engine: "postgres", url: await connect() });
    });
    afterEach(async () => {
      await store.close();
      await proxy.close();
      await pooler?.remove();
    });

    /** Resolves with the engine's URL. */
    async function connect(): Promise<string> {
      const url = server.url("postgres");
      const past = (to: { readonly port: number }) => url.replace(`:${server.port}/`, `:${to.port}/`);
      if (way === "before PgBouncer") {
        pooler = await newPgbouncer(url);
        proxy = await newCuttingProxy(pooler);
        return past(proxy);
      }
      proxy = await newCuttingProxy(server);
      if (way === "directly") return past(proxy);
      // It would wait fifteen seconds before it tries again.
      pooler = await newPgbouncer(past(proxy), { server_login_retry: "1" });
      return past(pooler);
    }

    const append = (id: string) => store.append({ messages: [message(id)] });
    const isStored = async (id: string) =>
      (await beside.query("select 1 from messages where message_id = $1", [id])).length === 1;
    const told = (outcome: Promise<readonly Outcome[]>) =>
      outcome.then(
        ([first]) => first,
        (error) => (error instanceof StorageUnavailable ? "unavailable" : error),
      );

    test.each([
      ["a message whose commit succeeded without an answer is created", "after"],
      ["a message whose commit never reached the server is stored by another attempt", "before"],
    ] as const)(
      "%s",
      async (_, when) => {
        for (let round = 0; round < ROUNDS; round++) {
          proxy.cut(when);
          expect(await append(`m${round}`)).toEqual(["created"]);
          expect(proxy.cuts()).toBe(round + 1);
          expect(await isStored(`m${round}`)).toBe(true);
          expect(await append(`m${round}`)).toEqual(["duplicate"]);
        }
      },
      LONG_MS,
    );

    test(
      "a commit that the server gets late counts once, whether it comes before the question or after it",
      async () => {
        for (const waitMs of [0, 300, 1000]) {
          const id = `m${waitMs}`;
          proxy.cut("late");
          const before = proxy.cuts();
          const outcome = told(append(id));
          await until("the commit to be held", () => proxy.cuts() > before);
          await Bun.sleep(waitMs);
          proxy.release();
          expect(await outcome).toBe("created");
          expect(await append(id)).toEqual(["duplicate"]);
        }
      },
      LONG_MS,
    );

    test(
      "of many messages that are cut again and again each that is created is so once",
      async () => {
        let created = 0;
        const ids = Array.from({ length: 60 * ROUNDS }, (_, index) => `m${index}`);
        const kinds = ["after", "before"] as const;
        for (let start = 0; start < ids.length; start += 20) {
          proxy.cut(kinds[(start / 20) % 2] ?? "after", 3);
          const some = ids.slice(start, start + 20);
          const outcomes = await Promise.all(
            some.map(async (id) => {
              await Bun.sleep(Math.random() * 20);
              return told(append(id));
            }),
          );
          for (const outcome of outcomes) expect(["created", "unavailable"]).toContain(outcome);
          created += outcomes.filter((outcome) => outcome === "created").length;
          for (const [index, outcome] of outcomes.entries())
            if (outcome === "created") expect(await isStored(some[index] ?? "")).toBe(true);
        }
        expect(created).toBeGreaterThan(0);
        expect(
          await beside.query("select count(*)::int - count(distinct message_id)::int as n from messages"),
        ).toEqual([{ n: 0 }]);
      },
      LONG_MS,
    );

    test(
      "when nobody can be asked what became of a commit, the client is told to come again, and is a duplicate then",
      async () => {
        proxy.cut("last");
        const startedAt = performance.now();
        expect(await told(append("m1"))).toBe("unavailable");
        expect(await isStored("m1")).toBe(true);
        expect(performance.now() - startedAt).toBeLessThan(ANSWER_MS_MAX);
        proxy.open();
        await until("it can be used again", async () => {
          await store.ping();
          return true;
        });
        expect(await append("m1")).toEqual(["duplicate"]);
      },
      LONG_MS,
    );

    test(
      "a commit whose outcome can't be learned is not tried again: its own rows would be taken for somebody else's",
      async () => {
        proxy.cut("after");
        proxy.cut("before", 10);
        expect(await told(append("m1"))).toBe("unavailable");
        expect(await isStored("m1")).toBe(true);
        expect(await append("m1")).toEqual(["duplicate"]);
      },
      LONG_MS,
    );

    test(
      "reads that begin while nobody can connect are answered once somebody can",
      async () => {
        await append("m1");
        for (let round = 0; round < ROUNDS; round++) {
          const refused = proxy.refused();
          proxy.shut();
          // Numbering tries; a pooler that was refused then refuses everybody for a second.
          await until("a connection to be refused", () => proxy.refused() > refused);
          const reads = Array.from({ length: 20 }, () => store.list({ limit: 10, offset: 0 }));
          proxy.open();
          const pages = await Promise.all(reads);
          expect(pages.every((page) => page.total === 1)).toBe(true);
        }
      },
      LONG_MS,
    );

    test(
      "a connection that is cut while reads are under way costs none of them its answer",
      async () => {
        await append("m1");
        for (let round = 0; round < ROUNDS; round++) {
          // After a login that was cut PgBouncer refuses everybody for a second.
          await until("no login to be under way", () => proxy.loggingIn() === 0);
          const reads = Array.from({ length: 20 }, () => store.list({ limit: 10, offset: 0 }));
          proxy.shut();
          proxy.open();
          const pages = await Promise.all(reads);
          expect(pages.every((page) => page.total === 1)).toBe(true);
        }
      },
      LONG_MS,
    );
  });
