// How far what is derived from the log lags behind it. A server without followers lags behind by nothing.

import { scrape } from "../metrics.ts";
import type { Server } from "../servers.ts";

const caughtUpMsMax = 1_800_000;
const pollMs = 100;

/** Rows that the followers haven't taken in yet: of all followers together, and of the last of them. */
export type Lag = { sum: number; max: number };

export async function followerLag(server: Server): Promise<Lag> {
  const rows = [...(await scrape(server.port, "postern_follower_lag_rows", "follower")).values()];
  return { sum: rows.reduce((sum, lag) => sum + lag, 0), max: Math.max(0, ...rows) };
}

/** Resolves with the milliseconds that it took until nothing lagged; throws when it takes too long. */
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
