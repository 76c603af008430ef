/** What a chart of counts shows, made of an answer of `/stats/series`. */
import type { Schemas } from "../api.ts";

export interface ChartSeries {
  readonly name: string;
  /** Of the palette, from 1 on; 0 is what stands for all others. */
  readonly color: number;
  readonly counts: readonly number[];
}

export type By = "source" | "kind" | "result";

/** Of sources, in their order: the red that refusals have comes last. */
const COLORS = [1, 3, 2, 5, 6, 4];
/** What has a colour of its own, wherever it stands. */
const KNOWN: Readonly<Record<By, readonly string[]>> = {
  source: [],
  kind: ["message", "edit", "status", "delete", "reaction", "echo"],
  result: ["duplicate", "validation_error", "ok", "invalid_signature", "overloaded", "error"],
};
export const OTHERS = "others";

/** Adds up so many steps each; the last may be of fewer. */
export function inGroups(counts: readonly number[], size: number): readonly number[] {
  return Array.from({ length: Math.ceil(counts.length / size) }, (_, index) =>
    sum(counts.slice(index * size, (index + 1) * size)),
  );
}

/** The largest ones, each with a colour that it keeps while the same ones are shown. */
export function chartSeries(
  series: Schemas["Series"]["series"],
  by: By,
  size: number,
): readonly ChartSeries[] {
  const grouped = series.map((each) => ({
    name: each[by] ?? "",
    counts: inGroups(each.counts, size),
  }));
  const known = KNOWN[by];
  const largest =
    known.length > 0
      ? grouped.filter(({ name }) => known.includes(name))
      : grouped.toSorted((one, other) => sum(other.counts) - sum(one.counts)).slice(0, COLORS.length);
  const names = largest.map(({ name }) => name).toSorted();
  const order = known.length > 0 ? known : names;
  const shown = largest
    .toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name))
    .map((each) => {
      const place = order.indexOf(each.name);
      return { ...each, color: known.length > 0 ? place + 1 : (COLORS[place] ?? 0) };
    });
  const rest = grouped.filter(({ name }) => !names.includes(name));
  if (rest.length === 0) return shown;
  const length = Math.max(0, ...rest.map(({ counts }) => counts.length));
  const counts = Array.from({ length }, (_, index) => sum(rest.map((each) => each.counts[index] ?? 0)));
  return [...shown, { name: OTHERS, color: 0, counts }];
}

/** Where the lines across a chart are: whole numbers, the last one above the largest count. */
export function gridOf(largest: number): readonly number[] {
  const rough = Math.max(1, largest / 4);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power);
  return Array.from({ length: Math.max(1, Math.ceil(largest / step)) + 1 }, (_, index) => index * step);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, each) => total + each, 0);
}
