import { expect, test } from "bun:test";
import { columns, Rig } from "../../../tests/sources.ts";
import type { EventKind } from "../../core/parsed-body.ts";

const rig = new Rig("viber", { account: "our_bot" });

const callback = (event: string, fields: object = {}) => ({
  event,
  timestamp: 1749416383999,
  message_token: 4912661846655238145n,
  ...fields,
});
/** With the token digit by digit, as Viber writes it. */
const written = (document: object) =>
  JSON.stringify(document, (_, value: unknown) =>
    typeof value === "bigint" ? `token ${value}` : value,
  ).replace(/"token (\d+)"/, "$1");
const said = (message: object) => callback("message", { sender: { id: "anna=" }, message });

test.each<[string, object, string | null]>([
  ["text", { text: "Hello" }, "Hello"],
  ["picture", { media: "https://m.example/p.jpg", text: "Look" }, "Look"],
  ["picture", { media: "https://m.example/p.jpg" }, null],
  ["video", { media: "https://m.example/v.mp4", duration: 3 }, null],
  ["file", { media: "https://m.example/f.pdf", file_name: "f.pdf" }, null],
  ["contact", { contact: { name: "Ben", phone_number: "+1" } }, null],
  ["location", { location: { lat: 1, lon: 2 } }, null],
  ["sticker", { sticker_id: 46105 }, null],
  ["url", { media: "https://www.example.com/shop" }, "https://www.example.com/shop"],
])("a message of the type %s, %j, has the text %j", (type, fields, text) => {
  expect(columns(rig.keptOf(written(said({ type, ...fields }))))).toEqual({
    events: [],
    messages: [
      {
        message_id: "src:4912661846655238145",
        from: "viber:anna=",
        to: "viber:our_bot",
        ts: "2025-06-08T20:59:43Z",
        text,
        type,
      },
    ],
  });
});

test.each<[EventKind, string, string | null]>([
  ["status", "delivered", "src:4912661846655238145"],
  ["status", "seen", "src:4912661846655238145"],
  ["status", "failed", "src:4912661846655238145"],
  ["system", "subscribed", null],
  ["system", "unsubscribed", null],
  ["system", "conversation_started", null],
  ["system", "webhook", null],
  ["other", "client_status", null],
])("an event of kind %s: %s", (kind, event, messageId) => {
  expect(columns(rig.keptOf(written(callback(event, { user_id: "anna=" }))))).toEqual({
    messages: [],
    events: [[kind, `4912661846655238145:${event}`, messageId]],
  });
});
