/** What a batch adds to the counts, as it is kept until the counts have taken it. */

/** Messages by sender and hour, and events by source and kind. */
export interface Items {
  readonly messages: readonly (readonly [sender: string, hour: string, rows: number])[];
  readonly events: readonly (readonly [source: string, kind: string, rows: number])[];
}

const HOUR_LENGTH = "2025-01-15T10".length;

/** The hour that an instant's key lies in: its first letters, which are ordered like instants. */
export function hourOf(tsKey: string): string {
  return tsKey.slice(0, HOUR_LENGTH);
}

export function itemsOf(
  messages: readonly { readonly from: string; readonly tsKey: string }[],
  events: readonly { readonly source: string; readonly kind: string }[],
): string {
  const items: Items = {
    messages: counted(messages.map(({ from, tsKey }) => [from, hourOf(tsKey)])),
    events: counted(events.map(({ source, kind }) => [source, kind])),
  };
  return JSON.stringify(items);
}

export function parseItems(text: string | null): Items {
  return text === null ? { messages: [], events: [] } : (JSON.parse(text) as Items);
}

/** All of several. */
export function joinItems(all: readonly Items[]): Items {
  return {
    messages: all.flatMap(({ messages }) => messages),
    events: all.flatMap(({ events }) => events),
  };
}

export function sum(rows: Iterable<readonly [string, string, number]>): number {
  let total = 0;
  for (const [, , count] of rows) total += count;
  return total;
}

function counted(pairs: readonly (readonly [string, string])[]): [string, string, number][] {
  const counts = new Map<string, [string, string, number]>();
  for (const [first, second] of pairs) {
    const key = `${first}\0${second}`;
    const count = counts.get(key);
    if (count === undefined) counts.set(key, [first, second, 1]);
    else count[2]++;
  }
  return [...counts.values()];
}
