/** Discord: how it signs webhook events and interactions, and where its messages stand. */
import type { Preset } from "../preset.ts";

const MESSAGE = { message_id: "event.data.id", type: "event.type" } as const;

export const discord = {
  title: "Discord",
  page: "https://docs.discord.com/developers/events/webhook-events",
  steps: [
    "In the Developer Portal: the application's public key is this source's secret.",
    "Under Webhooks enter the address and choose events, or enter it as Interactions Endpoint URL: Discord's pings are answered.",
  ],
  options: {
    scheme: {
      algorithm: "ed25519",
      signed: "{timestamp}{body}",
      header: "X-Signature-Ed25519",
      encoding: "hex",
      timestamp_header: "X-Signature-Timestamp",
      tolerance_seconds: 300,
    },
    handshakes: [
      // Of webhook events.
      {
        match: { method: "POST", json: { type: 0, application_id: "*" } },
        answer: { status: 204, text: "" },
      },
      // Of interactions, which have a token: type 1 is an event elsewhere.
      { match: { method: "POST", json: { type: 1, token: "*" } }, answer: { json: { type: 1 } } },
    ],
    map: [
      {
        when: { "event.type": ["LOBBY_MESSAGE_CREATE", "GAME_DIRECT_MESSAGE_CREATE"] },
        message_id: "event.data.id",
        from: "event.data.author.id",
        to: ["event.data.lobby_id", "event.data.channel_id"],
        ts: "event.data.timestamp",
        text: "event.data.content",
        outbound: { "event.data.author.bot": true },
        channel: "=discord",
      },
      {
        ...MESSAGE,
        event: "edit",
        when: { "event.type": ["LOBBY_MESSAGE_UPDATE", "GAME_DIRECT_MESSAGE_UPDATE"] },
        ts: "event.data.edited_timestamp",
      },
      {
        ...MESSAGE,
        event: "delete",
        when: { "event.type": ["LOBBY_MESSAGE_DELETE", "GAME_DIRECT_MESSAGE_DELETE"] },
      },
      // Commands, buttons and forms, of which buttons are about their message.
      { event: "callback", when: { type: [2, 3, 4, 5] }, message_id: "message.id", event_id: "id" },
      { event: "callback", when: { type: [2, 3, 4, 5] }, event_id: "id" },
      { event: "other", ts: "event.timestamp" },
    ],
    event_type: ["json event.type", "json data.name", "json type"],
    answer: { status: 204 },
  },
} as const satisfies Preset;
