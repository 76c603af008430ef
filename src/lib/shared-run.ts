/**
 * Work that many ask for at once: one run at a time, and all who ask while one is under way share the next one, which
 * begins after each of them has asked.
 */
export class SharedRun {
  readonly #work: () => Promise<void>;
  #underway: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Settles with a run that has begun since it was asked for. */
  run(): Promise<void> {
    if (this.#underway === undefined) return this.#begin();
    this.#next ??= this.#underway
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#begin();
      });
    return this.#next;
  }

  #begin(): Promise<void> {
    const run = this.#work().finally(() => {
      if (this.#underway === run) this.#underway = undefined;
    });
    this.#underway = run;
    return run;
  }
}
