/** What an examination finds wrong, in words. */
const FINDINGS_MAX = 10;

/** Collects what is wrong; says how much more there was. */
export class Findings {
  readonly #texts: string[] = [];
  #more = 0;

  add(text: string): void {
    if (this.#texts.length < FINDINGS_MAX) this.#texts.push(text);
    else this.#more++;
  }

  list(): readonly string[] {
    return this.#more === 0 ? this.#texts : [...this.#texts, `and ${this.#more} more`];
  }
}
