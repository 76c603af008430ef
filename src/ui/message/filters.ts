/** What a list of messages is cut by, as `/messages` takes it. */
import { beginOf } from "../instants.ts";

const NAMES = ["q", "source", "type", "from", "to", "since", "until"] as const;

export type MessageFilters = Readonly<Partial<Record<(typeof NAMES)[number], string>>>;

/** What the address says; a named span of time begins now. */
export function filtersOf(parameters: URLSearchParams): MessageFilters {
  const given = NAMES.flatMap((name) => {
    const value = parameters.get(name);
    return value ? [[name, value] as const] : [];
  });
  const since = beginOf(parameters.get("range") ?? "");
  return { ...Object.fromEntries(given), ...(since !== undefined && { since }) };
}
