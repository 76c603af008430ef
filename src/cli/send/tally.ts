/** Counts what became of the messages and tells it. */
import { Histogram } from "./histogram.ts";
import type { Verdict } from "./poster.ts";

const REPORTS_MAX = 5;

export class Tally {
  readonly counts: Record<Verdict["kind"], number> = {
    new: 0,
    duplicate: 0,
    accepted: 0,
    refused: 0,
    failed: 0,
  };
  readonly #latency = new Histogram();
  readonly #say: (line: string) => void;
  #reports = 0;

  /** `say` is given the first few mishaps, one line each. */
  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  add(label: string, verdict: Verdict): void {
    this.counts[verdict.kind]++;
    if (verdict.latencyMs !== undefined) this.#latency.add(verdict.latencyMs);
    if (!("reason" in verdict)) return;
    this.#reports++;
    if (this.#reports <= REPORTS_MAX) this.#say(`postern: ${label} ${verdict.kind}: ${verdict.reason}`);
    else if (this.#reports === REPORTS_MAX + 1) this.#say("postern: further ones are only counted");
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** Whether every message was taken. */
  get clean(): boolean {
    return this.counts.refused === 0 && this.counts.failed === 0;
  }

  summary(elapsedMs: number): string {
    const { accepted, refused, failed } = this.counts;
    const latency = this.#latency;
    const seconds = elapsedMs / 1000;
    return [
      `${this.total} ${this.total === 1 ? "message" : "messages"} in ${seconds.toFixed(2)} s: ${Math.round(latency.total / seconds)} messages/s`,
      `new ${this.counts.new}, duplicate ${this.counts.duplicate}, ${accepted > 0 ? `accepted ${accepted}, ` : ""}refused ${refused}, failed ${failed}`,
      ...(latency.total === 0
        ? []
        : [
            `latency p50 ${ms(latency.quantile(0.5))}, p99 ${ms(latency.quantile(0.99))}, max ${ms(latency.max)}`,
          ]),
    ].join("\n");
  }
}

function ms(value: number): string {
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
}
