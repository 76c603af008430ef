// Pages of the log: those from the middle of a long and a short one, and the walk through
// everything against the engine's bare read of the same rows.

import { residentBytes } from "../processes.ts";
import { median } from "../report.ts";
import { host, type Server } from "../servers.ts";
import type { Engine, Full } from "./engines.ts";
import type { Findings } from "./findings.ts";

const walkLimit = 1000;
const stretchRows = 20 * walkLimit;
const limits = [100, 1000];
const warmUps = 5;
const samples = 30;

type PagesPlan = { rounds: number; sizes: number[] };

/** `sizes` ascend. */
export async function measurePages(
  engine: Engine,
  { rounds, sizes }: PagesPlan,
  findings: Findings,
): Promise<void> {
  const [small = 0, large = 0] = [sizes[0], sizes.at(-1)];
  await engine.onFull(large, async (long) => {
    const longMiddle = await measureWalks(engine, long, rounds, findings);
    if (small === large) return;
    await engine.onFull(small, async (short) => {
      const shortMiddle = await walk(short.server, "start", 0, small >> 1);
      for (const limit of limits)
        for (let round = 1; round <= rounds; round++) {
          const of = (after: string) => `/log?limit=${limit}&after=${after}`;
          const times = await inTurn([
            () => read(long.server, of(longMiddle)),
            () => read(short.server, of(shortMiddle)),
          ]);
          const [longMs = Number.NaN, shortMs = Number.NaN] = times;
          const add = (name: string, value: number, bound = {}) =>
            findings.add(engine.name, `page of ${limit} from the middle${name}`, value, 2, bound);
          add(` of ${rows(small)}, ms`, shortMs);
          add(` of ${rows(large)}, ms`, longMs);
          add(`, ${rows(large)} ÷ ${rows(small)}`, longMs / shortMs, { atMost: 2 });
        }
    });
  });
}

/** The walk and the bare read take turns at stretches; gives the position in the middle. */
async function measureWalks(engine: Engine, full: Full, rounds: number, findings: Findings): Promise<string> {
  const { size, server, bareRead } = full;
  const resident = () => residentBytes(server.process.pid) / 2 ** 20;
  let middle = "";
  for (let round = 1; round <= rounds; round++) {
    let [walkMs, bareMs, after, quarter] = [0, 0, "start", Number.NaN];
    for (let seen = 0; seen < size; seen += stretchRows) {
      const until = Math.min(size, seen + stretchRows);
      const started = performance.now();
      await bareRead(seen, until);
      const between = performance.now();
      after = await walk(server, after, seen, until);
      walkMs += performance.now() - between;
      bareMs += between - started;
      if (seen <= size / 2) middle = after;
      if (seen <= size / 4) quarter = resident();
    }
    const add = (name: string, value: number, digits: number, bound = {}) =>
      findings.add(engine.name, `walk of ${rows(size)}: ${name}`, value, digits, bound);
    add("rows/s", (size * 1000) / walkMs, 0);
    add("bare read, rows/s", (size * 1000) / bareMs, 0);
    add("÷ bare read", bareMs / walkMs, 3, { atLeast: 0.3 });
    add("resident MiB at a quarter", quarter, 0);
    add("resident MiB at the end", resident(), 0);
    console.error(`bench: ${engine.name}, walk of ${size}: ${Math.round((size * 1000) / walkMs)} rows/s`);
  }
  return middle;
}

/**
 * A page after the other on one connection, from one number to another; throws unless each page has
 * the rows that it must. Gives the last page's end.
 */
async function walk(server: Server, start: string, from: number, until: number): Promise<string> {
  let after = start;
  for (let seen = from; seen < until; seen += walkLimit) {
    after = (await read(server, `/log?limit=${walkLimit}&after=${after}`)).next;
    if (!after.endsWith(`.${Math.min(until, seen + walkLimit)}`))
      throw new Error(`the page after ${seen} ended with ${after}`);
  }
  return after;
}

/** The numbers are without gaps: a page's rows needn't be counted. */
async function read({ port }: Server, path: string): Promise<{ next: string }> {
  const response = await fetch(`http://${host}:${port}${path}`);
  const end = Buffer.from(await response.arrayBuffer())
    .subarray(-200)
    .toString();
  const next = /"next":"([^"]+)","more":(?:true|false)\}$/.exec(end)?.[1];
  if (response.status !== 200 || next === undefined) throw new Error(`${path} ended with ${end}`);
  return { next };
}

/** The median milliseconds of each; they take turns, so that a slow moment meets all. */
async function inTurn(reads: (() => Promise<unknown>)[]): Promise<number[]> {
  const times = reads.map((): number[] => []);
  for (let done = 0; done < warmUps + samples; done++)
    for (const [index, each] of reads.entries()) {
      const started = performance.now();
      await each();
      if (done >= warmUps) times[index]?.push(performance.now() - started);
    }
  return times.map(median);
}

function rows(size: number): string {
  return size.toLocaleString("en-US");
}
