/** What a destination may say, as JSON Schema. */
import { RECORD_KINDS } from "../core/changes.ts";
import { CONCURRENCY_MAX } from "../core/destination-config.ts";
import { DURATION_PATTERN } from "../lib/duration.ts";
import { RATE_PATTERN } from "../lib/rate.ts";
import type { JsonSchema } from "./source-schema.ts";

export const ALL = "all";
const SECRETS_MAX = 10;
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
  allow_private: false,
} as const;

/** One, or a list. */
function oneOrMore(item: JsonSchema, itemsMax?: number): JsonSchema {
  const list = { type: "array", minItems: 1, ...(itemsMax !== undefined && { maxItems: itemsMax }) };
  return { anyOf: [item, { ...list, items: item }] };
}

const OPTIONS: Readonly<Record<string, JsonSchema>> = {
  url: {
    type: "string",
    pattern: "^https?://([^\\s/?#@[\\]]+|\\[[0-9a-fA-F:.]+\\](:[0-9]+)?)([/?][^\\s#]*)?$",
    description:
      "The full URL that takes the requests: https:// or http://, without a user, a password or a fragment (#).",
  },
  secret: {
    ...oneOrMore({ type: "string", pattern: "\\S" }, SECRETS_MAX),
    description:
      "What signs the requests: whsec_ and base64, or any other text of at least 16 bytes; a list, of which each signs, to change it.",
  },
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
    description: "Requests that may be under way at once.",
    default: DESTINATION_DEFAULTS.concurrency,
  },
  rate: {
    type: "string",
    pattern: RATE_PATTERN,
    description: "Requests at most, such as 50/s, 30/m or 1000/h. Default: as many as are taken.",
  },
  timeout: {
    type: "string",
    pattern: DURATION_PATTERN,
    description: "How long an answer may take, such as 15s; 1s to 120s.",
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
  allow_private: {
    type: "boolean",
    description: "Whether the URL may lead to a private, local or otherwise special address.",
    default: DESTINATION_DEFAULTS.allow_private,
  },
};

export const DESTINATION_SCHEMA: JsonSchema = {
  type: "object",
  required: ["url", "secret"],
  properties: OPTIONS,
  additionalProperties: false,
};
