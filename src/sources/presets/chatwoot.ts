/** Chatwoot: how it signs, and where its messages stand. */
import type { Preset } from "../preset.ts";

export const chatwoot = {
  title: "Chatwoot",
  page: "https://www.chatwoot.com/hc/user-guide/articles/1677693021-how-to-use-webhooks",
  steps: [
    "Under Settings, Integrations, Webhooks: add the address.",
    "The webhook's secret is this source's secret.",
  ],
  options: {
    scheme: {
      algorithm: "hmac-sha256",
      signed: "{timestamp}.{body}",
      header: "X-Chatwoot-Signature",
      encoding: "hex",
      prefix: "sha256=",
      timestamp_header: "X-Chatwoot-Timestamp",
      tolerance_seconds: 300,
    },
    map: [
      {
        when: { event: "message_created", message_type: "incoming" },
        message_id: "id",
        from: ["sender.phone_number", "sender.email", "sender.id"],
        to: "inbox.id",
        ts: "created_at",
        text: "content",
        type: "content_type",
        channel: "=chatwoot",
      },
      {
        // What Chatwoot itself notes, such as who is assigned.
        event: "system",
        when: { event: "message_created", message_type: "activity" },
        message_id: "id",
        ts: "created_at",
        type: "event",
      },
      {
        event: "echo",
        when: { event: "message_created" },
        message_id: "id",
        ts: "created_at",
        type: "event",
      },
      {
        event: "delete",
        when: { event: "message_updated", "content_attributes.deleted": true },
        message_id: "id",
        type: "event",
      },
      { event: "edit", when: { event: "message_updated" }, message_id: "id", type: "event" },
      // Of conversations and contacts, whose identifiers are no messages'.
      { event: "other", type: "event" },
    ],
    delivery_id: "header X-Chatwoot-Delivery",
    event_type: "json event",
    keep_headers: ["X-Chatwoot-Delivery"],
  },
} as const satisfies Preset;
