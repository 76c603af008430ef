/** What a query asks for, as SQL: one condition for each filter. */
import { fold } from "../../../core/fold.ts";
import { instantKey } from "../../../core/instant.ts";
import { NATIVE } from "../../../core/source.ts";
import { type EventFilters, givenFilters, type MessageFilters } from "../../../core/store.ts";
import { DETAIL_COLUMNS, EVENT_COLUMNS, MESSAGE_COLUMNS } from "../../columns.ts";

type SqlValue = string | number;

/** Gives a value its number in the statement. */
type Parameter = (value: SqlValue) => string;

/** A condition on columns that `of` stands before. */
type Conditions<Filters> = {
  readonly [Name in keyof Filters]-?: (
    value: NonNullable<Filters[Name]>,
    parameter: Parameter,
    of: string,
  ) => string;
};

const OF_SPAN: Conditions<Pick<MessageFilters & EventFilters, "since" | "until">> = {
  since: (since, parameter, of) => `${of}ts_key >= ${parameter(instantKey(since))}`,
  until: (until, parameter, of) => `${of}ts_key < ${parameter(instantKey(until))}`,
};

const MESSAGE_CONDITIONS: Conditions<MessageFilters> = {
  messageId: (id, parameter, of) => `${of}${MESSAGE_COLUMNS.message_id} = ${parameter(id)}`,
  from: (from, parameter, of) => `${of}${MESSAGE_COLUMNS.from} = ${parameter(from)}`,
  to: (to, parameter, of) => `${of}${MESSAGE_COLUMNS.to} = ${parameter(to)}`,
  source: (source, parameter, of) =>
    source === NATIVE ? `${of}source is null` : `${of}source = ${parameter(source)}`,
  type: (type, parameter, of) => `${of}${DETAIL_COLUMNS.type} = ${parameter(type)}`,
  ...OF_SPAN,
  q: (q, parameter, of) => `${of}folded like ${parameter(`%${escapeLike(fold(q))}%`)}`,
};

/** `q` is asked of bodies, once they are read. */
const EVENT_CONDITIONS: Conditions<Omit<EventFilters, "q">> = {
  messageId: (id, parameter, of) => `${of}${EVENT_COLUMNS.message_id} = ${parameter(id)}`,
  source: (source, parameter, of) => `${of}${EVENT_COLUMNS.source} = ${parameter(source)}`,
  kind: (kind, parameter, of) => `${of}${EVENT_COLUMNS.kind} = ${parameter(kind)}`,
  type: (type, parameter, of) => `${of}${EVENT_COLUMNS.type} = ${parameter(type)}`,
  ...OF_SPAN,
};

/** Conditions with their values, whose numbers are given as they come. */
export class Filter {
  readonly values: SqlValue[] = [];
  readonly #conditions: string[] = [];

  /** `condition` is given its value's number; nothing is added for undefined. */
  add(value: SqlValue | undefined, condition: (parameter: string) => string): this {
    if (value !== undefined) this.#conditions.push(condition(this.parameter(value)));
    return this;
  }

  addRaw(condition: string): this {
    this.#conditions.push(condition);
    return this;
  }

  /** The number of a further value. */
  parameter(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  get where(): string {
    return this.#conditions.length === 0 ? "true" : this.#conditions.join(" and ");
  }
}

/** `of` stands before each column. */
export function messageFilter(filters: MessageFilters, of = ""): Filter {
  return filterOf(filters, MESSAGE_CONDITIONS, of);
}

/** `of` stands before each column. */
export function eventFilter(filters: EventFilters, of = ""): Filter {
  return filterOf(filters, EVENT_CONDITIONS, of);
}

function filterOf<Filters extends object>(
  filters: Filters,
  conditions: Conditions<Filters>,
  of: string,
): Filter {
  const filter = new Filter();
  const add = <Name extends keyof Filters>(name: Name) =>
    filter.addRaw(
      conditions[name](filters[name] as NonNullable<Filters[Name]>, (value) => filter.parameter(value), of),
    );
  for (const name of givenFilters(filters, conditions)) add(name);
  return filter;
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}
