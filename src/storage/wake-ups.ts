/**
 * Whoever follows the log, to be woken when there may be more of it. What happens in one turn wakes
 * them once.
 */

export class WakeUps {
  readonly #listeners = new Set<{ readonly listener: () => void }>();
  #isDue = false;

  /** Whether anybody would be woken. */
  get areWanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** As `Store.onChanges`. */
  add(listener: () => void): () => void {
    const entry = { listener };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  wake(): void {
    if (this.#isDue || !this.areWanted) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      for (const { listener } of this.#listeners) listener();
    });
  }
}
