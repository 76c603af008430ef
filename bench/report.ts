// Turns the runs of a benchmark into Markdown. Pure: text from figures.

import type { Load } from "./load.ts";

export type Run = {
  server: string;
  connections: number;
  round: number;
  load: Load;
  cpuUsPerRequest: number;
  peakBytes: number;
  /** Only beside Postern at one connection. */
  fdatasyncP50Us: number | null;
  problems: string[];
};

/** Below this part of the bare server's rate, the reference is too slow to be a fair yardstick. */
const referenceShareMin = 0.015;

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

export function figuresTable(runs: Run[]): string {
  const groups = Map.groupBy(runs, (run) => `${run.connections} | ${run.server}`);
  return [
    "| connections | server | requests/s, median (min–max) | p50 ms | p99 ms | p99.9 ms | CPU µs/request | peak MiB | wrk busy |",
    "|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ...[...groups].map(([key, group]) => `| ${key} | ${figures(group).join(" | ")} |`),
  ].join("\n");
}

function figures(runs: Run[]): string[] {
  const middle = (figure: (run: Run) => number): number => median(runs.map(figure));
  return [
    spread(
      runs.map((run) => run.load.requestsPerSecond),
      0,
    ),
    milliseconds(middle((run) => run.load.p50Us)),
    milliseconds(middle((run) => run.load.p99Us)),
    milliseconds(middle((run) => run.load.p999Us)),
    middle((run) => run.cpuUsPerRequest).toFixed(1),
    (middle((run) => run.peakBytes) / 2 ** 20).toFixed(0),
    `${(middle((run) => run.load.wrkBusy) * 100).toFixed(0)} %`,
  ];
}

/**
 * Ratios are taken within a round, where the servers ran right after each other, then the median
 * over the rounds. `tooSlow`: the numbers of connections at which the reference was.
 */
export function ratiosTable(runs: Run[], tooSlow: readonly number[]): string {
  const groups = Map.groupBy(runs, (run) => run.connections);
  return [
    "| connections | Postern ÷ FastAPI | Postern ÷ Fastify | Postern ÷ bare | Postern p99 ÷ p50 | FastAPI ÷ bare |",
    "|--:|--:|--:|--:|--:|--:|",
    ...[...groups].map(
      ([connections, group]) =>
        `| ${connections} | ${ratios(group, tooSlow.includes(connections)).join(" | ")} |`,
    ),
  ].join("\n");
}

function ratios(runs: Run[], isTooSlow: boolean): string[] {
  const reference = rateRatios(runs, "fastapi", "bare");
  const postern = runs.filter((run) => run.server === "postern");
  return [
    spread(rateRatios(runs, "postern", "fastapi"), 1),
    spread(rateRatios(runs, "postern", "fastify"), 1),
    spread(rateRatios(runs, "postern", "bare"), 3),
    spread(
      postern.map((run) => run.load.p99Us / run.load.p50Us),
      1,
    ),
    spread(reference, 4) + (isTooSlow ? ` INVALID: below ${referenceShareMin}` : ""),
  ];
}

/** The numbers of connections at which the reference was too slow to be a fair yardstick. */
export function connectionsWithSlowReference(runs: Run[]): number[] {
  const groups = Map.groupBy(runs, (run) => run.connections);
  return [...groups].flatMap(([connections, group]) => (hasSlowReference(group) ? [connections] : []));
}

function hasSlowReference(runs: Run[]): boolean {
  const shares = rateRatios(runs, "fastapi", "bare");
  return shares.length > 0 && median(shares) < referenceShareMin;
}

/** Within each round. */
export function rateRatios(runs: Run[], above: string, below: string): number[] {
  return runs
    .filter((run) => run.server === above)
    .flatMap((run) => {
      const other = sameRound(runs, run, below);
      return other ? [run.load.requestsPerSecond / other.load.requestsPerSecond] : [];
    });
}

/**
 * What a request alone waits beyond the disk and the HTTP server themselves; null when it wasn't
 * measured.
 */
export function aloneLine(runs: Run[]): string | null {
  const measured = runs.flatMap((run) => {
    const bare = sameRound(runs, run, "bare");
    return run.fdatasyncP50Us === null || !bare ? [] : [{ run, fdatasyncUs: run.fdatasyncP50Us, bare }];
  });
  if (measured.length === 0) return null;
  const quotients = measured.map(
    ({ run, fdatasyncUs, bare }) => run.load.p50Us / (fdatasyncUs + bare.load.p50Us),
  );
  const fdatasyncMs = milliseconds(median(measured.map(({ fdatasyncUs }) => fdatasyncUs)));
  return (
    `A request alone (1 connection): fdatasync of 4 KiB p50 ${fdatasyncMs} ms; ` +
    `postern p50 ÷ (fdatasync p50 + bare p50) = ${spread(quotients, 2)}`
  );
}

function sameRound(runs: Run[], run: Run, server: string): Run | undefined {
  return runs.find(
    (other) => other.server === server && other.round === run.round && other.connections === run.connections,
  );
}

/** The median, and the range. */
export function spread(values: number[], digits: number): string {
  if (values.length === 0) return "–";
  return `${number(median(values), digits)} (${number(Math.min(...values), digits)}–${number(Math.max(...values), digits)})`;
}

function number(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function milliseconds(microseconds: number): string {
  return (microseconds / 1000).toFixed(microseconds < 1000 ? 3 : 2);
}
