/** Query parameters of lists: one way to read them, with the same words for what is wrong. */
import { type TNumberOptions, type TObject, type TOptional, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { parseQueryString } from "../lib/query-string.ts";
import { json } from "../lib/response.ts";
import { DOCUMENTED_AS, type RouteDoc } from "../lib/route.ts";
import { DetailAnswer, type FieldError, fieldError, fieldErrors, InvalidAnswer } from "./field-errors.ts";
import { INSTANT_PATTERN } from "./instant.ts";
import { NATIVE } from "./source.ts";
import type { ByFilter, Order } from "./store.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 100;

/** All integers of so many digits are exact as a JavaScript number. */
const OFFSET_MAX = 999_999_999_999_999;

/** What a query string holds is text: its range is checked after it is a number. */
export const IntegerParameter = (shown: TNumberOptions) =>
  Type.Optional(Type.String({ pattern: "^[0-9]{1,15}$", [DOCUMENTED_AS]: Type.Integer(shown) }));

export const PAGE_PARAMETERS = {
  limit: IntegerParameter({
    description: "Rows on a page.",
    minimum: 1,
    maximum: LIMIT_MAX,
    default: LIMIT_DEFAULT,
  }),
  offset: IntegerParameter({
    format: "int64",
    description: "Rows to skip.",
    minimum: 0,
    maximum: OFFSET_MAX,
    default: 0,
  }),
};

/** Of lists that can be read from either end, and walked. */
export const ORDER_PARAMETERS = {
  order: Type.Optional(
    Type.Enum(["asc", "desc"], {
      type: "string",
      description: "`desc` turns the whole order around: the latest first.",
      default: "asc",
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      description:
        'Continues where the page that gave it in `Link: …; rel="next"` ended. Best for walking everything.',
      examples: ["WyIyMDI1LTAxLTE1VDEwOjAwOjAwIiwibTEiXQ"],
    }),
  ),
};

/** The header of a page behind which another one comes. */
const LINK_HEADER = {
  Link: 'The next page as `<?…>; rel="next"` (RFC 8288), relative to this one, when there is one.',
};

export const InstantParameter = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: INSTANT_PATTERN,
      format: "instant",
      description,
      examples: ["2025-11-28T10:00:00Z"],
    }),
  );

export const SourceParameter = Type.Optional(
  Type.String({
    description: "The name of a source; `native` for messages of `POST /webhook`.",
    examples: [NATIVE],
  }),
);

/** A filter as it stands in the query string. */
export interface FilterParameter {
  readonly name: string;
  readonly schema: TOptional<TSchema>;
  /** What the store is asked for; the text itself where that is missing. */
  readonly read?: (text: string) => string;
}

/** A span of time, of rows that have an instant. */
export const SPAN_FILTERS = {
  since: { name: "since", schema: InstantParameter("Instants from this one on (`ts >=`).") },
  until: { name: "until", schema: InstantParameter("Instants before this one (`ts <`).") },
} satisfies Readonly<Record<string, FilterParameter>>;

/**
 * A number as a query string has it, which turns `+` into a space: a leading space, or none before
 * bare digits, means `+`.
 */
export function addressOf(value: string): string {
  return /^ ?[0-9]+$/.test(value) ? `+${value.trimStart()}` : value;
}

/** The schemas of filters, by their names. */
export function filterSchemas(filters: Readonly<Record<string, FilterParameter>>) {
  return Object.fromEntries(Object.values(filters).map(({ name, schema }) => [name, schema]));
}

/** What the store is asked for. */
export function readFilters<Filters>(
  given: Readonly<Record<string, string>>,
  filters: ByFilter<Filters, FilterParameter>,
): Filters {
  const table: Readonly<Record<string, FilterParameter>> = filters;
  const read = Object.entries(table).flatMap(([filter, { name, read = (text: string) => text }]) => {
    const text = given[name];
    return text === undefined ? [] : [[filter, read(text)]];
  });
  return Object.fromEntries(read) as Filters;
}

interface PageParameters {
  /** What counts of the query: known parameters, the last of each, without empty filters. */
  readonly given: Readonly<Record<string, string>>;
  readonly limit: number;
  readonly offset: number;
  /** Every mistake that was found; the rest counts only when there is none. */
  readonly errors: readonly FieldError[];
}

/** What a list is cut by, `Key` being its cursor's; or every mistake that was found. */
type OrderedPage<Key> =
  | { readonly errors: readonly FieldError[] }
  | {
      readonly given: PageParameters["given"];
      readonly page: {
        readonly limit: number;
        readonly offset: number;
        readonly order?: Order;
        readonly after?: Key;
      };
    };

/** Reads query strings of lists with `ORDER_PARAMETERS`. */
export function orderedPageReader<Key>(
  schema: TObject,
  decodeCursor: (text: string) => Key | undefined,
): (query: string) => OrderedPage<Key> {
  const read = pageReader(schema);
  return (query) => {
    const { given, limit, offset, errors } = read(query);
    const { order, cursor } = given;
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    if (cursor !== undefined && after === undefined) {
      const msg = "Cursor should be one that Postern gave";
      return { errors: [...errors, fieldError("query", "cursor", "cursor_invalid", msg, cursor)] };
    }
    if (errors.length > 0) return { errors };
    return {
      given,
      page: {
        limit,
        offset,
        ...(order !== undefined && { order: order as Order }),
        ...(after !== undefined && { after }),
      },
    };
  };
}

/**
 * The next page by cursor, with the caller's own filters. The reference is a query alone, whose
 * path is that of the request (RFC 8288, 3.2; RFC 3986, 5.2.2), so that it holds behind any proxy.
 */
function nextLink(given: PageParameters["given"], limit: number, cursor: string): Record<string, string> {
  const { limit: _limit, offset: _offset, cursor: _cursor, ...kept } = given;
  const search = new URLSearchParams({ ...kept, limit: String(limit), cursor });
  return { Link: `<?${search}>; rel="next"` };
}

/**
 * What a list with `ORDER_PARAMETERS` may answer: a page of these rows, by a name of its own, whose
 * `total` counts what `counted` says.
 */
export function pageAnswers(name: string, row: TSchema, counted: string): RouteDoc["answers"] {
  const page = Type.Object(
    {
      data: Type.Array(row),
      total: Type.Integer({ format: "int64", examples: [1], description: counted }),
      limit: Type.Integer({ examples: [50] }),
      offset: Type.Integer({ format: "int64", examples: [0] }),
    },
    { $id: name },
  );
  return {
    200: { description: "One page.", schema: page, headers: LINK_HEADER },
    422: { description: "A parameter can't be read.", schema: InvalidAnswer },
    503: { description: "The read did not finish in `QUERY_TIMEOUT_MS`.", schema: DetailAnswer },
  };
}

/** A page that was asked for so, with the link to the next where there is one. */
export function pageAnswer<Key>(
  asked: { readonly given: PageParameters["given"]; readonly page: { limit: number; offset: number } },
  found: { readonly data: readonly unknown[]; readonly total: number; readonly next?: Key | undefined },
  encodeCursor: (key: Key) => string,
): Response {
  const { limit, offset } = asked.page;
  const { data, total, next } = found;
  const link = next && nextLink(asked.given, limit, encodeCursor(next));
  return json(200, { data, total, limit, offset }, link);
}

/** What a query string gives, or every mistake that was found in it. */
interface QueryParameters {
  /** What counts: known parameters, the last of each, without those that are empty and may be. */
  readonly given: Readonly<Record<string, string>>;
  readonly errors: FieldError[];
}

/**
 * Reads query strings by a schema whose properties are all strings; one that is empty counts as
 * absent unless it is among `never`.
 */
export function queryReader(schema: TObject, never: object): (query: string) => QueryParameters {
  const validator = Compile(schema);
  return (query) => {
    const parameters = parseQueryString(query);
    if ("reason" in parameters) {
      const { parameter, raw, reason } = parameters;
      const error = fieldError("query", parameter, "query_invalid", `Query string: ${reason}`, raw);
      return { given: {}, errors: [error] };
    }
    const counts = ([name, value]: readonly [string, string]) =>
      Object.hasOwn(schema.properties, name) && (value !== "" || Object.hasOwn(never, name));
    const given = Object.fromEntries([...parameters].filter(counts));
    return { given, errors: validator.Check(given) ? [] : fieldErrors(validator, given, "query") };
  };
}

/**
 * A parameter as a number, `otherwise` where it is absent; adds to `errors` when it is out of
 * range.
 */
export function numberIn(
  { given, errors }: QueryParameters,
  name: string,
  [min, max, otherwise]: readonly [min: number, max: number, otherwise: number],
): number {
  const number = Number(given[name] ?? otherwise);
  const isNumber = !errors.some(({ loc }) => loc[1] === name);
  if (isNumber && (number < min || number > max))
    errors.push(
      fieldError("query", name, "out_of_range", `Input should be from ${min} to ${max}`, given[name]),
    );
  return number;
}

/** Reads query strings by a schema whose properties are all strings. */
export function pageReader(schema: TObject): (query: string) => PageParameters {
  const read = queryReader(schema, PAGE_PARAMETERS);
  return (query) => {
    const parameters = read(query);
    const limit = numberIn(parameters, "limit", [1, LIMIT_MAX, LIMIT_DEFAULT]);
    return { ...parameters, limit, offset: Number(parameters.given["offset"] ?? 0) };
  };
}
