/**
 * Replicas are replaced one by one: those of 0.1 and those of this version work on one database
 * meanwhile.
 */
import { expect, test } from "bun:test";
import type { Intake, NewEvent } from "../../src/core/store.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { post } from "../contract/posts-contract.ts";
import { newPostgres } from "../databases/postgres.ts";
import { message } from "../messages.ts";
import { FirstReplica } from "./first-replica.ts";
import { sessionOn } from "./server.ts";

const LONG_MS = 120_000;
const ROUNDS = 10;
const TS = "2025-01-15T10:00:00Z";

/** Native messages, and POSTs with messages and events. */
function intakesOf(name: string): Intake[] {
  const event = (key: string, kind: NewEvent["kind"]) => ({
    ...{ kind, type: null, key, messageId: `wa:${key}`, ts: TS },
    span: { start: 0, end: 0 },
  });
  return Array.from({ length: 10 }, (_, index) => {
    const id = `${name}-${index}`;
    if (index % 2 === 0) return { messages: [message(id, { from: `+${index}` })] };
    return post(
      "wa",
      [message(`wa:${id}`), message(`wa:${id}-b`)],
      [event(id, "status"), event(`${id}-r`, "reaction")],
    );
  });
}

const MESSAGES = 15;
const EVENTS = 10;

test(
  "a replica of 0.1 works on beside a new one: every row is one replica's, numbers have no gap and counts are right",
  async () => {
    const database = await newPostgres();
    const engine = await openForTest({ engine: "postgres", url: database.url });
    const old = new FirstReplica(database.url);
    const folding = new FirstReplica(database.url);
    const taker = sessionOn(database.url);
    // Both number, whoever holds the lease.
    let isRunning = true;
    let numbered = 0;
    const quarrel = (async () => {
      while (isRunning) {
        await taker.query("delete from lease where name = 'fold'");
        if (await folding.holdLease()) numbered += await folding.number();
        await taker.query("delete from lease where name = 'fold'");
        await Bun.sleep(20);
      }
    })();
    for (let round = 0; round < ROUNDS; round++) {
      const shared = intakesOf(`both-${round}`);
      const [ofNew, ofOld] = await Promise.all([
        Promise.all([...shared, ...intakesOf(`new-${round}`)].map((intake) => engine.append(intake))),
        old.append([...intakesOf(`old-${round}`), ...shared.toReversed()]),
      ]);
      const created = ofNew.flat().filter((outcome) => outcome === "created").length;
      expect(created + ofOld.messages.length + ofOld.events.length).toBe(3 * (MESSAGES + EVENTS));
      const total = 3 * MESSAGES * (round + 1);
      expect(await old.total()).toBe(total);
      expect((await engine.stats()).total_messages).toBe(total);
    }
    isRunning = false;
    await quarrel;
    expect(numbered).toBeGreaterThan(0);

    const rows = 3 * ROUNDS * (MESSAGES + EVENTS);
    expect(await engine.events({ limit: 1, offset: 0 })).toMatchObject({ total: 3 * ROUNDS * EVENTS });
    for (const name of ["both", "new", "old"]) {
      const found = await engine.message(`wa:${name}-0-1`);
      expect(Buffer.from(found?.body ?? []).toString()).toBe(`wa:${name}-0-1`);
      expect(found?.events).toMatchObject([{ event_key: `${name}-0-1` }]);
    }
    await engine.close();
    expect(await database.differences()).toEqual([]);
    const numbers = new Set((await database.sequence()).map(({ seq }) => seq));
    expect(numbers.size).toBe(3 * ROUNDS * MESSAGES);
    const [totals] = await taker.query<{ seq: number }>("select seq::int from totals");
    expect(totals?.seq).toBe(rows);
    await Promise.all([old, folding, taker].map((each) => each.close()));
    await database.drop();
  },
  LONG_MS,
);
