/** How an event is shown, alone and beside its message; and how bytes of any kind get into JSON. */
import { type Static, Type } from "typebox";
import { EVENT_KINDS } from "./parsed-body.ts";
import type { StoredEvent } from "./store.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as a provider sent them: one of the two is there. */
export const BODY_MEMBERS = {
  body: Type.Optional(
    Type.Union([Type.String(), Type.Null()], {
      description:
        "The provider's own form of it, when that is UTF-8. Null where there is none (native messages), and for events " +
        "on a page whose bodies are too many bytes: ask for fewer.",
    }),
  ),
  body_base64: Type.Optional(Type.String({ description: "The same in base64, when it is not UTF-8." })),
};

/** Of the request that it came with. */
export const HEADERS_MEMBER = {
  headers: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()], {
    description:
      "Headers of the request that it came with, by their names in lower case: those that the source keeps. Null where " +
      "none are known, as of native messages, and where `body` is null.",
    examples: [{ "content-type": "application/json", "x-github-event": "push" }],
  }),
};

export const EVENT_EXAMPLE = {
  seq: 1205,
  source: "wa",
  kind: "status",
  type: "messages.status.delivered",
  event_key: "wamid.A1:delivered",
  message_id: "wa:wamid.A1",
  ts: "2025-11-28T10:00:02Z",
  created_at: "2025-11-28T10:00:02.518Z",
  headers: { "content-type": "application/json", "user-agent": "facebookexternalua" },
  body: '{"id":"wamid.A1","status":"delivered","timestamp":"1764324002"}',
};

export const EventRow = Type.Object(
  {
    seq: Type.Integer({ format: "int64" }),
    source: Type.String(),
    kind: Type.Enum([...EVENT_KINDS], { type: "string" }),
    type: Type.Union([Type.String(), Type.Null()], {
      description: "The provider's own name of it; null where it has none, and of what came before types.",
    }),
    event_key: Type.String({
      description:
        "The provider's identifier of the event, else a hash of its bytes; unique within its source. Other content " +
        "under a known one has `#2`, `#3`, … behind it.",
    }),
    message_id: Type.Union([Type.String(), Type.Null()], {
      description: "The message that it is about, stored or not.",
    }),
    ts: Type.String({ description: "When it happened; without that, when it was received." }),
    created_at: Type.String({ description: "When it was received." }),
    ...HEADERS_MEMBER,
    ...BODY_MEMBERS,
  },
  { $id: "Event", examples: [EVENT_EXAMPLE] },
);
export type EventRow = Static<typeof EventRow>;

export function eventRow({ body, ...rest }: StoredEvent): EventRow {
  const { seq, source, kind, type, event_key, message_id, ts, created_at, headers } = rest;
  return { seq, source, kind, type, event_key, message_id, ts, created_at, headers, ...bodyMembers(body) };
}

export function bodyMembers(
  bytes: Uint8Array | null,
): { readonly body: string | null } | { readonly body_base64: string } {
  if (bytes === null) return { body: null };
  try {
    return { body: utf8.decode(bytes) };
  } catch {
    return { body_base64: Buffer.from(bytes).toString("base64") };
  }
}
