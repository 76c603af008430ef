// What the growth benchmark should show, each target with what was measured.

import type { IdKind } from "../messages.ts";
import { type Figure, type FigureName, measuredAt, quotient } from "./figures.ts";

/** `atMost` or else `atLeast`; `measured` is null when a figure is missing. */
export type Target = { title: string; measured: number | null; atLeast?: number; atMost?: number };

/** At most this many rows are stored where Postern is compared with the reference. */
const referenceSizeMax = 1_000_000;
/** 300 MB. */
const residentMibMax = 286;
const ingestShareMin: Record<IdKind, number> = { random: 0.7, time: 0.9 };

export function referenceSize(sizes: number[]): number {
  return Math.max(...sizes.filter((size) => size <= referenceSizeMax), Math.min(...sizes));
}

export function isMet({ measured, atLeast, atMost }: Target): boolean {
  return measured !== null && measured >= (atLeast ?? -Infinity) && measured <= (atMost ?? Infinity);
}

/** `sizes` ascend, without the empty database. */
export function targets(figures: Figure[], sizes: number[], ids: IdKind): Target[] {
  const [small = 0, large = 0, reference] = [sizes[0], sizes.at(-1), referenceSize(sizes)];
  /** What was refused took forever; what wasn't measured is null. */
  const at = (size: number, name: FigureName) =>
    measuredAt(figures, size, name) ?? (figures.some(is(size, name)) ? Infinity : null);
  const worst = (...names: FigureName[]) => {
    const values = figures.flatMap(({ name, value }) => (names.includes(name) ? [value ?? Infinity] : []));
    return values.length === 0 ? null : Math.max(...values);
  };
  const least = (name: FigureName) => {
    const values = figures.flatMap((figure) => (figure.name === name ? [figure.value ?? 0] : []));
    return values.length === 0 ? null : Math.min(...values);
  };
  const grown = (name: FigureName) => quotient(at(large, name), at(small, name));
  const [of, growth] = [size(large), `${size(large)} ÷ ${size(small)}`];
  return [
    {
      title: `sustained ingest, ${of} ÷ empty, ids by ${ids === "random" ? "chance" : "time"}`,
      measured: quotient(at(large, "sustained"), at(0, "sustained")),
      atLeast: ingestShareMin[ids],
    },
    { title: "sustained ingest ÷ bare, empty", measured: at(0, "sustained ÷ bare"), atLeast: 0.3 },
    { title: "burst ÷ bare, empty", measured: at(0, "burst ÷ bare"), atLeast: 0.4 },
    {
      title: `sustained ingest ÷ FastAPI, ${size(reference)}`,
      measured: at(reference, "sustained ÷ FastAPI"),
      atLeast: 15,
    },
    { title: "sustained p99.9 ÷ p50, worst size", measured: worst("sustained p99.9 ÷ p50"), atMost: 10 },
    { title: `first page, ${growth}`, measured: grown("first page"), atMost: 2 },
    { title: `from page, ${growth}`, measured: grown("from page"), atMost: 2 },
    { title: `since page, ${growth}`, measured: grown("since page"), atMost: 2 },
    {
      title: `offset half ÷ first page, ${of}`,
      measured: quotient(at(large, "offset half"), at(large, "first page")),
      atMost: 5,
    },
    { title: `stats, ${growth}`, measured: grown("stats"), atMost: 2 },
    { title: `rare word, ms, ${of}`, measured: at(large, "rare word"), atMost: 20 },
    {
      title: `instr scan ÷ rare word, ${of}`,
      measured: quotient(at(large, "instr scan"), at(large, "rare word")),
      atLeast: 300,
    },
    { title: `frequent word, ms, ${of}`, measured: at(large, "frequent word"), atMost: 300 },
    { title: `one character, ms, ${of}`, measured: at(large, "one character"), atMost: 2000 },
    { title: `two characters, ms, ${of}`, measured: at(large, "two characters"), atMost: 2000 },
    { title: "ingest beside readers ÷ alone, worst size", measured: least("mixed ÷ alone"), atLeast: 0.5 },
    {
      title: "reads refused beside ingest, %, worst size",
      measured: worst("reads beside refused"),
      atMost: 0.1,
    },
    { title: `start to ready, ms, ${of}`, measured: at(large, "start to ready"), atMost: 500 },
    {
      title: "peak resident MiB under load, worst size",
      measured: worst("resident peak", "resident peak, mixed"),
      atMost: residentMibMax,
    },
    {
      title: `database and side files ÷ JSON, ${of}`,
      measured: at(large, "database and side files ÷ JSON"),
      atMost: 4,
    },
  ];
}

function is(size: number, name: FigureName) {
  return (figure: Figure): boolean => figure.size === size && figure.name === name;
}

function size(rows: number): string {
  return rows.toLocaleString("en-US");
}
