import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { webhookBody, webhookId } from "./forwarder.ts";
import type { RecordOfLog } from "./record.ts";

const common = { position: "a.1", ts: "2025-01-15T10:00:00Z", created_at: "2025-01-15T10:00:01.000Z" };
const message = { ...common, kind: "message", source: "wa", message_id: "wa:1" } as RecordOfLog;
const event = {
  ...common,
  ...{ kind: "status", source: "wa", event_key: "1:read", message_id: "wa:1" },
} as RecordOfLog;

const idOf = (text: string) => `evt_${createHash("sha256").update(text).digest("hex").slice(0, 32)}`;

test("a record's webhook has an identifier of its own, the same at each attempt", () => {
  expect(webhookId(message)).toBe(idOf("message\0wa:1"));
  expect(webhookId(event)).toBe(idOf("status\0wa\x001:read"));
  expect(webhookId({ ...message, position: "b.9" })).toBe(webhookId(message));
});

test("a webhook says what happened, when it was received, and holds the record as it is", () => {
  expect(JSON.parse(webhookBody(message))).toEqual({
    ...{ type: "message.received", timestamp: common.created_at, data: message },
  });
  expect(JSON.parse(webhookBody(event))).toEqual({
    ...{ type: "message.status", timestamp: common.created_at, data: event },
  });
});
