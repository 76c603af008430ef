/**
 * Cases of providers that ask whether an address is the operator's before they send anything, or
 * that want an answer of their own. Everything is made up; the shapes are those of the pages that
 * the presets name.
 */
import { PRESETS } from "../../src/sources/presets.ts";
import type { Expected, ProviderCase } from "./case.ts";
import {
  accepted,
  type Draft,
  drafted,
  FORM_TYPE,
  hmac,
  JSON_TYPE,
  NOW,
  rejected,
  SECONDS,
} from "./drafts.ts";

const SECRET = "secret of the lock keeper";
const URL = "https://in.example.org/webhook/generic";

const other = accepted([], [{ kind: "other" }]);
const greeted = (body: string, content_type = "text/plain"): Expected => ({
  verdict: "challenge",
  status: 200,
  records: [],
  events: [],
  response: { content_type, body },
});

type Headers = Readonly<Record<string, string>>;
interface Row {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly expected: Expected;
  readonly headers?: Headers;
  /** What is signed, when it isn't the body. */
  readonly signed?: string | null;
}

function presetCases(preset: string, sign: (body: string) => Headers, rows: readonly Row[]): Draft[] {
  return rows.map(({ id, title, body, expected, headers = {}, signed = body }) => ({
    id: `own-${preset}${id === "" ? "" : `-${id}`}`,
    title,
    secret: SECRET,
    config: { preset },
    headers: { ...JSON_TYPE, ...headers, ...(signed === null ? {} : sign(signed)) },
    body,
    expected,
  }));
}

function zoomCases(): Draft[] {
  const validation = `{"payload":{"plainToken":"sluice-41"},"event_ts":${SECONDS}000,"event":"endpoint.url_validation"}`;
  const started = `{"event":"meeting.started","event_ts":${SECONDS}000,"payload":{"object":{"id":"711"}}}`;
  const encrypted = hmac(SECRET, "sluice-41").digest("hex");
  const sign = (body: string) => ({
    "x-zm-request-timestamp": String(SECONDS),
    "x-zm-signature": `v0=${hmac(SECRET, `v0:${SECONDS}:${body}`).digest("hex")}`,
  });
  return presetCases("zoom", sign, [
    { id: "", title: "zoom as it signs", body: started, expected: other },
    {
      id: "tampered",
      title: "zoom: a body with a byte more",
      body: started,
      signed: started.slice(0, -1),
      expected: rejected(),
    },
    {
      id: "validation",
      title: "The validation of an address gets the token and its HMAC",
      body: validation,
      expected: greeted(`{"plainToken":"sluice-41","encryptedToken":"${encrypted}"}`, "application/json"),
    },
    {
      id: "validation-unsigned",
      title: "Nobody else gets an HMAC",
      body: validation,
      signed: null,
      expected: rejected(),
    },
  ]);
}

function twitchCases(): Draft[] {
  const sign = (body: string) => ({
    "Twitch-Eventsub-Message-Id": "11a-2",
    "Twitch-Eventsub-Message-Timestamp": NOW,
    "Twitch-Eventsub-Message-Signature": `sha256=${hmac(SECRET, `11a-2${NOW}${body}`).digest("hex")}`,
  });
  const asks = { "Twitch-Eventsub-Message-Type": "webhook_callback_verification" };
  const sends = { "Twitch-Eventsub-Message-Type": "notification" };
  const challenge = '{"challenge":"gate-7_x","subscription":{"id":"s1","type":"channel.follow"}}';
  const followed = '{"subscription":{"id":"s1"},"event":{"user_id":"42"}}';
  return presetCases("twitch", sign, [
    { id: "", title: "twitch as it signs", body: followed, headers: sends, expected: other },
    {
      id: "tampered",
      title: "twitch: a body with a byte more",
      body: followed,
      headers: sends,
      signed: followed.slice(0, -1),
      expected: rejected(),
    },
    {
      id: "verification",
      title: "The verification of a callback gets its challenge as plain text",
      body: challenge,
      headers: asks,
      expected: greeted("gate-7_x"),
    },
    {
      id: "verification-tampered",
      title: "A challenge that Twitch didn't sign gets no echo",
      body: challenge,
      headers: asks,
      signed: `${challenge} `,
      expected: rejected(),
    },
  ]);
}

function wooCommerceCases(): Draft[] {
  const sign = (body: string) => ({
    "X-WC-Webhook-Signature": hmac(SECRET, body).digest("base64"),
    "X-WC-Webhook-Delivery-ID": "d-81",
  });
  const order = '{"id":727,"status":"processing"}';
  return presetCases("woocommerce", sign, [
    { id: "", title: "woocommerce as it signs", body: order, expected: other },
    {
      id: "tampered",
      title: "woocommerce: a body with a byte more",
      body: order,
      signed: order.slice(0, -1),
      expected: rejected(),
    },
    {
      id: "ping",
      title: "The unsigned ping gets an empty answer",
      body: "webhook_id=5",
      headers: FORM_TYPE,
      signed: null,
      expected: { verdict: "challenge", status: 200, records: [], events: [] },
    },
    {
      id: "no-ping",
      title: "Another unsigned form is refused",
      body: "webhook=5",
      headers: FORM_TYPE,
      signed: null,
      expected: rejected(),
    },
  ]);
}

function xeroCases(): Draft[] {
  const sign = (body: string) => ({ "x-xero-signature": hmac(SECRET, body).digest("base64") });
  const event = (id: string) =>
    `{"resourceId":"${id}","eventDateUtc":"2026-03-01T11:59:58.123","eventType":"UPDATE","eventCategory":"INVOICE"}`;
  const batch = `{"events":[${event("r1")},${event("r2")}],"firstEventSequence":1,"lastEventSequence":2,"entropy":"LOCK"}`;
  return presetCases("xero", sign, [
    {
      id: "",
      title: "xero as it signs",
      body: batch,
      expected: { ...accepted([], [{ kind: "other" }, { kind: "other" }]) },
    },
    {
      id: "tampered",
      title: "xero: a body with a byte more",
      body: batch,
      signed: batch.slice(0, -1),
      expected: rejected(),
    },
    {
      id: "intent",
      title: "The intent to receive is one event",
      body: '{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"KEEPER"}',
      expected: other,
    },
  ]);
}

/** Strava's parameters are Meta's, and its answer is not. */
function stravaCases(): Draft[] {
  const handshakes = [
    {
      match: { method: "GET", query: { "hub.mode": "subscribe", "hub.verify_token": "lock-token" } },
      answer: { json: { "hub.challenge": "{query.hub.challenge}" } },
    },
  ];
  const asked = (token: string, expected: Expected): Draft => ({
    id: `own-strava${expected.verdict === "reject" ? "-other" : ""}`,
    title: "A challenge that is answered as JSON",
    secret: SECRET,
    scheme: { algorithm: "token", header: "X-Token" },
    config: { handshakes },
    method: "GET",
    url: `${URL}?hub.mode=subscribe&hub.challenge=15f7&hub.verify_token=${token}`,
    expected,
  });
  return [
    asked("lock-token", greeted('{"hub.challenge":"15f7"}', "application/json")),
    asked("another", rejected()),
  ];
}

/** The same without the preset: who signs as it does is its provider, though nobody says so. */
function byScheme(name: keyof typeof PRESETS, cases: readonly Draft[]): Draft[] {
  const { scheme } = PRESETS[name].options;
  return cases.map((draft) => ({ ...draft, id: `${draft.id}-by-scheme`, scheme, config: {} }));
}

export function handshakeCases(): ProviderCase[] {
  const [zoom, twitch, woocommerce, xero] = [zoomCases(), twitchCases(), wooCommerceCases(), xeroCases()];
  const cases = [
    ...[zoom, twitch, woocommerce, xero, stravaCases()],
    ...[byScheme("zoom", zoom), byScheme("twitch", twitch), byScheme("woocommerce", woocommerce)],
  ].flat();
  return cases.map((draft) => drafted("generic", { url: URL, ...draft }));
}
