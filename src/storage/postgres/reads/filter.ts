/** What a query asks for, as SQL. */
import { fold } from "../../../core/fold.ts";
import { instantKey } from "../../../core/instant.ts";
import { NATIVE } from "../../../core/source.ts";
import type { EventQuery, MessageQuery } from "../../../core/store.ts";

type SqlValue = string | number;

/** Conditions with their values, whose numbers are given as they come. */
export class Filter {
  readonly values: SqlValue[] = [];
  readonly #conditions: string[] = [];

  /** `condition` is given the place of its value; nothing is added for undefined. */
  add(value: SqlValue | undefined, condition: (place: string) => string): this {
    if (value !== undefined) this.#conditions.push(condition(this.place(value)));
    return this;
  }

  addRaw(condition: string): this {
    this.#conditions.push(condition);
    return this;
  }

  place(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  get where(): string {
    return this.#conditions.length === 0 ? "true" : this.#conditions.join(" and ");
  }
}

export function messageFilter(query: MessageQuery): Filter {
  const { from, to, messageId, source, since, until, q } = query;
  const filter = new Filter()
    .add(messageId, (place) => `message_id = ${place}`)
    .add(from, (place) => `from_msisdn = ${place}`)
    .add(to, (place) => `to_msisdn = ${place}`)
    .add(since === undefined ? undefined : instantKey(since), (place) => `ts_key >= ${place}`)
    .add(until === undefined ? undefined : instantKey(until), (place) => `ts_key < ${place}`)
    .add(
      q === undefined || q === "" ? undefined : `%${escapeLike(fold(q))}%`,
      (place) => `folded like ${place}`,
    );
  if (source === NATIVE) return filter.addRaw("source is null");
  return filter.add(source, (place) => `source = ${place}`);
}

/** `prefix` stands before each column. */
export function eventFilter({ source, kind, messageId, since }: EventQuery, prefix = ""): Filter {
  return new Filter()
    .add(messageId, (place) => `${prefix}message_id = ${place}`)
    .add(source, (place) => `${prefix}source = ${place}`)
    .add(kind, (place) => `${prefix}kind = ${place}`)
    .add(since === undefined ? undefined : instantKey(since), (place) => `${prefix}ts_key >= ${place}`);
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}
