/**
 * Slack's Events API: signed POSTs, of which the first is a handshake. Messages that people wrote
 * are messages; what bots write, edits, deletions and everything else are events. Source of the
 * scheme and the shapes: docs.slack.dev, "Verifying requests from Slack" and the event references.
 */
import { Type } from "typebox";
import type { Message } from "../../core/message.ts";
import type { EventKind, ParsedBody } from "../../core/parsed-body.ts";
import { type JsonTree, parseJsonTree } from "../../lib/json-tree.ts";
import {
  channelId,
  eventOf,
  type Item,
  instantOf,
  intakeOf,
  joined,
  messageOf,
  textOf,
  wholeSeconds,
} from "../fields.ts";
import { type Composed, defineKind, JSON_TYPE, plainText } from "../kind.ts";
import { hmacScheme } from "../schemes/hmac.ts";

export const slack = defineKind({
  summary: "Slack's Events API; the secret is the app's signing secret",
  options: Type.Object({}),
  open(_options, secrets) {
    return {
      scheme: hmacScheme(
        {
          header: "X-Slack-Signature",
          algorithm: "hmac-sha256",
          encoding: "hex",
          prefix: "v0=",
          timestamp_header: "X-Slack-Request-Timestamp",
          tolerance_seconds: 300,
          signed: "v0:{timestamp}:{body}",
        },
        secrets,
      ),
      normalise: (body, { now }) => normaliseSlack(body, now),
      challenge(body) {
        const document = parseJsonTree(body);
        if (document?.get("type")?.text !== "url_verification") return undefined;
        return plainText(200, document.get("challenge")?.text ?? "");
      },
      compose,
    };
  },
});

/** Subtypes under which a message is still somebody's message. */
const MESSAGE_SUBTYPES = new Set([undefined, "file_share", "thread_broadcast", "me_message"]);
const SUBTYPE_EVENTS = new Map<string, EventKind>([
  ["message_changed", "edit"],
  ["message_deleted", "delete"],
  ["bot_message", "echo"],
  ["message_replied", "other"],
]);

function normaliseSlack(body: Uint8Array, now: number): ParsedBody | undefined {
  const document = parseJsonTree(body);
  const event = document?.get("event");
  if (document === undefined || event === undefined) return undefined;
  const key = document.get("event_id")?.text;
  const team = (document.get("team_id") ?? event.get("team"))?.text;
  if (event.get("type")?.text === "message")
    return intakeOf([messageItem(event, document, { key, team, now })]);
  const type = event.get("type")?.text ?? "";
  const ts = instantOf((event.get("event_ts") ?? document.get("event_time"))?.text);
  const reaction = type === "reaction_added" || type === "reaction_removed";
  const messageId = reaction ? idOf(team, event.at("item", "channel"), event.at("item", "ts")) : undefined;
  return intakeOf([eventOf(reaction ? "reaction" : "other", document, { key, messageId, ts })]);
}

interface Envelope {
  readonly key: string | undefined;
  readonly team: string | undefined;
  readonly now: number;
}

function messageItem(event: JsonTree, document: JsonTree, { key, team, now }: Envelope): Item {
  const subtype = event.get("subtype")?.text;
  const channel = event.get("channel");
  const ts = instantOf(event.get("ts")?.text) ?? wholeSeconds(now);
  const isBots = event.get("bot_id") !== undefined;
  if (isBots || !MESSAGE_SUBTYPES.has(subtype)) {
    const kind = SUBTYPE_EVENTS.get(subtype ?? "bot_message") ?? (isBots ? "echo" : "system");
    const subject = event.get("deleted_ts") ?? event.at("message", "ts") ?? event.get("ts");
    return eventOf(kind, document, { key, messageId: idOf(team, channel, subject), ts });
  }
  return messageOf(event, {
    id: idOf(team, channel, event.get("ts")),
    from: channelId("slack", event.get("user")?.text),
    to: channelId("slack", channel?.text),
    ts,
    text: textOf(event.get("text")),
    type: subtype ?? "text",
    key,
  });
}

/** A message has no identifier of its own. */
function idOf(team: string | undefined, channel: JsonTree | undefined, ts: JsonTree | undefined) {
  return joined(team, channel?.text, ts?.text);
}

function compose({ message_id, from, to, ts, text }: Message): Composed {
  const time = Math.floor(Date.parse(ts) / 1000);
  // Slack has six digits here; with more of them no two messages of a trial have one time.
  const fraction = String(Bun.hash(message_id)).padStart(20, "0");
  const event = {
    type: "message",
    channel: to.replace(/^(slack:|\+)/, ""),
    user: from.replace(/^(slack:|\+)/, ""),
    text: text ?? "",
    ts: `${time}.${fraction}`,
  };
  const body = {
    team_id: "T1",
    api_app_id: "A1",
    type: "event_callback",
    event_id: `Ev-${message_id}`,
    event,
  };
  return { type: JSON_TYPE, body: JSON.stringify({ ...body, event_time: time }) };
}
