// What a run of the growth benchmark found: figures by size and name, and what was wrong.

import type { ReadName } from "./read-cases.ts";

export type IngestLoad = "burst" | "sustained";

export type FigureName =
  | ReadName
  | "instr scan"
  | "instr scan ÷ rare word"
  | "filled"
  | "import, stored"
  | "import, caught up"
  | "JSON bytes/message"
  | `${"database" | "side files" | "log"} bytes/message`
  | "database and side files ÷ JSON"
  | "start to ready"
  | `${IngestLoad}${" ÷ bare" | " ÷ FastAPI" | " p50" | " p99" | " p99.9" | " p99.9 ÷ p50" | ""}`
  | `lag ${"early" | "late"} in ${IngestLoad}`
  | "bare"
  | "caught up after sustained"
  | `FastAPI ${IngestLoad}`
  | `resident ${"peak" | "end"}`
  | "alone"
  | "mixed"
  | "mixed ÷ alone"
  | "reads beside"
  | `reads beside ${"p50" | "p99" | "refused"}`
  | "resident peak, mixed";

export type Unit = "ms" | "s" | "/s" | "B" | "MiB" | "rows" | "×" | "%";

/** `value` is null when the server refused (503); `note` is what else there is to say. */
export type Figure = { size: number; name: FigureName; value: number | null; unit: Unit; note?: string };

export type Findings = { figures: Figure[]; problems: string[] };

export function measuredAt(figures: Figure[], size: number, name: FigureName): number | null {
  return figures.find((figure) => figure.size === size && figure.name === name)?.value ?? null;
}

/** Null when one of both is missing. */
export function quotient(above: number | null, below: number | null): number | null {
  return above === null || below === null || below === 0 ? null : above / below;
}

/** Keeps what a part found at one size. */
export class Notebook {
  readonly figures: Figure[] = [];
  readonly problems: string[] = [];
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  note(name: FigureName, value: number | null, unit: Unit, note?: string): void {
    this.figures.push({ size: this.#size, name, value, unit, ...(note !== undefined && { note }) });
  }

  complain(problems: string[]): void {
    this.problems.push(...problems);
  }
}
