/** What a destination may say, as JSON Schema. */
import { RECORD_KINDS } from "../core/changes.ts";
import { CONCURRENCY_MAX } from "../core/destination-config.ts";
import type { SinkKind } from "../follow/deliver/sink-kind.ts";
import { SINK_KINDS, schemesText } from "../follow/deliver/sinks.ts";
import { DURATION_PATTERN } from "../lib/duration.ts";
import { RATE_PATTERN } from "../lib/rate.ts";
import type { JsonSchema } from "./source-schema.ts";

export const ALL = "all";
const RETRIES_MAX = 100;
/** A text that every engine can be asked for. */
const ADDRESS = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$";

export const DESTINATION_DEFAULTS = {
  kinds: "message",
  order: "sender",
  concurrency: 8,
  timeout: "15s",
  retry: ["5s", "30s", "2m", "10m", "30m", "1h", "3h", "6h", "12h", "24h"],
  start: "now",
} as const;

/** One, or a list. */
function oneOrMore(item: JsonSchema, itemsMax?: number): JsonSchema {
  const list = { type: "array", minItems: 1, ...(itemsMax !== undefined && { maxItems: itemsMax }) };
  return { anyOf: [item, { ...list, items: item }] };
}

/** Whatever its URL is. */
const COMMON: Readonly<Record<string, JsonSchema>> = {
  kinds: {
    ...oneOrMore({ type: "string", enum: [...RECORD_KINDS, ALL] }),
    description: "Kinds of records that are handed on; all for every kind.",
    default: DESTINATION_DEFAULTS.kinds,
  },
  sources: {
    ...oneOrMore({ type: "string" }),
    description:
      "Names of sources of this file whose records are handed on; native for POST /webhook. Default: all.",
  },
  from: {
    type: "string",
    pattern: ADDRESS,
    description: "The exact sender. Events have none and are not handed on then.",
  },
  to: {
    type: "string",
    pattern: ADDRESS,
    description: "The exact recipient. Events have none and are not handed on then.",
  },
  order: {
    enum: ["sender", "none"],
    description: "With sender, what one sender sent is handed on one after the other.",
    default: DESTINATION_DEFAULTS.order,
  },
  concurrency: {
    type: "integer",
    minimum: 1,
    maximum: CONCURRENCY_MAX,
    description: "Attempts that may be under way at once.",
    default: DESTINATION_DEFAULTS.concurrency,
  },
  rate: {
    type: "string",
    pattern: RATE_PATTERN,
    description: "Attempts at most, such as 50/s, 30/m or 1000/h. Default: as many as are taken.",
  },
  timeout: {
    type: "string",
    pattern: DURATION_PATTERN,
    description: "How long an attempt may take, such as 15s; 1s to 120s.",
    default: DESTINATION_DEFAULTS.timeout,
  },
  retry: {
    ...oneOrMore({ type: "string", pattern: DURATION_PATTERN }, RETRIES_MAX),
    description: "How long to wait before each further attempt, such as [5s, 2m, 1h]; 100ms to 7d each.",
    default: DESTINATION_DEFAULTS.retry,
  },
  start: {
    type: "string",
    pattern: "^(now|start|\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z)$",
    description:
      "Where a destination that is new begins: now, start (with everything that is stored), or an instant such as 2025-01-15T10:00:00Z.",
    default: DESTINATION_DEFAULTS.start,
  },
};

/** One whose URL is of the kind. */
export function destinationSchema({ url, members, required }: SinkKind): JsonSchema {
  return {
    type: "object",
    required: ["url", ...required],
    properties: { url, ...members, ...COMMON },
    additionalProperties: false,
  };
}

/** One of which nobody knows what its kind takes: whatever any of them does. */
export const DESTINATION_SCHEMA: JsonSchema = {
  type: "object",
  required: ["url"],
  properties: {
    url: {
      type: "string",
      pattern: `^(${SINK_KINDS.flatMap(({ schemes }) => schemes).join("|")})//`,
      description: `Where records go: a URL that begins with ${schemesText()}.`,
    },
    ...COMMON,
    ...Object.assign({}, ...SINK_KINDS.map(({ members }) => members)),
  },
  additionalProperties: false,
};
