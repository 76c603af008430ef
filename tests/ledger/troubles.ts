/** The ways in which an application fails while it takes requests, each of them again and again. */
import {
  answers,
  type Behaviour,
  closes,
  closesInBody,
  closesInHead,
  dribbles,
  hangs,
  neverEnds,
  writesGarbage,
} from "../deliver/receiver.ts";
import type { Chance } from "./chance.ts";

const SLOW_MS_MAX = 60;
const APART_MS_MAX = 120;
const TROUBLE_MS_MAX = 600;
const REFUSED = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";

/** Of one request; `accept` notes that the record is taken, right before that is said. */
type Failing = (accept: () => void, chance: Chance) => Behaviour;

const refusing =
  (behaviour: Behaviour): Failing =>
  () =>
    behaviour;
const accepting =
  (behaviour: Behaviour): Failing =>
  (accept) =>
  (answer, received) => {
    accept();
    behaviour(answer, received);
  };

export const slowly: Failing = (accept, chance) => (answer, received) => {
  setTimeout(
    () => {
      accept();
      answers(200)(answer, received);
    },
    chance.between(1, SLOW_MS_MAX),
  );
};

const SINGLE: Readonly<Record<string, Failing>> = {
  "answers 500": refusing(answers(500)),
  "answers 503": refusing(answers(503)),
  "answers 301": refusing(answers(301, { Location: "/elsewhere" }, "")),
  "answers 429 with Retry-After": refusing(answers(429, { "Retry-After": "1" })),
  "answers slowly": slowly,
  "answers 500 byte by byte": refusing(dribbles(REFUSED, 1)),
  "refuses with a body without an end": refusing(neverEnds(500)),
  "takes it with a body without an end": accepting(neverEnds(200)),
  "closes in the body of a 200": accepting(closesInBody),
  "closes in the head": refusing(closesInHead),
  "closes without a byte": refusing(closes),
  "answers garbage": refusing(writesGarbage),
  hangs: refusing(hangs),
};

/** For a while everything is answered so. */
const LASTING: Readonly<Record<string, Behaviour>> = {
  "answers 500 for a while": answers(500),
  // The destination is paused then.
  "answers 410 for a while": answers(410),
};

export class Troubles {
  readonly #chance: Chance;
  readonly #met = new Set<string>();
  /** What comes next: all of them in some order, and then once more. */
  #deck: string[] = [];
  #nextAt = 0;
  #lasting: Behaviour | undefined;
  #lastsUntil = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** What becomes of a request now; undefined where nothing is wrong. */
  next(accept: () => void): Behaviour | undefined {
    const now = performance.now();
    if (this.isLasting()) return this.#lasting;
    if (now < this.#nextAt) return undefined;
    this.#nextAt = now + this.#chance.between(0, APART_MS_MAX);
    if (this.#deck.length === 0)
      this.#deck = this.#chance.shuffle([...Object.keys(SINGLE), ...Object.keys(LASTING)]);
    const name = this.#deck.pop() ?? "";
    this.#met.add(name);
    const single = SINGLE[name];
    if (single !== undefined) return single(accept, this.#chance);
    this.#lasting = LASTING[name];
    this.#lastsUntil = now + this.#chance.between(1, TROUBLE_MS_MAX);
    return this.#lasting;
  }

  isLasting(): boolean {
    return performance.now() < this.#lastsUntil;
  }

  /** What hasn't happened yet. */
  unmet(): string[] {
    return [...Object.keys(SINGLE), ...Object.keys(LASTING)].filter((name) => !this.#met.has(name));
  }
}
