// What was found on each engine, value by value.

import type { Target } from "../growth/targets.ts";
import { median, spread } from "../report.ts";

type Bound = Pick<Target, "atLeast" | "atMost">;
type Figure = { engine: string; name: string; values: number[]; digits: number; bound: Bound };

export class Findings {
  readonly #figures = new Map<string, Figure>();
  readonly problems: string[] = [];

  /** A round's value; with a bound, that is what the median of all is held to. */
  add(engine: string, name: string, value: number, digits: number, bound: Bound = {}): void {
    const key = `${name} ${engine}`;
    const figure = this.#figures.get(key) ?? { engine, name, values: [], digits, bound };
    figure.values.push(value);
    this.#figures.set(key, figure);
  }

  table(): string {
    const figures = [...this.#figures.values()];
    const engines = [...new Set(figures.map(({ engine }) => engine))];
    const rows = [...Map.groupBy(figures, ({ name }) => name)].map(([name, group]) => {
      const cells = engines.map((engine) => {
        const figure = group.find((each) => each.engine === engine);
        return figure === undefined ? "" : spread(figure.values, figure.digits);
      });
      return `| ${[name, ...cells].join(" | ")} |`;
    });
    return [`| figure | ${engines.join(" | ")} |`, `|---|${"--:|".repeat(engines.length)}`, ...rows].join(
      "\n",
    );
  }

  targets(): Target[] {
    return [...this.#figures.values()]
      .filter(({ bound }) => Object.keys(bound).length > 0)
      .map(({ engine, name, values, bound }) => ({
        title: `${name}, ${engine}`,
        measured: median(values),
        ...bound,
      }));
  }
}

/** What a part of the values is not above. */
export function percentile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
