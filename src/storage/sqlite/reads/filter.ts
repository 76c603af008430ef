/**
 * What a query asks for: one rule for each filter says which way of reading answers it and which rows pass. Rows of the
 * tail, and rows that only may match, are looked at by the same rules.
 */
import { fold } from "../../../core/fold.ts";
import { instantKey } from "../../../core/instant.ts";
import { givenFilters, type MessageFilters } from "../../../core/store.ts";
import { countBefore, type SortKey } from "../derived/log-rows.ts";
import type { SearchTerms } from "../derived/search-index.ts";
import type { TailRow } from "./tail.ts";

type Passes = (row: TailRow) => boolean;

interface Rule<Value> {
  /**
   * `order`: it is a range of an order, so counts and ordered keys answer it. `search`: rows have to be searched for.
   * `key`: it is one row at most.
   */
  readonly by: "order" | "search" | "key";
  readonly passes: (value: Value) => Passes;
}

const RULES: { readonly [Name in keyof MessageFilters]-?: Rule<NonNullable<MessageFilters[Name]>> } = {
  messageId: { by: "key", passes: (id) => (row) => row.messageId === id },
  from: { by: "order", passes: (from) => (row) => row.from === from },
  since: {
    by: "order",
    passes: (since) => {
      const key = instantKey(since);
      return (row) => row.tsKey >= key;
    },
  },
  until: {
    by: "order",
    passes: (until) => {
      const key = instantKey(until);
      return (row) => row.tsKey < key;
    },
  },
  to: { by: "search", passes: (to) => (row) => row.to === to },
  source: { by: "search", passes: (source) => (row) => row.source === source },
  q: {
    by: "search",
    passes: (q) => {
      const folded = fold(q);
      return (row) => row.folded?.includes(folded) ?? false;
    },
  },
};

export interface MessageFilter {
  readonly from: string | undefined;
  /** From this key on. */
  readonly since: SortKey | undefined;
  /** Before this key. */
  readonly until: SortKey | undefined;
  /** What rows are searched for by; undefined when counts and ordered keys alone answer the query. */
  readonly terms: SearchTerms | undefined;
  /** Whether a row passes every filter. */
  readonly passes: Passes;
}

export function messageFilter(query: MessageFilters): MessageFilter {
  const { from, to, source, since, until, q } = query;
  const tests = givenFilters(query, RULES).map((name) => testOf(query, name));
  return {
    from,
    since: since === undefined ? undefined : firstAt(since),
    until: until === undefined ? undefined : firstAt(until),
    terms: isSearch(query)
      ? {
          ...(q !== undefined && q !== "" && { q: fold(q) }),
          ...(to !== undefined && { to }),
          ...(source !== undefined && { source }),
        }
      : undefined,
    passes: (row) => tests.every((passes) => passes(row)),
  };
}

function testOf<Name extends keyof MessageFilters>(query: MessageFilters, name: Name): Passes {
  return RULES[name].passes(query[name] as NonNullable<MessageFilters[Name]>);
}

/** Whether counts and ordered keys alone can't answer it: rows have to be searched for. */
export function isSearch(query: MessageFilters): boolean {
  return givenFilters(query, RULES).some((name) => RULES[name].by === "search");
}

/** The first key of an instant: no identifier is empty. */
function firstAt(instant: string): SortKey {
  return { tsKey: instantKey(instant), messageId: "" };
}

/** The key right after another: no identifier holds U+0000. */
export function keyAfter({ tsKey, messageId }: SortKey): SortKey {
  return { tsKey, messageId: `${messageId}\0` };
}

/** Those of the rows, given in the order of pages, that pass. */
export function rowsMatching(rows: readonly TailRow[], filter: MessageFilter): readonly TailRow[] {
  const { since, until, passes } = filter;
  const start = since === undefined ? 0 : countBefore(rows, since);
  const end = until === undefined ? rows.length : countBefore(rows, until);
  return rows.slice(start, Math.max(start, end)).filter(passes);
}
