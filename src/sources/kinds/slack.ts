/**
 * Slack: the Events API, slash commands and interactivity, all signed alike. Messages that people
 * wrote are messages, by whatever app they posted them; what the app itself and other bots write,
 * edits, deletions, pressed buttons and everything else are events. Source of the scheme and the
 * shapes: docs.slack.dev, "Verifying requests from Slack", the references of `message`,
 * `app_mention` and the other events, "Implementing slash commands" and "Interaction payloads".
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
import {
  boundedForm,
  type Composed,
  defineKind,
  FORM_TYPE,
  HANDSHAKE_BYTES_MAX,
  handshakeOf,
  JSON_TYPE,
  NOT_BLANK,
  plainText,
} from "../kind.ts";
import { signatureScheme } from "../schemes/signature.ts";

export const slack = defineKind({
  summary: "Slack's events, slash commands and buttons; the secret is the app's signing secret",
  explain: () => ({
    proof: "HMAC-SHA256 of v0:{timestamp}:{body} by the signing secret, in the header X-Slack-Signature",
    covers: "every byte of the body, and the time",
    replay: "refused when its time is more than 300 s from now",
    handshakes: ["POST url_verification, signed: its challenge"],
    messages: ["what people write, by team, channel and ts"],
    events: ["edits, deletions, reactions, bots' messages, slash commands, buttons, and everything else"],
  }),
  setup: () => ({
    title: "Slack",
    page: "https://docs.slack.dev/apis/events-api/",
    steps: [
      "In the app's settings, Basic Information: the signing secret is this source's secret.",
      "Under Event Subscriptions switch events on and enter the address as request URL: Slack's challenge is answered.",
      "Subscribe to events such as message.channels, and install the app again if Slack asks for it.",
      "For buttons and slash commands enter the same address under Interactivity & Shortcuts and for each command.",
    ],
  }),
  options: Type.Object({
    bots: Type.Optional(
      Type.Array(Type.String({ pattern: NOT_BLANK }), {
        description:
          "Users (`U…`), bots (`B…`) and apps (`A…`) whose messages are echoes: Slack doesn't tell an app's own words from a person's that it posts.",
      }),
    ),
  }),
  open({ bots = [] }, secrets) {
    const named = new Set<string | undefined>(bots);
    return {
      scheme: signatureScheme(
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
      keptHeaders: ["x-slack-*"],
      normalise: (body, { now, contentType }) =>
        contentType.toLowerCase().startsWith(FORM_TYPE)
          ? interaction(body)
          : normaliseSlack(body, named, now),
      handshake({ method, body }) {
        if (method !== "POST" || body.length > HANDSHAKE_BYTES_MAX) return undefined;
        const document = parseJsonTree(body);
        if (document?.get("type")?.text !== "url_verification") return undefined;
        return handshakeOf(plainText(200, document.get("challenge")?.text ?? ""), true);
      },
      handshakeRequests: (url, challenge) => [
        {
          ...{ method: "POST", url, headers: new Headers({ "content-type": JSON_TYPE }) },
          body: Buffer.from(JSON.stringify({ token: "", challenge, type: "url_verification" })),
        },
      ],
      // To a slash command anything else would be an answer that the channel shows.
      accepted: plainText(200, ""),
      compose,
    };
  },
});

/** Subtypes under which a message is still somebody's message. */
const MESSAGE_SUBTYPES = new Set([undefined, "file_share", "thread_broadcast", "me_message"]);
const SUBTYPE_EVENTS = new Map<string | undefined, EventKind>([
  ["message_changed", "edit"],
  ["message_deleted", "delete"],
  ["bot_message", "echo"],
  ["slackbot_response", "echo"],
  ["message_replied", "other"],
]);
const SLACKBOT = "USLACKBOT";

type Bots = ReadonlySet<string | undefined>;

function normaliseSlack(body: Uint8Array, bots: Bots, now: number): ParsedBody | undefined {
  const document = parseJsonTree(body);
  const event = document?.get("event");
  const told = document?.get("type")?.text;
  if (document === undefined || (event === undefined && told === undefined)) return undefined;
  if (event === undefined)
    return intakeOf([
      eventOf("other", document, { type: told, ts: instantOf(document.get("minute_rate_limited")?.text) }),
    ]);
  const key = document.get("event_id")?.text;
  const team = (document.get("team_id") ?? event.get("team"))?.text;
  const type = event.get("type")?.text ?? "";
  if (type === "message" || type === "app_mention")
    return intakeOf([messageItem(event, document, { key, team, bots, now })]);
  const ts = instantOf((event.get("event_ts") ?? document.get("event_time"))?.text);
  const reaction = type === "reaction_added" || type === "reaction_removed";
  const messageId = reaction ? idOf(team, event.at("item", "channel"), event.at("item", "ts")) : undefined;
  return intakeOf([eventOf(reaction ? "reaction" : "other", document, { type, key, messageId, ts })]);
}

interface Envelope {
  readonly key: string | undefined;
  readonly team: string | undefined;
  readonly bots: Bots;
  readonly now: number;
}

function messageItem(event: JsonTree, document: JsonTree, { key, team, bots, now }: Envelope): Item {
  const subtype = event.get("subtype")?.text;
  const channel = event.get("channel");
  const ts = instantOf(event.get("ts")?.text) ?? wholeSeconds(now);
  const kind = kindOf(event, document, bots);
  if (kind !== undefined) {
    const subject = event.get("deleted_ts") ?? event.at("message", "ts") ?? event.get("ts");
    const type = [event.get("type")?.text, subtype].filter((part) => part !== undefined).join(".");
    return eventOf(kind, document, { type, key, messageId: idOf(team, channel, subject), ts });
  }
  return messageOf(event, {
    // As of the `message` event: with both subscriptions what mentions the app comes twice.
    id: idOf(team, channel, event.get("ts")),
    from: channelId("slack", event.get("user")?.text),
    to: channelId("slack", channel?.text),
    ts,
    text: textOf(event.get("text")),
    type: subtype ?? (event.get("type")?.text === "app_mention" ? "app_mention" : "text"),
    key,
  });
}

/** What a message event tells; undefined when it is a message. */
function kindOf(event: JsonTree, document: JsonTree, bots: Bots): EventKind | undefined {
  const subtype = event.get("subtype")?.text;
  // What stays of a deleted message that has replies.
  if (subtype === "message_changed" && event.at("message", "subtype")?.text === "tombstone") return "delete";
  const known = SUBTYPE_EVENTS.get(subtype);
  if (known !== undefined) return known;
  if (isBots(event, document, bots)) return "echo";
  if (!MESSAGE_SUBTYPES.has(subtype)) return "system";
  // A mention that an edit brought is a change of its message.
  return event.get("type")?.text === "app_mention" && event.get("edited") !== undefined ? "edit" : undefined;
}

/**
 * Whether the app itself, Slack or a bot without a user wrote it. Slack gives whatever is posted by
 * its API a `bot_id`, a person's words too; with a user who isn't known for a bot it is a message.
 */
function isBots(event: JsonTree, document: JsonTree, bots: Bots): boolean {
  const [user, bot] = [event.get("user")?.text, event.get("bot_id")?.text];
  const app = (event.get("app_id") ?? event.at("bot_profile", "app_id"))?.text;
  if (user === SLACKBOT || [user, bot, app].some((id) => id !== undefined && bots.has(id))) return true;
  if (bot === undefined) return false;
  const isOwnApp = app !== undefined && app === document.get("api_app_id")?.text;
  const isOwnUser = (document.get("authorizations")?.items ?? []).some(
    (each) => each.get("is_bot")?.isTrue === true && each.get("user_id")?.text === user,
  );
  return user === undefined || isOwnApp || isOwnUser;
}

/**
 * A slash command, or a pressed button and its like in the parameter `payload`: signed as events
 * are, sent as forms.
 */
function interaction(body: Uint8Array): ParsedBody | undefined {
  const form = boundedForm(body);
  const span = { start: 0, end: body.length };
  const payload = form.get("payload");
  const document = payload === undefined ? undefined : parseJsonTree(Buffer.from(payload));
  if (document === undefined)
    return form.get("command") === undefined
      ? undefined
      : intakeOf([eventOf("callback", span, { type: "slash_command", key: form.get("trigger_id") })]);
  const team = document.at("team", "id")?.text;
  const channel = document.at("channel", "id") ?? document.at("container", "channel_id");
  const subject =
    document.at("container", "message_ts") ?? document.at("message", "ts") ?? document.get("message_ts");
  const ts = (document.get("actions")?.items[0]?.get("action_ts") ?? document.get("action_ts"))?.text;
  return intakeOf([
    eventOf("callback", span, {
      type: document.get("type")?.text,
      key: document.get("trigger_id")?.text,
      messageId: idOf(team, channel, subject),
      ts: instantOf(ts),
    }),
  ]);
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
