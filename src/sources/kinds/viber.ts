/**
 * Viber's bots: one signed callback a POST. What subscribers write are messages; deliveries,
 * subscriptions and the call by which Viber tries a new webhook are events. Source of the scheme
 * and the shapes: developers.viber.com, "REST Bot API", callbacks.
 */
import { Type } from "typebox";
import type { Message } from "../../core/message.ts";
import type { EventKind, ParsedBody } from "../../core/parsed-body.ts";
import { parseJsonTree } from "../../lib/json-tree.ts";
import {
  accountId,
  channelId,
  eventOf,
  instantOf,
  intakeOf,
  messageOf,
  statusKey,
  textOf,
  wholeSeconds,
} from "../fields.ts";
import { type Composed, defineKind, JSON_TYPE, plainText } from "../kind.ts";
import { signatureScheme } from "../schemes/signature.ts";

export const viber = defineKind({
  summary: "Viber bots; the secret is the bot's authentication token",
  explain: () => ({
    proof: "HMAC-SHA256 of the body by the bot's token, in the header X-Viber-Content-Signature",
    covers: "every byte of the body",
    replay: "the same again is a duplicate, at any time",
    handshakes: [],
    messages: ["what people write to the bot, by message_token"],
    events: ["statuses, subscriptions, and everything else"],
  }),
  setup: () => ({
    title: "Viber",
    page: "https://developers.viber.com/docs/api/rest-bot-api/#setting-a-webhook",
    steps: [
      "The bot's authentication token, in its settings, is this source's secret.",
      "Call set_webhook of the bot API with the address as url and the token in the header X-Viber-Auth-Token. Viber tries the address at once.",
      "event_types chooses which events are sent; messages always are.",
    ],
  }),
  options: Type.Object({
    account: Type.Optional(
      Type.String({
        minLength: 1,
        description: "The bot's name: the recipient, which callbacks don't say (default: the source's).",
      }),
    ),
  }),
  open({ account }, secrets, name) {
    const bot = accountId("viber", account ?? name);
    return {
      scheme: signatureScheme(
        {
          header: "X-Viber-Content-Signature",
          algorithm: "hmac-sha256",
          encoding: "hex",
          signed: "{body}",
        },
        secrets,
      ),
      keptHeaders: ["x-viber-*"],
      normalise: (body, { now }) => normaliseViber(body, bot, now),
      // To the start of a conversation the answer would be a message of the bot's; an empty one is
      // none.
      accepted: plainText(200, ""),
      compose,
    };
  },
});

const EVENTS = new Map<string, EventKind>([
  ["delivered", "status"],
  ["seen", "status"],
  ["failed", "status"],
  ["subscribed", "system"],
  ["unsubscribed", "system"],
  ["conversation_started", "system"],
  ["webhook", "system"],
]);

function normaliseViber(body: Uint8Array, bot: string | undefined, now: number): ParsedBody | undefined {
  const document = parseJsonTree(body);
  const name = document?.get("event")?.text;
  if (document === undefined || name === undefined) return undefined;
  const token = document.get("message_token")?.text;
  const ts = instantOf(document.get("timestamp")?.text, "milliseconds");
  // One token is in all that happens to a message.
  const key = statusKey(token, name);
  if (name !== "message") {
    const kind = EVENTS.get(name) ?? "other";
    const messageId = kind === "status" ? token : undefined;
    return intakeOf([eventOf(kind, document, { type: name, key, messageId, ts })]);
  }
  const message = document.get("message");
  const type = message?.get("type")?.text ?? "unknown";
  return intakeOf([
    messageOf(document, {
      id: token,
      from: channelId("viber", document.at("sender", "id")?.text),
      to: bot,
      ts: ts ?? wholeSeconds(now),
      // An address that somebody writes stands where that of a file does.
      text: textOf(message?.get("text"), type === "url" ? message?.get("media") : undefined),
      type,
      key,
    }),
  ]);
}

function compose({ message_id, from, ts, text }: Message): Composed {
  const body = {
    event: "message",
    timestamp: Date.parse(ts),
    message_token: message_id,
    sender: { id: from.replace(/^viber:/, ""), name: "Trial" },
    message: { type: "text", text: text ?? "" },
  };
  return { type: JSON_TYPE, body: JSON.stringify(body) };
}
