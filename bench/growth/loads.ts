// The prepared requests of the ingest parts, and a server under one of them.

import { join } from "node:path";
import { type Load, runLoad } from "../load.ts";
import { firstInstantMs, messages, type Series } from "../messages.ts";
import { writeRequests } from "../requests.ts";
import type { Scratch } from "../scratch.ts";
import type { Server } from "../servers.ts";

export const connections = 64;
export const loadTo = "+14155550199";
export const warmUpSeconds = 2;
export const burstSeconds = 10;
export const mixedSeconds = 30;

/** After the year that a database covers: what is sent is new, and later than everything stored. */
const loadStartMs = firstInstantMs + 366 * 24 * 3600 * 1000;
const msPerMessage = 350;
/** Beyond every size that can be built, so that all sizes get the same new ids. */
const firstIndex = 100_000_000;

/** Files of distinct requests; the runs on one copy of a database use each of them once. */
export type Prepared = { warmUpPath: string; firstPath: string; secondPath: string; seconds: number };

/** `rate`: requests prepared for each second. */
export async function prepareLoads(
  scratch: Scratch,
  series: Series,
  seconds: number,
  rate: number,
): Promise<Prepared> {
  let next = 0;
  const write = async (name: string, forSeconds: number): Promise<string> => {
    const path = join(scratch.folder, name);
    const count = forSeconds * rate;
    const instants = { firstInstantMs: loadStartMs + next * msPerMessage, msPerMessage };
    const stretch = { first: firstIndex + next, count, to: loadTo, ...instants };
    next += count;
    console.error(`bench: preparing ${count} signed requests`);
    await writeRequests(path, messages(series, stretch));
    return path;
  };
  return {
    warmUpPath: await write("warm-up.bin", warmUpSeconds),
    firstPath: await write("first.bin", Math.max(burstSeconds, Math.min(seconds, mixedSeconds))),
    secondPath: await write("second.bin", seconds),
    seconds,
  };
}

export function loadServer(
  scratch: Scratch,
  server: Server,
  seconds: number,
  requestsPath: string,
): Promise<Load> {
  const cyclic = !server.kind.stores;
  return runLoad(scratch, { port: server.port, connections, seconds, requestsPath, cyclic });
}
