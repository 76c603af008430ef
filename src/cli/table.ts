/** Tables for people, and how far somebody is behind in words. */
import { visibleText } from "../lib/visible-text.ts";

/** Rows below each other; none has more cells than the first. */
export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(visibleText));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  const padded = (text: string, column: number) =>
    text + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(text));
  return cells.map((row) => row.map(padded).join("  ").trimEnd()).join("\n");
}

/** As the service says it. */
export interface Lagging {
  readonly lag_records: number;
  readonly lag_is_bound: boolean;
  readonly lag_seconds: number;
}

/** `1 record`, `10000+ records`. */
export function behind({ lag_records, lag_is_bound }: Lagging): string {
  return `${lag_records}${lag_is_bound ? "+" : ""} record${lag_records === 1 && !lag_is_bound ? "" : "s"}`;
}

/** How long ago the first of them was received. */
export function oldest({ lag_records, lag_seconds }: Lagging): string {
  return lag_records === 0 ? "-" : `${duration(lag_seconds)} ago`;
}

/** `3 s`, `12 min`, `5 h`, `9 d`. */
export function duration(seconds: number): string {
  const units = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
  ] as const;
  const [unit, size] = units.find(([, length]) => seconds >= 2 * length) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}
