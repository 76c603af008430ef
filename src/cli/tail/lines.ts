/**
 * Records as lines for people: aligned, in local time, and on a terminal coloured and cut to its
 * width. Nothing that a sender wrote can move the cursor or turn the writing around.
 */
import type { styleText } from "node:util";
import { fit } from "../../lib/fit-cells.ts";
import { visibleText } from "../../lib/visible-text.ts";
import type { Outcome } from "./forwarder.ts";
import { isMessage, type RecordOfLog } from "./record.ts";

type Style = Parameters<typeof styleText>[0];

/** What lines are written for. */
interface Terminal {
  /** How wide it is now. */
  readonly columns: () => number;
  readonly paint: (style: Style, text: string) => string;
  /** The day on which it begins: a line of another day comes behind one that names it. */
  readonly today: Date;
}

/** A column is as wide as the widest text that was in it, up to so many cells. */
const CELLS_MAX = { outcome: 24, source: 16, what: 12, who: 34 };
type Column = keyof typeof CELLS_MAX;

const LINE_ENDS = /\r\n|[\n\r\u0085\u2028\u2029]/g;

export class Lines {
  readonly #terminal: Terminal | undefined;
  readonly #widths: Record<Column, number> = { outcome: 0, source: 0, what: 0, who: 0 };
  #day: string | undefined;

  /** Without a terminal lines have no colours, and any length. */
  constructor(terminal: Terminal | undefined) {
    this.#terminal = terminal;
    this.#day = terminal?.today.toDateString();
  }

  /** Makes the columns wide enough for what comes, so that it stands below each other. */
  align(records: readonly RecordOfLog[]): void {
    for (const record of records) this.#cellsOf(record);
  }

  of(records: readonly RecordOfLog[]): string {
    this.align(records);
    return records.map((record) => this.one(record)).join("");
  }

  one(record: RecordOfLog, outcome?: Outcome): string {
    const { source, what, who, rest } = this.#cellsOf(record);
    const at = new Date(record.created_at);
    const cells = [
      this.#paint("dim", at.toTimeString().slice(0, 8)),
      ...(outcome === undefined ? [] : [this.#outcome(outcome)]),
      this.#paint("cyan", source),
      this.#paint(isMessage(record) ? "green" : "yellow", what),
      ...(rest === "" ? [who.trimEnd()] : [who, rest]),
    ];
    return `${this.#newDay(at)}${this.#cut(cells.join("  "))}\n`;
  }

  #cellsOf(record: RecordOfLog) {
    const [what, who, rest] = isMessage(record)
      ? [record.type ?? "message", `${record.from} → ${record.to}`, record.text ?? ""]
      : [record.kind, record.message_id ?? "", [record.type ?? [], record.event_key].flat().join("  ")];
    return {
      source: this.#cell("source", record.source),
      what: this.#cell("what", what),
      who: this.#cell("who", who),
      rest: onOneLine(rest),
    };
  }

  #outcome({ isSuccess, said, ms }: Outcome): string {
    return this.#paint(isSuccess ? "green" : "red", this.#cell("outcome", `${said}, ${ms} ms`));
  }

  #cell(column: Column, text: string): string {
    const cells = CELLS_MAX[column];
    const whole = onOneLine(text);
    const shown = this.#terminal === undefined ? whole : fit(whole, cells);
    const width = Bun.stringWidth(shown);
    this.#widths[column] = Math.min(cells, Math.max(this.#widths[column], width));
    return shown + " ".repeat(Math.max(0, this.#widths[column] - width));
  }

  #newDay(at: Date): string {
    const day = at.toDateString();
    if (this.#day === undefined || day === this.#day) return "";
    this.#day = day;
    return `${this.#paint("dim", day)}\n`;
  }

  #paint(style: Style, text: string): string {
    return this.#terminal?.paint(style, text) ?? text;
  }

  #cut(line: string): string {
    return this.#terminal === undefined ? line : fit(line, this.#terminal.columns());
  }
}

function onOneLine(text: string): string {
  return visibleText(text.replace(LINE_ENDS, "⏎").replaceAll("\t", " "));
}
