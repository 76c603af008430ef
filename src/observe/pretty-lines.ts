/**
 * Log lines for somebody who watches a terminal: short ones, no more requests in a second than can
 * be read, and how many were left out. Nothing that a stranger sent can move the cursor, change
 * colours or begin a line.
 */
import type { styleText } from "node:util";
import type { Clock } from "../lib/clock.ts";
import { fit } from "../lib/fit-cells.ts";
import { visibleText } from "../lib/visible-text.ts";
import type { Fields, Level, LogLines, RequestLine } from "./log.ts";

export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

/** What lines are written for. */
export interface Terminal {
  /** How wide it is now; undefined where lines may have any length. */
  readonly columns: () => number | undefined;
  readonly paint: Paint;
}

/** Of each level, in a window. */
const REQUESTS_MAX = 10;
const WINDOW_MS = 1000;
const PATH_CHARS_MAX = 256;
const METHOD_CELLS = 4;
/** Status, time and what parts them: texts of events begin where methods do. */
const LEVEL_CELLS = 11;
/** Where a summary begins: behind the time of day. */
const INDENT = " ".repeat(10);

const LEVEL_STYLES = { DEBUG: "dim", INFO: "dim", WARN: "yellow", ERROR: "red" } as const;
const RESULT_STYLES: Readonly<Record<string, "green" | "cyan">> = { ok: "green", duplicate: "cyan" };
/** What path and result say as well, and what most requests hold. */
const KNOWN_FIELDS = new Set(["source", "duplicate"]);
const USUAL: Fields = { messages: 1, events: 0 };

export class PrettyLines implements LogLines {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #add: (text: string) => void;
  readonly #shown = new Map<Level, number>();
  /** By result, else by status. */
  readonly #leftOut = new Map<string, number>();
  #endWindow: (() => void) | undefined;

  /** `add` is given what is said later: how many requests were left out. */
  constructor(terminal: Terminal, clock: Clock, add: (text: string) => void) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#add = add;
  }

  event(level: Level, message: string, fields: Fields | undefined): string {
    const name = (level === "WARN" || level === "ERROR" ? level : level.toLowerCase()).padEnd(LEVEL_CELLS);
    const details = this.#details(Object.entries(fields ?? {}));
    return `${this.#time()}  ${this.#paint(LEVEL_STYLES[level], name)}  ${visibleText(message)}${details}\n`;
  }

  request(line: RequestLine): string {
    const shown = this.#shown.get(line.level) ?? 0;
    this.#endWindow ??= this.#clock.after(WINDOW_MS, () => this.#add(this.rest()));
    if (shown >= REQUESTS_MAX) {
      const what = line.result ?? String(line.status);
      this.#leftOut.set(what, (this.#leftOut.get(what) ?? 0) + 1);
      return "";
    }
    this.#shown.set(line.level, shown + 1);
    const text = this.#requestText(line);
    const columns = this.#terminal.columns();
    return `${line.level !== "INFO" || columns === undefined ? text : fit(text, columns)}\n`;
  }

  /** Ends the window. */
  rest(): string {
    this.#endWindow?.();
    this.#endWindow = undefined;
    this.#shown.clear();
    const counts = [...this.#leftOut];
    this.#leftOut.clear();
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    if (total === 0) return "";
    const words = counts.map(([what, count]) => `${what} ×${count}`).join(", ");
    const requests = total === 1 ? "request" : "requests";
    return `${this.#paint("dim", `${INDENT}… and ${total} more ${requests}: ${words}`)}\n`;
  }

  #requestText({
    level,
    requestId,
    method,
    path,
    status,
    latencyMs,
    result,
    fields,
    error,
  }: RequestLine): string {
    const { message_id: id, reason, ...others } = fields ?? {};
    const named = Object.entries(others).filter(
      ([name, value]) => !KNOWN_FIELDS.has(name) && USUAL[name] !== value,
    );
    if (level === "ERROR") named.push(["request_id", requestId]);
    const cells = [
      this.#time(),
      this.#paint(statusStyle(status), String(status)),
      this.#paint("dim", took(latencyMs).padStart(6)),
      `${method.padEnd(METHOD_CELLS)} ${visibleText(path.slice(0, PATH_CHARS_MAX))}`,
      ...(result === undefined ? [] : [this.#paint(RESULT_STYLES[result] ?? statusStyle(status), result)]),
      ...[id, reason].flatMap((words) => (typeof words === "string" ? [visibleText(words)] : [])),
    ];
    return cells.join("  ") + this.#details([...named, ["error", error]]);
  }

  #details(fields: readonly (readonly [string, Fields[string]])[]): string {
    const there = fields.filter(([, value]) => value !== undefined);
    if (there.length === 0) return "";
    return `  ${there.map(([name, value]) => `${this.#paint("dim", `${name}=`)}${valueText(value)}`).join(" ")}`;
  }

  #time(): string {
    return this.#paint("dim", new Date(this.#clock.now()).toTimeString().slice(0, 8));
  }

  #paint: Paint = (style, text) => this.#terminal.paint(style, text);
}

function statusStyle(status: number): "green" | "cyan" | "yellow" | "red" {
  if (status >= 500) return "red";
  if (status >= 400) return "yellow";
  return status >= 300 ? "cyan" : "green";
}

function took(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** A text that could be taken for several, or for another field, stands in quotation marks. */
function valueText(value: Fields[string]): string {
  const text = String(value);
  return visibleText(/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text));
}
