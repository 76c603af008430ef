// What the generator knows of the messages it made: the answers that a server must give about them.

import type { Message } from "../messages.ts";
import { type ReadCase, type ReadName, rareTimes } from "./read-cases.ts";

const sendersShown = 10;

export type Facts = {
  size: number;
  /** Of the messages that were given on as lines. */
  jsonBytes: number;
  totals: Record<ReadName, number>;
  /** The whole answer of `/stats`. */
  stats: unknown;
};

/** Counts what the reads will ask for. */
export class Tally {
  #size = 0;
  #jsonBytes = 0;
  #firstTs = "9999";
  #lastTs = "";
  readonly #senders = new Map<string, number>();
  readonly #cases: ReadCase[];
  readonly #totals: number[];

  constructor(cases: ReadCase[]) {
    this.#cases = cases;
    this.#totals = cases.map(() => 0);
  }

  /** Gives each message on as a line of JSON, after counting it. */
  *lines(messages: Iterable<Message>): Generator<string> {
    for (const message of messages) {
      this.count(message);
      const line = `${JSON.stringify(message)}\n`;
      this.#jsonBytes += Buffer.byteLength(line) - 1;
      yield line;
    }
  }

  count(message: Message): void {
    const lower = message.text.toLowerCase();
    for (const [index, { matches }] of this.#cases.entries()) {
      if (matches(message, lower)) this.#totals[index] = (this.#totals[index] ?? 0) + 1;
    }
    this.#size++;
    this.#senders.set(message.from, (this.#senders.get(message.from) ?? 0) + 1);
    if (message.ts < this.#firstTs) this.#firstTs = message.ts;
    if (message.ts > this.#lastTs) this.#lastTs = message.ts;
  }

  /** Throws when the source's texts hold the word that only planted messages may have. */
  facts(): Facts {
    const totals = Object.fromEntries(
      this.#cases.map(({ name }, index) => [name, this.#totals[index] ?? 0]),
    ) as Facts["totals"];
    if (totals["rare word"] !== Math.min(rareTimes, this.#size) || totals["absent word"] !== 0)
      throw new Error("the texts of the source hold the words that are looked for as rare and absent ones");
    return { size: this.#size, jsonBytes: this.#jsonBytes, totals, stats: this.#stats() };
  }

  #stats(): unknown {
    const counts = Array.from(this.#senders, ([from, count]) => ({ from, count }));
    return {
      total_messages: this.#size,
      senders_count: counts.length,
      messages_per_sender: counts
        .sort((a, b) => b.count - a.count || (a.from < b.from ? -1 : 1))
        .slice(0, sendersShown),
      first_message_ts: this.#firstTs,
      last_message_ts: this.#lastTs,
    };
  }
}
