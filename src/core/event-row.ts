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

export const EventRow = Type.Object(
  {
    seq: Type.Integer({ format: "int64" }),
    source: Type.String(),
    kind: Type.Enum([...EVENT_KINDS], { type: "string" }),
    event_key: Type.String({
      description:
        "The provider's identifier of the event, else a hash of its bytes; unique within its source.",
    }),
    message_id: Type.Union([Type.String(), Type.Null()], {
      description: "The message that it is about, stored or not.",
    }),
    ts: Type.String({ description: "When it happened; without that, when it was received." }),
    created_at: Type.String({ description: "When it was received." }),
    ...BODY_MEMBERS,
  },
  { $id: "Event" },
);
export type EventRow = Static<typeof EventRow>;

export function eventRow({ body, ...rest }: StoredEvent): EventRow {
  const { seq, source, kind, event_key, message_id, ts, created_at } = rest;
  return { seq, source, kind, event_key, message_id, ts, created_at, ...bodyMembers(body) };
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
