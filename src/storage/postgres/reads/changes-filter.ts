/** What a follower wants of the log: as SQL, and as a test of a row that was read. */
import { type ChangesFilter, matchesAny } from "../../../core/changes.ts";
import { NATIVE } from "../../../core/source.ts";
import { eventFilter, type Filter, messageFilter } from "./filter.ts";
import { arrayOf, type NumberedRow, type WantedRows } from "./log-rows.ts";

/** `of` stands before each column. */
export function wantedRows(filter: ChangesFilter = {}, of = ""): WantedRows {
  const { messages, events } = matchesAny(filter);
  const { kinds, ...fields } = filter;
  return {
    messages: messages ? () => messageFilter(fields, of) : undefined,
    events: events ? () => ofKinds(eventFilter(fields, of), kinds, of) : undefined,
  };
}

function ofKinds(filter: Filter, kinds: ChangesFilter["kinds"], of: string): Filter {
  const listed = kinds === undefined ? undefined : arrayOf(kinds, (kind) => kind);
  return filter.add(listed, (list) => `${of}kind = any(${list}::text::text[])`);
}

export function isWanted(row: NumberedRow, { kinds, source, from, to }: ChangesFilter): boolean {
  const isEvent = row.event_key !== null;
  if (isEvent && (from !== undefined || to !== undefined)) return false;
  if (kinds?.includes(isEvent ? row.kind : "message") === false) return false;
  if (source !== undefined && source !== (row.source ?? NATIVE)) return false;
  return (from ?? row.from) === row.from && (to ?? row.to) === row.to;
}
