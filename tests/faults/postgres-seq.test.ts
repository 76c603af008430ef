/**
 * Whoever follows `seq` never misses a row and never sees a number appear behind one that was
 * passed.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { seqOf } from "../../src/storage/postgres/connection/schema.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { message } from "../messages.ts";
import { holdBatch } from "../postgres/late-batch.ts";
import { newPostgresServer, type OwnServer } from "../postgres/own-server.ts";
import { type Session, sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";

const ROUNDS = Number(process.env["POSTERN_KILL_ROUNDS"] ?? 3);
const LONG_MS = 120_000;
const BEHIND = `
  select ${seqOf("m", "b")} as seq, m.message_id from batches b join messages m using (batch)
  where b.seq + b.rows > $1 and ${seqOf("m", "b")} > $1 order by 1`;

let server: OwnServer;
beforeAll(async () => {
  server = await newPostgresServer();
}, LONG_MS);
afterAll(() => server.remove());

/** Takes what comes after the last number that it has seen, and nothing else. */
class Follower {
  readonly seen: string[] = [];
  #last = 0;
  readonly #session: Session;
  #running = true;
  readonly #done: Promise<void>;

  constructor(url: string) {
    this.#session = sessionOn(url);
    this.#done = this.#follow();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
    await this.#session.close();
  }

  async #follow(): Promise<void> {
    while (this.#running) {
      const rows = await this.#session.query<{ seq: number; message_id: string }>(BEHIND, [this.#last]);
      for (const { seq, message_id } of rows) {
        if (seq <= this.#last) throw new Error(`${seq} came after ${this.#last}`);
        this.#last = seq;
        this.seen.push(message_id);
      }
      await Bun.sleep(1);
    }
  }
}

test(
  "transactions that commit late are found by whoever follows, and no number appears behind",
  async () => {
    const url = server.url("postgres");
    const engines = await Promise.all([0, 1].map(() => openForTest({ engine: "postgres", url })));
    const watch = sessionOn(url);
    const follower = new Follower(url);
    const ids: string[] = [];
    // Both fold, whoever holds the lease.
    let folding = true;
    const taker = sessionOn(url);
    const quarrel = (async () => {
      while (folding) {
        await taker.query("delete from lease where name = 'fold'");
        await Bun.sleep(20);
      }
      await taker.close();
    })();
    const store = async (id: string, engine: number) => {
      ids.push(id);
      expect(await engines[engine]?.append({ messages: [message(id)] })).toEqual(["created"]);
    };
    for (let round = 0; round < ROUNDS; round++) {
      const held = await Promise.all(
        Array.from({ length: 4 }, (_, number) => {
          const late = [0, 1].map((place) => `held-${round}-${number}-${place}`);
          ids.push(...late);
          return holdBatch(url, { ids: late, batchFirst: number % 2 === 0 });
        }),
      );
      for (const [number, batch] of held.entries()) {
        await Promise.all(
          Array.from({ length: 30 }, (_, index) => store(`m-${round}-${number}-${index}`, index % 2)),
        );
        const passed = `m-${round}-${number}-0`;
        await until("a follower to have passed what is held", () => follower.seen.includes(passed));
        await batch.commit();
      }
    }
    await until("the follower to have it all", () => follower.seen.length >= ids.length);
    folding = false;
    await quarrel;
    await follower.stop();
    expect(follower.seen.toSorted()).toEqual(ids.toSorted());
    const [numbers] = await watch.query<{ n: number; rows: number; max: number; last: number }>(`
      select count(*)::int as rows, count(distinct ${seqOf("m", "b")})::int as n, max(${seqOf("m", "b")})::int as max,
        (select seq::int from totals) as last from messages m join batches b using (batch)`);
    expect(numbers).toEqual({ rows: ids.length, n: ids.length, max: ids.length, last: ids.length });
    for (const engine of engines) {
      expect((await engine.stats()).total_messages).toBe(ids.length);
      await engine.close();
    }
    await watch.close();
  },
  LONG_MS,
);

test(
  "numbers outlast a crash, also on a server that doesn't wait for its disk unless it is told to",
  async () => {
    await server.stop("fast");
    await server.start();
    const admin = sessionOn(server.url("postgres"));
    await admin.query("alter system set synchronous_commit = off");
    // So long a commit that nobody waits for is not written.
    await admin.query("alter system set wal_writer_delay = '10s'");
    await admin.query("select pg_reload_conf()");
    await admin.query("create database lazy");
    await admin.close();
    const url = server.url("lazy");
    const numbersOf = async () => {
      const { query, close } = sessionOn(url);
      const rows = await query<{ seq: number | null; message_id: string }>(
        `select ${seqOf("m", "b")} as seq, message_id from messages m join batches b using (batch) order by 2`,
      );
      await close();
      return rows;
    };
    for (let round = 0; round < ROUNDS; round++) {
      const engine = await openForTest({ engine: "postgres", url });
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          engine.append({ messages: [message(`m-${round}-${index}`)] }),
        ),
      );
      let numbers = await numbersOf();
      await until("numbers", async () => {
        numbers = await numbersOf();
        return numbers.every(({ seq }) => seq !== null);
      });
      await server.stop("immediate");
      await server.start();
      const after = await numbersOf();
      await engine.close();
      expect(after).toEqual(numbers);
    }
  },
  LONG_MS,
);
