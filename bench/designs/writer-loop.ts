// The writer's loop without the service around it: synced commits of one group after the other,
// with the engine's own checkpoints beside them.

import type { Database } from "bun:sqlite";
import { readFileSync } from "node:fs";
import {
  CHECKPOINT_AT_PAGES,
  checkpoint,
  extendLog,
  openForWriting,
} from "../../src/storage/sqlite/connection/files.ts";
import { Thread } from "../../src/storage/sqlite/connection/thread.ts";
import { CHECKPOINTER_THREAD } from "../../src/storage/sqlite/ingest/threads.ts";
import type { Design, DesignStore, Row } from "./stores.ts";

export type Measured = {
  perSecond: number;
  /** Milliseconds from one answer to the next. */
  p50: number;
  p999: number;
  /** Written by the process, log and tables together. */
  bytesRow: number;
  /** Of the loop's thread on a core. */
  cpuUsRow: number;
};

const groupRows = 64;
const warmUpRows = 16_384;
const measuredRows = 98_304;

export async function measureDesign(path: string, { open }: Design, rows: Iterator<Row>): Promise<Measured> {
  extendLog(path);
  const db = openForWriting(path);
  const checkpointer = new Thread("checkpointer", CHECKPOINTER_THREAD, (why) => {
    throw new Error(why);
  });
  await checkpointer.ask({ do: "open", path });
  const loop = new WriterLoop(db, open(db), checkpointer);
  try {
    await loop.run(take(rows, warmUpRows));
    while (!loop.steady) await loop.run(take(rows, warmUpRows));
    const measured = take(rows, measuredRows);
    Bun.gc(true);
    return await loop.measure(measured);
  } finally {
    await loop.finish();
    await checkpointer.close();
    db.close();
  }
}

class WriterLoop {
  readonly #db: Database;
  readonly #store: DesignStore;
  readonly #checkpointer: Thread;
  #checkpoint: Promise<void> | undefined;

  constructor(db: Database, store: DesignStore, checkpointer: Thread) {
    this.#db = db;
    this.#store = store;
    this.#checkpointer = checkpointer;
  }

  get steady(): boolean {
    return this.#store.steady();
  }

  /** Resolves with the milliseconds of each group. */
  async run(rows: readonly Row[]): Promise<number[]> {
    const times: number[] = [];
    let answeredAt = performance.now();
    for (let start = 0; start < rows.length; start += groupRows) {
      const group = rows.slice(start, start + groupRows);
      this.#db.run("begin immediate");
      if (this.#store.insert(group) !== group.length) throw new Error("a message was there already");
      this.#db.run("commit");
      const now = performance.now();
      times.push(now - answeredAt);
      answeredAt = now;
      this.#store.between();
      if (this.#checkpoint === undefined && checkpoint(this.#db, "noop").walPages >= CHECKPOINT_AT_PAGES)
        this.#copy();
      // The checkpointer's answer comes between two turns.
      await new Promise(setImmediate);
    }
    return times;
  }

  async measure(rows: readonly Row[]): Promise<Measured> {
    const before = usage();
    const startedAt = performance.now();
    const times = (await this.run(rows)).sort((a, b) => a - b);
    const seconds = (performance.now() - startedAt) / 1000;
    const after = usage();
    const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
    return {
      perSecond: rows.length / seconds,
      p50: at(0.5),
      p999: at(0.999),
      bytesRow: (after.written - before.written) / rows.length,
      cpuUsRow: (after.cpuUs - before.cpuUs) / rows.length,
    };
  }

  async finish(): Promise<void> {
    await this.#checkpoint;
    this.#store.finish();
  }

  #copy(): void {
    this.#checkpoint = this.#checkpointer.ask({ do: "checkpoint" }).then(() => {
      checkpoint(this.#db, "passive");
      this.#checkpoint = undefined;
    });
  }
}

function take(rows: Iterator<Row>, count: number): Row[] {
  return Array.from({ length: count }, () => rows.next().value as Row);
}

function usage(): { written: number; cpuUs: number } {
  return {
    written: Number(/^wchar: (\d+)/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]),
    cpuUs: Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]) / 1000,
  };
}
