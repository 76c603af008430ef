/**
 * What other replicas might do at worst on PostgreSQL: transactions that have written their rows
 * long ago and commit in another order. What they commit is as good as acknowledged.
 */
import { holdBatch } from "../postgres/late-batch.ts";
import type { Chance } from "./chance.ts";
import { keyOf, type Ledger } from "./record.ts";
import { senderOf } from "./writers.ts";

const HELD = 3;
const HELD_MS_MAX = 1500;

interface LateWriting {
  readonly signal: AbortSignal;
  readonly ledger: Ledger;
  readonly url: string;
  readonly chance: Chance;
}

/** So many transactions at a time, each committed when its own time has come. */
export class LateWriters {
  readonly #done: Promise<unknown>;
  #running = true;

  constructor(writing: LateWriting) {
    this.#done = Promise.all(
      Array.from({ length: HELD }, (_, number) =>
        this.#write(writing, number, writing.chance.of(`${number}`)),
      ),
    );
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #write({ signal, ledger, url }: LateWriting, number: number, chance: Chance): Promise<void> {
    for (let count = 0; this.#running && !signal.aborted; count++) {
      const ids = Array.from(
        { length: chance.between(1, 3) },
        (_, place) => `late-${number}-${count}-${place}`,
      );
      const post = ledger.send(
        ids.map((message_id) => keyOf({ kind: "message", source: "native", message_id })),
      );
      try {
        const batch = await holdBatch(url, { ids, from: senderOf(number), batchFirst: chance.holds(0.5) });
        await Bun.sleep(chance.between(1, HELD_MS_MAX));
        await batch.commit();
        ledger.acknowledge(post);
      } catch {
        // The server went away: whether it is there is told by the log, and both are right.
        await Bun.sleep(chance.between(1, 200));
      }
    }
  }
}
