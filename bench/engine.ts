// An engine of the store without a service before it, for what is measured below HTTP.

import { openSync } from "node:fs";
import { type DatabaseUrl, parseDatabaseUrl } from "../src/core/database-url.ts";
import type { Store } from "../src/core/store.ts";
import { randomId } from "../src/lib/chance.ts";
import { systemClock } from "../src/lib/clock.ts";
import { Log } from "../src/observe/log.ts";
import { Metrics } from "../src/observe/metrics.ts";
import { openStore } from "../src/storage/open.ts";

const pollMs = 200;

/** Warnings are of no interest here. */
export const silentLog = new Log({
  level: "WARN",
  bufferBytesMax: 1e6,
  clock: systemClock,
  fd: openSync("/dev/null", "w"),
});
export const benchMetrics = new Metrics({ version: "bench", runtime: "bench" });

export function databaseFlag(text: string): DatabaseUrl {
  const url = parseDatabaseUrl(text);
  if (typeof url === "string" || url === undefined) throw new Error("--database takes a URL");
  return url;
}

export function openEngine(url: DatabaseUrl, queryTimeoutMs: number): Promise<Store> {
  return openStore(url, {
    ...{ queueRowsMax: 20_000, queueBytesMax: 1e8, queryTimeoutMs, readThreads: 2 },
    ...{
      followerLagRowsMax: 1e9,
      clock: systemClock,
      newId: randomId,
      log: silentLog,
      metrics: benchMetrics,
    },
    onFatal: (reason) => {
      throw new Error(reason);
    },
  });
}

/** Until what the engine derives by itself is there. */
export async function untilDerived(store: Store): Promise<void> {
  while (Object.values(store.figures().followerLagRows).some((lag) => lag > 0)) await Bun.sleep(pollMs);
}

/**
 * Appends again and again, and says the times that it took, in milliseconds, and how often it was.
 */
export async function timeAppends(
  append: (turn: number) => Promise<unknown>,
  isOver: (elapsedMs: number) => boolean,
): Promise<string> {
  const took: number[] = [];
  const startedAt = performance.now();
  while (!isOver(performance.now() - startedAt)) {
    const begunAt = performance.now();
    await append(took.length);
    took.push(performance.now() - begunAt);
  }
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(2);
  return `${at(0.5)} / ${at(0.99)} ms (${took.length})`;
}

/** A line of the table that is printed. */
export function say(what: string, value: string): void {
  console.log(`| ${what} | ${value} |`);
}
