/**
 * Events in the order of pages, once for each filter that they may be asked for by: all, a
 * source's, a kind's, a source's of one kind, a type's, a source's of one type. They are one
 * counted order, in which a filter is a range. Beside it, which events are about a message.
 */
import type { Database, Statement } from "bun:sqlite";
import type { EventFilters, SortKey } from "../../../core/store.ts";
import { CountedWriter, createCounted } from "./counted-order.ts";

/** The number of an event as text that is ordered like it. */
const NUMBER_DIGITS = 15;
/** As `escaped` makes it. */
const ESCAPED_TYPE = "replace(replace(type, char(1), char(1) || '1'), ' ', char(1) || '0')";

/**
 * Of every event four entries, and two more of one that has a type: `place` begins with the filter,
 * and `event` is its number as text. What an index took before events had types needs no more.
 */
export const BY_FILTER = {
  entries: "events_by_filter",
  leaves: "event_leaves",
  key: ["place", "event"],
  fresh: `select iif(n & 1, source, '') || '/' || iif(n & 2, kind, '') || iif(n & 4, '/' || ${ESCAPED_TYPE}, '')
      || ' ' || ts_key as place, printf('%0${NUMBER_DIGITS}d', event) as event, event as row
    from log.events cross join (select column1 as n from (values (0), (1), (2), (3), (4), (5)))
    where log.events.event > ?1 and log.events.event <= ?2 and (n < 4 or type is not null)`,
} as const;

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

type OrderedFilters = Pick<EventFilters, "source" | "type"> & { readonly kind?: string };

/**
 * The filter as places begin with it: neither a source's name nor a kind holds a slash or a space,
 * and in a type spaces are escaped. With a type that range is of events of any kind.
 */
export function filterText({ source = "", kind = "", type }: OrderedFilters): string {
  return type ? `${source}//${escaped(type)}` : `${source}/${kind}`;
}

function escaped(type: string): string {
  return type.replaceAll("\u0001", "\u00011").replaceAll(" ", "\u00010");
}

/** Whether no range is what is asked for: each event that the other filters leave is looked at. */
export function looksAtEach({ kind, type, q }: EventFilters): boolean {
  return Boolean(q) || (Boolean(kind) && Boolean(type));
}

/** Those that an event falls under. */
export function filtersOf(event: { source: string; kind: string; type: string | null }): string[] {
  const { source, kind, type } = event;
  const typed = type === null ? [] : [{ type }, { source, type }];
  return [{}, { source }, { kind }, { source, kind }, ...typed].map(filterText);
}

/** The place of an event in the range of a filter. */
export function eventSortKey(filter: string, tsKey: string, event: number): SortKey {
  return { tsKey: `${filter} ${tsKey}`, messageId: String(event).padStart(NUMBER_DIGITS, "0") };
}

/**
 * From where to where the range of a filter goes, from one instant's key on and up to another's,
 * which is not in it: `!` comes after the space.
 */
export function filterRange(
  filter: string,
  sinceKey = "",
  untilKey?: string,
): readonly [from: SortKey, to: SortKey] {
  return [
    { tsKey: `${filter} ${sinceKey}`, messageId: "" },
    { tsKey: untilKey ? `${filter} ${untilKey}` : `${filter}!`, messageId: "" },
  ];
}
