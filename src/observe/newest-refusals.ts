/**
 * The newest requests that each source refused, until somebody takes them; never what they brought.
 * However many come, only so many are kept.
 */
import { REFUSALS_MAX, type Refusal } from "../core/series.ts";

const CHARACTERS_MAX = 200;

export class NewestRefusals {
  #bySource = new Map<string, Refusal[]>();

  add(refusal: Refusal): void {
    const { source } = refusal;
    let newest = this.#bySource.get(source);
    if (newest === undefined) {
      newest = [];
      this.#bySource.set(source, newest);
    }
    newest.push(refusal);
    if (newest.length > REFUSALS_MAX) newest.shift();
  }

  /** In the order in which each source's came. */
  take(): readonly Refusal[] {
    if (this.#bySource.size === 0) return [];
    const taken = [...this.#bySource.values()].flat();
    this.#bySource = new Map();
    return taken.map((refusal) => ({
      ...refusal,
      reason: refusal.reason.slice(0, CHARACTERS_MAX),
      path: refusal.path.slice(0, CHARACTERS_MAX),
    }));
  }
}
