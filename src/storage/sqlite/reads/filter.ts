/**
 * What a query asks for: one rule for each filter says which way of reading answers it and which
 * rows pass. Rows of the tail, and rows that only may match, are looked at by the same rules.
 */
import { fold } from "../../../core/fold.ts";
import { instantKey } from "../../../core/instant.ts";
import { givenFilters, type MessageFilters, type SortKey } from "../../../core/store.ts";
import type { SearchTerms } from "../../../search/search.ts";
import { countBefore } from "../derived/log-rows.ts";
import { TERMS } from "../derived/search-index.ts";
import type { TailRow } from "./tail.ts";

type Passes = (row: TailRow) => boolean;

type Rule<Value> =
  /** It cuts a range from rows that are in order. */
  | { readonly by: "range" }
  | {
      /** `order`: an order of its own answers it. `key`: it is one row at most. */
      readonly by: "order" | "key";
      readonly passes: (value: Value) => Passes;
    }
  | {
      /** Rows have to be searched for, by these terms. */
      readonly by: "search";
      readonly passes: (value: Value) => Passes;
      readonly terms: (value: Value) => SearchTerms;
    };

const RULES: { readonly [Name in keyof MessageFilters]-?: Rule<NonNullable<MessageFilters[Name]>> } = {
  messageId: { by: "key", passes: (id) => (row) => row.messageId === id },
  from: { by: "order", passes: (from) => (row) => row.from === from },
  since: { by: "range" },
  until: { by: "range" },
  to: { by: "search", terms: TERMS.recipient, passes: (to) => (row) => row.to === to },
  source: {
    by: "search",
    terms: TERMS.source,
    passes: (source) => (row) => row.source === source,
  },
  type: { by: "search", terms: TERMS.type, passes: (type) => (row) => row.type === type },
  q: {
    by: "search",
    terms: (q) => ({ text: fold(q) }),
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
  /**
   * What rows are searched for by; undefined when counts and ordered keys alone answer the query.
   */
  readonly terms: SearchTerms | undefined;
  /** Whether a row of the range passes; undefined when each of them does. */
  readonly passes: Passes | undefined;
}

export function messageFilter(query: MessageFilters): MessageFilter {
  const { from, since, until } = query;
  const given = givenFilters(query, RULES);
  const tests = given.flatMap((name) => testOf(query, name) ?? []);
  const terms = given.flatMap((name) => termsOf(query, name) ?? []);
  return {
    from,
    since: since === undefined ? undefined : firstAt(since),
    until: until === undefined ? undefined : firstAt(until),
    terms: terms.length === 0 ? undefined : joinTerms(terms),
    passes: tests.length === 0 ? undefined : (row) => tests.every((passes) => passes(row)),
  };
}

function testOf<Name extends keyof MessageFilters>(query: MessageFilters, name: Name): Passes | undefined {
  const rule = RULES[name];
  return rule.by === "range" ? undefined : rule.passes(query[name] as NonNullable<MessageFilters[Name]>);
}

function termsOf<Name extends keyof MessageFilters>(
  query: MessageFilters,
  name: Name,
): SearchTerms | undefined {
  const rule = RULES[name];
  return rule.by === "search" ? rule.terms(query[name] as NonNullable<MessageFilters[Name]>) : undefined;
}

/** Rows that match all of them; one of them has a text at most. */
function joinTerms(all: readonly SearchTerms[]): SearchTerms {
  const text = all.find((terms) => terms.text !== undefined)?.text;
  return {
    ...(text !== undefined && { text }),
    labels: all.flatMap(({ labels = [] }) => labels),
    without: all.flatMap(({ without = [] }) => without),
  };
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
  const within = start === 0 && end === rows.length ? rows : rows.slice(start, Math.max(start, end));
  return passes === undefined ? within : within.filter(passes);
}
