/**
 * How many records a destination takes a second: from what it had taken whenever the service was
 * asked, over the last minute.
 */

const SPAN_MS = 60_000;

interface Sample {
  readonly at: number;
  readonly taken: number;
}

export class Rates {
  readonly #samples = new Map<string, readonly Sample[]>();

  /** `at` in milliseconds, never earlier than before. */
  note(name: string, taken: number, at: number): void {
    const before = this.#samples.get(name) ?? [];
    // Another process serves it now, and counts from 0.
    const isNew = (before.at(-1)?.taken ?? 0) > taken;
    const kept = isNew ? [] : before.filter((sample) => at - sample.at <= SPAN_MS);
    this.#samples.set(name, [...kept, { at, taken }]);
  }

  /** Undefined until it was asked twice. */
  perSecond(name: string): number | undefined {
    const samples = this.#samples.get(name) ?? [];
    const [first] = samples;
    const last = samples.at(-1);
    if (first === undefined || last === undefined || last.at === first.at) return undefined;
    return ((last.taken - first.taken) * 1000) / (last.at - first.at);
  }
}
