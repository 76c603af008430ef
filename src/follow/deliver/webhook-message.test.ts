import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { Changes } from "../../core/changes.ts";
import type { EventRecord, MessageRecord } from "../../core/log-record.ts";
import { followedRecords } from "../followed-record.ts";
import { webhookBody, webhookId } from "./webhook-message.ts";

const times = { ts: "2025-01-15T10:00:00Z", created_at: "2025-01-15T10:00:01.000Z" };
const message: MessageRecord = {
  ...{ seq: 1, message_id: "wa:1", from: "+1", to: "+2", text: '"\u2028\ud83d\ude00\0', ...times },
};
const event: EventRecord = {
  ...{
    seq: 2,
    source: "wa",
    kind: "status",
    type: "read",
    event_key: "1:read",
    message_id: "wa:1",
    ...times,
  },
  ...{ delivery: 1, start: 0, stop: 0 },
};
const page = { log: "abcd", records: [message, event], bodies: new Map() } as unknown as Changes;
const [followedMessage, followedEvent] = followedRecords(page, false) as [
  ReturnType<typeof followedRecords>[0],
  ReturnType<typeof followedRecords>[0],
];

const idOf = (text: string) => `evt_${createHash("sha256").update(text).digest("hex").slice(0, 32)}`;

test("a record's webhook has an identifier that depends on what the record is known by alone", () => {
  expect(webhookId(followedMessage)).toBe(idOf("message\0wa:1"));
  expect(webhookId(followedEvent)).toBe(idOf("status\0wa\x001:read"));
  const again = { ...message, seq: 9 };
  expect(webhookId({ record: again })).toBe(webhookId(followedMessage));
});

test("a webhook says what happened and when it was received, and holds the record as it is", () => {
  expect(JSON.parse(webhookBody(followedMessage))).toEqual({
    ...{ type: "message.received", timestamp: times.created_at },
    data: JSON.parse(followedMessage.text),
  });
  expect(JSON.parse(webhookBody(followedEvent))).toEqual({
    ...{ type: "message.status", timestamp: times.created_at },
    data: JSON.parse(followedEvent.text),
  });
});
