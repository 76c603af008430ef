/** What a follower wants of the log: as SQL, and as a test of a row that was read. */
import { type ChangesFilter, matchesAny } from "../../../core/changes.ts";
import { NATIVE } from "../../../core/source.ts";
import { Filter, messageFilter } from "./filter.ts";
import type { NumberedRow, WantedRows } from "./log-rows.ts";

/** `of` stands before each column. */
export function wantedRows(filter: ChangesFilter = {}, of = ""): WantedRows {
  const { messages, events } = matchesAny(filter);
  const { kinds, sources, from, to } = filter;
  const fields = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  return {
    messages: messages
      ? () => among(messageFilter(fields, of), `coalesce(${of}source, '${NATIVE}')`, sources)
      : undefined,
    events: events ? () => among(among(new Filter(), `${of}source`, sources), `${of}kind`, kinds) : undefined,
  };
}

function among(filter: Filter, column: string, values: readonly string[] | undefined): Filter {
  return filter.add(
    values && JSON.stringify(values),
    (list) => `${column} = any(array(select json_array_elements_text(${list}::text::json)))`,
  );
}

export function isWanted(row: NumberedRow, { kinds, sources, from, to }: ChangesFilter): boolean {
  const isEvent = row.event_key !== null;
  if (isEvent && (from !== undefined || to !== undefined)) return false;
  if (kinds?.includes(isEvent ? row.kind : "message") === false) return false;
  if (sources?.includes(row.source ?? NATIVE) === false) return false;
  return (from ?? row.from) === row.from && (to ?? row.to) === row.to;
}
