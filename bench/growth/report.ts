// Turns the findings of the growth benchmark into Markdown. Pure: text from figures.

import { type Figure, quotient, type Unit } from "./figures.ts";
import { isMet, type Target } from "./targets.ts";

/** `sizes` ascend, without the empty database. */
export function growthReport(figures: Figure[], sizes: number[], targets: Target[]): string {
  const measured = [0, ...sizes].filter((size) => figures.some((figure) => figure.size === size));
  return [
    ...measured.map((size) => sizeTable(figures, size)),
    growthTable(figures, measured, sizes),
    targetTable(targets),
  ].join("\n\n");
}

function sizeTable(figures: Figure[], size: number): string {
  const title = size === 0 ? "Empty database" : `${count(size)} messages`;
  const own = figures.filter((figure) => figure.size === size);
  return [
    `### ${title}\n`,
    "| figure | value | |",
    "|---|--:|---|",
    ...own.map(({ name, value, unit, note = "" }) => `| ${name} | ${shown(value, unit)} | ${note} |`),
  ].join("\n");
}

function growthTable(figures: Figure[], measured: number[], sizes: number[]): string {
  const [small, large] = [sizes[0], sizes.at(-1)];
  const rows = [...Map.groupBy(figures, ({ name }) => name)].map(([name, group]) => {
    const at = (size: number | undefined) => group.find((figure) => figure.size === size);
    const cells = measured.map((size) => {
      const figure = at(size);
      return figure ? shown(figure.value, figure.unit) : "";
    });
    const grown = small === large ? null : quotient(at(large)?.value ?? null, at(small)?.value ?? null);
    return `| ${[name, ...cells, grown === null ? "" : plain(grown)].join(" | ")} |`;
  });
  const heads = measured.map((size) => (size === 0 ? "empty" : count(size)));
  return [
    "### Growth\n",
    `| figure | ${heads.join(" | ")} | ${count(large ?? 0)} ÷ ${count(small ?? 0)} |`,
    `|---|${"--:|".repeat(heads.length + 1)}`,
    ...rows,
  ].join("\n");
}

export function targetTable(targets: Target[]): string {
  const rows = targets.map((target) => {
    const { title, measured, atLeast, atMost } = target;
    const limit = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
    const verdict = measured === null ? "–" : isMet(target) ? "met" : "MISSED";
    return `| ${title} | ${limit} | ${measured === null ? "–" : plain(measured)} | ${verdict} |`;
  });
  return ["### Targets\n", "| target | | measured | |", "|---|--:|--:|---|", ...rows].join("\n");
}

function shown(value: number | null, unit: Unit): string {
  if (value === null) return "503";
  return unit === "/s" || unit === "rows" ? `${count(Math.round(value))} ${unit}` : `${plain(value)} ${unit}`;
}

/** Three digits that count. */
function plain(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: value >= 1000 ? 4 : 3 });
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
