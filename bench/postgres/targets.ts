// What the benchmark on PostgreSQL should show, each target with what was measured.

import { type Figure, type FigureName, measuredAt, quotient } from "../growth/figures.ts";
import type { Target } from "../growth/targets.ts";
import { median, type Run, rateRatios } from "../report.ts";

export function ingestTargets(runs: Run[]): Target[] {
  const ratio = (below: string) => {
    const ratios = rateRatios(runs, "postern", below);
    return ratios.length === 0 ? null : median(ratios);
  };
  return [
    { title: "one replica ÷ a row a statement", measured: ratio("row-a-statement"), atLeast: 6 },
    { title: "one replica ÷ FastAPI", measured: ratio("fastapi"), atLeast: 15 },
  ];
}

/** `sizes` ascend. */
export function readTargets(figures: Figure[], sizes: number[]): Target[] {
  const [small = 0, large = 0] = [sizes[0], sizes.at(-1)];
  const [of, growth] = [rows(large), `${rows(large)} ÷ ${rows(small)}`];
  /** What was refused took forever; what wasn't measured is null. */
  const at = (size: number, name: FigureName) =>
    figures.some((figure) => figure.size === size && figure.name === name)
      ? (measuredAt(figures, size, name) ?? Infinity)
      : null;
  const grown = (name: FigureName) => quotient(at(large, name), at(small, name));
  return [
    { title: `first page and its total, ${growth}`, measured: grown("first page"), atMost: 2 },
    { title: `from page and its total, ${growth}`, measured: grown("from page"), atMost: 2 },
    { title: `since page and its total, ${growth}`, measured: grown("since page"), atMost: 2 },
    { title: `stats, ${growth}`, measured: grown("stats"), atMost: 2 },
    { title: `rare word, ms, ${of}`, measured: at(large, "rare word"), atMost: 30 },
  ];
}

function rows(size: number): string {
  return size.toLocaleString("en-US");
}
