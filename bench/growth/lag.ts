// How far what is derived from the log lags behind it. A server without followers lags behind by
// nothing.

import { scrape } from "../metrics.ts";
import type { Server } from "../servers.ts";

const caughtUpMsMax = 1_800_000;
const pollMs = 100;
const watchMs = 500;

/**
 * Rows that the followers haven't taken in yet: of all followers together, and of the last of them.
 */
type Lag = { sum: number; max: number };

async function followerLag(server: Server): Promise<Lag> {
  const rows = [...(await scrape(server.port, "postern_follower_lag_rows", "follower")).values()];
  return { sum: rows.reduce((sum, lag) => sum + lag, 0), max: Math.max(0, ...rows) };
}

/** The means of the first and the last third of what was seen while something went on. */
export type LagTrend = { early: Lag; late: Lag };

/**
 * Looks at the lag again and again until the work is done: at rest it is nothing, so only a load's
 * own course tells.
 */
export async function lagDuring<T>(
  server: Server,
  work: Promise<T>,
): Promise<{ result: T; trend: LagTrend }> {
  const seen: Lag[] = [];
  let done = false;
  const watching = (async () => {
    while (!done) {
      seen.push(await followerLag(server));
      await Bun.sleep(watchMs);
    }
  })();
  try {
    const result = await work;
    done = true;
    await watching;
    const third = Math.ceil(seen.length / 3);
    return { result, trend: { early: meanLag(seen.slice(0, third)), late: meanLag(seen.slice(-third)) } };
  } finally {
    done = true;
  }
}

function meanLag(seen: Lag[]): Lag {
  const mean = (part: keyof Lag) => Math.round(seen.reduce((sum, lag) => sum + lag[part], 0) / seen.length);
  return { sum: mean("sum"), max: mean("max") };
}

/**
 * Resolves with the milliseconds that it took until nothing lagged; throws when it takes too long.
 */
export async function untilCaughtUp(server: Server): Promise<number> {
  const started = performance.now();
  for (;;) {
    const { sum } = await followerLag(server);
    const waitedMs = performance.now() - started;
    if (sum === 0) return waitedMs;
    if (waitedMs > caughtUpMsMax) throw new Error(`followers are still ${sum} rows behind`);
    await Bun.sleep(pollMs);
  }
}
