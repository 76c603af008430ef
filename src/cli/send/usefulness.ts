/** Whether going on is of any use: ends a run in which each further message would fare the same. */
import type { Verdict } from "./poster.ts";

/** One may be chance. */
const ALIKE_MIN = 3;

export class Usefulness {
  readonly #url: URL;
  readonly #secretAdvice: string;
  #why = "";
  /** The last ones, which all fared the same. */
  #alike: { as: Verdict["blame"]; count: number } = { as: undefined, count: 0 };
  #met = false;

  /** `secretAdvice` is what to do when the service has another secret. */
  constructor(url: URL, secretAdvice: string) {
    this.#url = url;
    this.#secretAdvice = secretAdvice;
  }

  /** Told of each message that was posted. */
  note({ blame }: Verdict): void {
    this.#alike = { as: blame, count: blame === this.#alike.as ? this.#alike.count + 1 : 1 };
    if (blame === "nobody")
      this.#why = "nobody answers: run it again to go on, what is stored counts as duplicate";
    if (this.#alike.count >= ALIKE_MIN) this.#why ||= this.advice ?? "";
    this.#met ||= blame === undefined || blame === "secret";
  }

  /** Why to stop; empty while there is no reason. */
  get whyStop(): string {
    return this.#why;
  }

  /** What to check, when the last messages were all refused for the same reason. */
  get advice(): string | undefined {
    if (this.#alike.as === "secret") return this.#secretAdvice;
    if (this.#alike.as !== "stranger" || this.#met) return undefined;
    const { origin, pathname } = this.#url;
    return `whoever answers at ${origin}${pathname} is no webhook of Postern: its answers lack the header Postern-Result. Check --url, HOST and PORT, and the name of the source`;
  }
}
