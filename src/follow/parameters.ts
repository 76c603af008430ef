/** The query parameters of whoever reads the log: where they begin, and what they want of it. */
import { type TObject, Type } from "typebox";
import { type Beginning, type ChangesFilter, RECORD_KINDS, type RecordKind } from "../core/changes.ts";
import { type FieldError, fieldError } from "../core/field-errors.ts";
import { isInstant } from "../core/instant.ts";
import {
  addressOf,
  IntegerParameter,
  numberIn,
  queryReader,
  SourceParameter,
} from "../core/page-parameters.ts";
import { parsePosition } from "../core/position.ts";

export const ALL = "all";
/** What counts even when it is empty: then it is wrong. */
const NEVER_EMPTY = { after: true, limit: true, wait: true };

export const FOLLOW_PARAMETERS = {
  after: Type.Optional(
    Type.String({
      description:
        "Where to begin: a position that Postern gave, `start` (default), `now`, or an instant (grammar of `ts`): before " +
        "the lowest number that was received then or later.",
      examples: ["start"],
    }),
  ),
  kinds: Type.Optional(
    Type.String({
      description: `Kinds of records, apart by commas, or \`all\`; default \`message\`. Others are ${RECORD_KINDS.slice(
        1,
      )
        .map((kind) => `\`${kind}\``)
        .join(", ")}.`,
      examples: ["message,status"],
    }),
  ),
  source: SourceParameter,
  from: Type.Optional(
    Type.String({
      description: "Exact sender, as for `/messages`. Events have none and never match.",
      examples: ["+919876543210"],
    }),
  ),
  to: Type.Optional(
    Type.String({ description: "Exact recipient, as for `/messages`.", examples: ["+14155550100"] }),
  ),
  body: Type.Optional(
    Type.Enum(["true", "false"], {
      description:
        "With `true` each record has the provider's own form of it; a page then holds up to 16 MiB.",
    }),
  ),
};

/** Where somebody begins: a position, or what the store makes one of. */
export type Start = { readonly position: string } | { readonly beginning: Beginning };

interface FollowParameters {
  readonly start: Start;
  readonly filter: ChangesFilter;
  readonly bodies: boolean;
  readonly limit: number;
  readonly waitS: number;
  /** The rest counts only when there is none. */
  readonly errors: readonly FieldError[];
}

/** Where to begin, as a client says it; undefined for anything else. */
export function startOfText(text: string): Start | undefined {
  if (text === "start" || text === "now") return { beginning: text };
  if (parsePosition(text) !== undefined) return { position: text };
  return isInstant(text) ? { beginning: { since: text } } : undefined;
}

export const START_RULE = "It takes a position, start, now or an instant such as 2025-01-15T10:00:00Z";

/**
 * In one order and each once, so that the same filter looks the same; undefined for no kinds, and
 * for unknown ones.
 */
export function kindsOf(names: readonly string[]): readonly RecordKind[] | undefined {
  if (names.length === 1 && names[0] === ALL) return RECORD_KINDS;
  const known: readonly string[] = RECORD_KINDS;
  if (names.length === 0 || names.some((name) => !known.includes(name))) return undefined;
  return RECORD_KINDS.filter((kind) => names.includes(kind));
}

/** Reads query strings of a route whose parameters are among these and `PAGE_PARAMETERS`. */
export function followParameters(schema: TObject): (query: string) => FollowParameters {
  const read = queryReader(schema, NEVER_EMPTY);
  return (query) => {
    const parameters = read(query);
    const { given, errors } = parameters;
    const limit = numberIn(parameters, "limit", LIMITS);
    const waitS = numberIn(parameters, "wait", WAITS_S);
    const start = startOfText(given["after"] ?? "start");
    if (start === undefined)
      errors.push(fieldError("query", "after", "position_invalid", START_RULE, given["after"]));
    const kinds = given["kinds"] ?? "message";
    const wanted = kindsOf(kinds.split(","));
    if (wanted === undefined) {
      const msg = `It takes all, or some of ${RECORD_KINDS.join(", ")}, apart by commas`;
      errors.push(fieldError("query", "kinds", "enum", msg, kinds));
    }
    const { source, from, to } = given;
    const filter = {
      ...(wanted !== undefined && wanted !== RECORD_KINDS && { kinds: wanted }),
      ...(source !== undefined && { sources: [source] }),
      ...(from !== undefined && { from: addressOf(from) }),
      ...(to !== undefined && { to: addressOf(to) }),
    };
    const begun = start ?? { beginning: "start" };
    return { start: begun, filter, bodies: given["body"] === "true", limit, waitS, errors };
  };
}

const LIMITS = [1, 1000, 100] as const;
const WAITS_S = [0, 60, 0] as const;

const documented = ([minimum, maximum, otherwise]: typeof LIMITS | typeof WAITS_S) => ({
  minimum,
  maximum,
  default: otherwise,
});

/** Of what answers by pages. */
export const FOLLOWED_PAGE_PARAMETERS = {
  limit: IntegerParameter({ description: "Records on a page.", ...documented(LIMITS) }),
  wait: IntegerParameter({
    description: "Seconds to wait for the first record where there is none.",
    ...documented(WAITS_S),
  }),
};
