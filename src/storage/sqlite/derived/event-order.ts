/**
 * Events in the order of pages, once for each filter that they may be asked for by: all, a
 * source's, a kind's, a source's of one kind. They are one counted order, in which a filter is a
 * range. Beside it, which events are about a message.
 */
import type { Database, Statement } from "bun:sqlite";
import type { SortKey } from "../../../core/store.ts";
import { CountedWriter, createCounted } from "./counted-order.ts";

/** The number of an event as text that is ordered like it. */
const NUMBER_DIGITS = 15;

/**
 * Of every event four entries: `place` begins with the filter, and `event` is its number as text.
 */
export const BY_FILTER = {
  entries: "events_by_filter",
  leaves: "event_leaves",
  key: ["place", "event"],
  fresh: `select case n when 0 then '/' when 1 then source || '/' when 2 then '/' || kind else source || '/' || kind end
      || ' ' || ts_key as place, printf('%0${NUMBER_DIGITS}d', event) as event, event as row
    from log.events cross join (select column1 as n from (values (0), (1), (2), (3)))
    where log.events.event > ?1 and log.events.event <= ?2`,
} as const;
export const ENTRIES_AN_EVENT = 4;

export const EVENT_TABLES = `
  ${createCounted(BY_FILTER)}
  create table events_by_message (
    message_id text not null, event integer not null, primary key (message_id, event)
  ) without rowid;
`;

export class EventFollower {
  readonly #order: CountedWriter;
  readonly #byMessage: Statement;

  constructor(db: Database, leafRowsMax: number) {
    this.#order = new CountedWriter(db, BY_FILTER, leafRowsMax);
    this.#byMessage = db.query(
      `insert into events_by_message select message_id, event from log.events
       where event > ? and event <= ? and message_id is not null order by 1, 2`,
    );
  }

  /**
   * Takes the events after `after`, up to `last`, inside the transaction that also moves the
   * position.
   */
  step(after: number, last: number): void {
    this.#order.add(after, last);
    this.#byMessage.run(after, last);
  }
}

/**
 * The filter as places begin with it: neither a source's name nor a kind holds a slash or a space.
 */
export function filterText(source = "", kind = ""): string {
  return `${source}/${kind}`;
}

/** The place of an event in the range of a filter. */
export function eventSortKey(filter: string, tsKey: string, event: number): SortKey {
  return { tsKey: `${filter} ${tsKey}`, messageId: String(event).padStart(NUMBER_DIGITS, "0") };
}

/**
 * From where to where the range of a filter goes, from an instant's key on: `!` comes after the
 * space.
 */
export function filterRange(filter: string, sinceKey = ""): readonly [from: SortKey, to: SortKey] {
  return [
    { tsKey: `${filter} ${sinceKey}`, messageId: "" },
    { tsKey: `${filter}!`, messageId: "" },
  ];
}
