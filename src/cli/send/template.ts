/** Templates of `--map`: text with placeholders that a row fills. */
import { UsageError } from "../errors.ts";

/** What a row offers to templates. */
export interface Row {
  /** Counted from 1. */
  readonly number: number;
  /**
   * The row's `{time}`; undefined without `--start`, and then `{time}` is a column like any other.
   */
  readonly time: string | undefined;
  /** Undefined when there is no such column, null when it holds nothing (JSON only). */
  readonly column: (name: string) => string | null | undefined;
}

export interface Template {
  /** The columns it takes from a row. */
  readonly columns: readonly string[];
  /**
   * Null when the template is nothing but one placeholder and that holds nothing. Throws
   * `UnfitRow`.
   */
  readonly fill: (row: Row) => string | null;
}

/**
 * A row that can't become a message: it lacks a column that a template names, or its time is none.
 */
export class UnfitRow extends Error {
  override readonly name = "UnfitRow";
}

type Part = string | ((row: Row) => string | null);

const PLACEHOLDER = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;
const ROW = /^row(?:%([1-9][0-9]{0,14}))?(?::([1-9][0-9]?))?$/;

/** Reads a template; `timed` says whether `{time}` is the built-in one. Throws `UsageError`. */
export function parseTemplate(text: string, timed: boolean): Template {
  const parts: Part[] = [];
  const columns: string[] = [];
  let plainFrom = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const [found, name] = match;
    if (match.index > plainFrom) parts.push(text.slice(plainFrom, match.index));
    plainFrom = match.index + found.length;
    if (name === undefined) {
      if (found.length === 1)
        throw new UsageError(`the template ${text} has a lone ${found}: write it twice`);
      parts.push(found.slice(1));
      continue;
    }
    const builtIn = builtInPlaceholder(name, timed);
    if (builtIn === undefined) columns.push(name);
    parts.push(builtIn ?? ((row) => columnOf(row, name)));
  }
  if (plainFrom < text.length) parts.push(text.slice(plainFrom));
  const [only] = parts;
  return {
    columns,
    fill: (row) => {
      if (parts.length === 1 && typeof only === "function") return only(row);
      let filled = "";
      for (const part of parts) filled += typeof part === "string" ? part : (part(row) ?? "");
      return filled;
    },
  };
}

function builtInPlaceholder(name: string, timed: boolean): ((row: Row) => string) | undefined {
  if (name === "time" && timed) return ({ time }) => time ?? "";
  const row = ROW.exec(name);
  if (row === null) return undefined;
  const modulus = row[1] === undefined ? Number.POSITIVE_INFINITY : Number(row[1]);
  const width = Number(row[2] ?? 1);
  return ({ number }) => String(number % modulus).padStart(width, "0");
}

function columnOf(row: Row, name: string): string | null {
  const value = row.column(name);
  if (value === undefined) throw new UnfitRow(`there is no ${JSON.stringify(name)}`);
  return value;
}
