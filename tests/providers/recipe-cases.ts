/**
 * Requests of the providers in docs/providers/recipes.md: what they or their libraries publish,
 * where they publish a signed sample, else signed here by the page's rule. What `forged` says is
 * put in place of the same in the request, which must then be refused.
 */
import { createHash, createHmac } from "node:crypto";
import { hmac, SECONDS } from "./drafts.ts";
import {
  base64,
  basic,
  bearer,
  FORM,
  hex,
  inBody,
  inQuery,
  JSON_,
  type RecipeCase,
  type RecipeSent,
  SECRET,
  signed,
  token,
} from "./recipe-drafts.ts";

const MS = SECONDS * 1000;
/** Of those that write their keys in base64 or in hexadecimal. */
const KEY = Buffer.from("lighthouse key, 24 byte");

const sha256Of = (text: string) => createHash("sha256").update(text).digest();

/** What is published with its signature. */
const PUBLISHED: readonly RecipeCase[] = [
  signed(
    "WAHA",
    '{"event":"message","session":"default","engine":"WEBJS"}',
    () => ({
      "X-Webhook-Hmac":
        "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89",
    }),
    { secret: "my-secret-key", type: "message" },
  ),
  signed(
    "CircleCI",
    "lalala",
    () => ({
      "circleci-signature":
        "v1=daa220016c8f29a8b214fbfc3671aeec2145cfb1e6790184ffb38b6d0425fa00,v2=...,v3=...",
    }),
    { secret: "another-secret" },
  ),
  signed(
    "CircleCI",
    "an-important-request-payload",
    () => ({
      "circleci-signature": "v1=9be2242094a9a8c00c64306f382a7f9d691de910b4a266f67bd314ef18ac49fa",
    }),
    { secret: "hunter123" },
  ),
  // Of the tests of their libraries: github.com/sanity-io/webhook-toolkit, box/box-node-sdk,
  // coinbase/coinbase-commerce-node, PaddleHQ/paddle-node-sdk, razorpay/razorpay-node,
  // gtalarico/pyairtable and PagerDuty/go-pagerduty.
  signed(
    "Sanity",
    '{"title":"GROQ-Hooks are neat"}',
    () => ({
      "sanity-webhook-signature": "t=1633518820676,v1=e7C9h2sfbFfc4V7TEz7PSOp4IoNzl0UdVsBV-1wgdeA",
      "idempotency-key": "s1",
    }),
    { secret: "try-me", now: "2021-10-06T11:13:41Z", key: "s1" },
  ),
  signed(
    "Box",
    '{"type":"webhook_event","webhook":{"id":"1234567890"},"trigger":"FILE.UPLOADED","source":{"id":"1234567890","type":"file","name":"Test.txt"}}',
    () => ({
      "box-delivery-id": "f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f",
      "box-delivery-timestamp": "2020-01-01T00:00:00-07:00",
      "box-signature-primary": "6TfeAW3A1PASkgboxxA5yqHNKOwFyMWuEXny/FPD5hI=",
    }),
    {
      secret: "SamplePrimaryKey",
      now: "2020-01-01T07:05:00Z",
      key: "f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f",
      type: "FILE.UPLOADED",
    },
  ),
  signed(
    "Coinbase Commerce",
    '{"id":1,"scheduled_for":"2017-01-31T20:50:02Z","attempt_number":1,"event":{"id":"24934862-d980-46cb-9402-43c81b0cdba6","type":"charge:created","api_version":"2018-03-22","created_at":"2017-01-31T20:49:02Z","data":{"code":"66BEOV2A","name":"The Sovereign Individual","description":"Mastering the Transition to the Information Age","hosted_url":"https://commerce.coinbase.com/charges/66BEOV2A","created_at":"2017-01-31T20:49:02Z","expires_at":"2017-01-31T21:04:02Z","timeline":[{"time":"2017-01-31T20:49:02Z","status":"NEW"}],"metadata":{},"pricing_type":"no_price","payments":[],"addresses":{"bitcoin":"0000000000000000000000000000000000","ethereum":"0x0000000000000000000000000000000000000000","litecoin":"3000000000000000000000000000000000","bitcoincash":"bitcoincash:000000000000000000000000000000000000000000"}}}}',
    () => ({
      "X-CC-Webhook-Signature": "8be7742c7d372f08a6a3224edadf18a22b65fa9e28f3f2de97376cdaa092590d",
    }),
    {
      secret: "30291a20-0bd1-4267-9b0f-e6e7b123c0bf",
      key: "24934862-d980-46cb-9402-43c81b0cdba6",
      type: "charge:created",
    },
  ),
  signed(
    "Paddle",
    '{"data": ["1", "2"]}',
    () => ({
      "Paddle-Signature": "ts=1698796800;h1=a300428748dce5c70e4da19bffd60769591ea969c99dea3105d0ec9612cf43f9",
    }),
    { secret: "VALID_SECRET", now: "2023-11-01T00:00:01Z" },
  ),
  signed(
    "Razorpay",
    '{"a":1,"b":2,"c":{"d":3}}',
    () => ({
      "X-Razorpay-Signature": "2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc",
      "x-razorpay-event-id": "r1",
    }),
    { secret: "123456", key: "r1" },
  ),
  signed(
    "Airtable",
    '{"base": {"id": "app00000000000000"}, "webhook": {"id": "ach00000000000000"}, "timestamp": "2022-02-01T21:25:05.663Z"}',
    () => ({
      "X-Airtable-Content-MAC":
        "hmac-sha256=e26da696a90933647bddc83995c3e1e3bb1c3d8ce1ff61cb7469767d50b2b2d4",
    }),
    { secret: "c2VjcmV0LWtleQ==" },
  ),
  signed(
    "PagerDuty",
    '{"event":{"id":"01BWDWL3NYY7LUFPZCC28QUCMK","event_type":"incident.priority_updated","resource_type":"incident","occurred_at":"2021-04-26T17:36:27.458Z","agent":{"html_url":"https://acme.pagerduty.com/users/PLH1HKV","id":"PLH1HKV","self":"https://api.pagerduty.com/users/PLH1HKV","summary":"Tenex Engineer","type":"user_reference"},"client":null,"data":{"id":"PGR0VU2","type":"incident","self":"https://api.pagerduty.com/incidents/PGR0VU2","html_url":"https://acme.pagerduty.com/incidents/PGR0VU2","number":2,"status":"triggered","title":"A little bump in the road","service":{"html_url":"https://acme.pagerduty.com/services/PF9KMXH","id":"PF9KMXH","self":"https://api.pagerduty.com/services/PF9KMXH","summary":"API Service","type":"service_reference"},"assignees":[{"html_url":"https://acme.pagerduty.com/users/PTUXL6G","id":"PTUXL6G","self":"https://api.pagerduty.com/users/PTUXL6G","summary":"User 123","type":"user_reference"}],"escalation_policy":{"html_url":"https://acme.pagerduty.com/escalation_policies/PUS0KTE","id":"PUS0KTE","self":"https://api.pagerduty.com/escalation_policies/PUS0KTE","summary":"Default","type":"escalation_policy_reference"},"teams":[{"html_url":"https://acme.pagerduty.com/teams/PFCVPS0","id":"PFCVPS0","self":"https://api.pagerduty.com/teams/PFCVPS0","summary":"Engineering","type":"team_reference"}],"priority":{"html_url":"https://acme.pagerduty.com/account/incident_priorities","id":"PSO75BM","self":"https://api.pagerduty.com/priorities/PSO75BM","summary":"P1","type":"priority_reference"},"urgency":"high","conference_bridge":{"conference_number":1000,"conference_url":"https://example.com"},"resolve_reason":null}}}',
    () => ({
      "X-PagerDuty-Signature":
        "v1=0000000000000000000000000000000000000000000000000000000000000000,v1=0c0b9495b893a39e70d1fea2fe11fbe0a825f88b9f67846f6cc07dd2bc5476cd",
    }),
    {
      secret: "lDQHScfUeXUKaQRNF+8XIiDKZ7XX3itBAYzwU0TARw8lJqRnkKl2iB1anSb0Z+IK",
      key: "01BWDWL3NYY7LUFPZCC28QUCMK",
      type: "incident.priority_updated",
    },
  ),
];

/** Signed by the rule of each one's page. */
const BY_RULE: readonly RecipeCase[] = [
  basic(
    "Bandwidth",
    '[{"time":"2026-03-01T11:59:58.278Z","type":"message-received","to":"+15552223333","description":"Incoming message received","message":{"id":"b1","owner":"+15552223333","time":"2026-03-01T11:59:57Z","segmentCount":1,"direction":"in","to":["+15552223333"],"from":"+15553332222","text":"Hey"}}]',
    { key: "b1", message: true, type: "text" },
  ),
  signed(
    "Bird",
    '{"service":"channels","event":"sms.inbound","payload":{"id":"1"}}',
    (body) => {
      const text = `${SECONDS}\nhttps://hooks.example.com/webhook/bird\n`;
      const bytes = Buffer.concat([Buffer.from(text), sha256Of(body)]);
      return {
        "messagebird-signature": createHmac("sha256", SECRET).update(bytes).digest("base64"),
        "messagebird-request-timestamp": String(SECONDS),
      };
    },
    { type: "sms.inbound" },
  ),
  token(
    "Evolution API",
    '{"event":"messages.upsert","instance":"shop","data":{"key":{"remoteJid":"919876543210@s.whatsapp.net","fromMe":false,"id":"e1"},"messageType":"conversation","messageTimestamp":1772366390,"message":{"conversation":"Hi"}},"apikey":null}',
    bearer,
    { key: "e1", message: true, type: "conversation" },
  ),
  ...[bearer, (word: string) => ({ headers: { Authorization: word } })].map((sent, index) =>
    token(
      "Green API",
      `{"typeWebhook":"incomingMessageReceived","timestamp":1772366390,"idMessage":"g${index}","instanceData":{"wid":"79876543210@c.us"},"senderData":{"chatId":"79001234568@c.us","sender":"79001234568@c.us"},"messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":"Hi"}}}`,
      sent,
      { key: `g${index}`, message: true, type: "textMessage" },
    ),
  ),
  token(
    "Mattermost outgoing webhooks",
    "",
    inBody({
      post_id: "m1",
      user_id: "u1",
      channel_id: "c1",
      timestamp: MS,
      text: "#build now",
      trigger_word: "#build",
    }),
    { key: "m1", message: true, type: "text" },
  ),
  signed(
    "Microsoft Teams outgoing webhooks",
    '{"type":"message","id":"t1","timestamp":"2026-03-01T11:59:58.000Z","from":{"id":"29:1"},"conversation":{"id":"19:2"},"text":"<at>Hook</at> hi"}',
    (body) => ({ Authorization: `HMAC ${hmac(KEY, body).digest("base64")}` }),
    { secret: KEY.toString("base64"), key: "t1", message: true, type: "text" },
  ),
  {
    recipe: "Plivo",
    secret: SECRET,
    sent: {
      body: "MessageUUID=p1&From=14155550100&To=14155550101&Text=Hi&Type=sms",
      headers: {
        ...FORM,
        "X-Plivo-Signature-V2-Nonce": "12345",
        "X-Plivo-Signature-V2": hmac(SECRET, "https://hooks.example.com/webhook/plivo12345").digest("base64"),
      },
    },
    forged: { headers: { ...FORM, "X-Plivo-Signature-V2-Nonce": "12346", "X-Plivo-Signature-V2": "eA==" } },
    key: "p1",
    message: true,
    type: "text",
  },
  token(
    "Rocket.Chat outgoing webhooks",
    "",
    inBody({
      bot: false,
      channel_id: "c1",
      message_id: "rc1",
      timestamp: "2026-03-01T11:59:58.000Z",
      user_id: "u1",
      text: "hi",
    }),
    { key: "rc1", message: true, type: "text" },
  ),
  signed(
    "WAHA",
    '{"event":"message","session":"default","payload":{"id":"w1","timestamp":1772366390,"from":"11111111111@c.us","fromMe":false,"to":"22222222222@c.us","body":"Hi there!"}}',
    hex("X-Webhook-Hmac", "", "sha512"),
    { key: "w1", message: true, type: "text" },
  ),
  signed(
    "X",
    '{"for_user_id":"1","direct_message_events":[]}',
    base64("x-twitter-webhooks-signature", "sha256="),
  ),
  {
    recipe: "Mailgun Routes",
    secret: SECRET,
    sent: { headers: FORM, body: mailgunForm("0123456789abcdef") },
    forged: { body: mailgunForm("0123456789abcdef").replace("token=0", "token=1") },
    key: "<1@example.com>",
    message: true,
    type: "text",
  },
  {
    recipe: "Mailgun Routes",
    secret: SECRET,
    sent: multipart(mailgunForm("fedcba9876543210", "<2@example.com>")),
    forged: { body: multipart(mailgunForm("fedcba9876543210")).body.replace("fedcb", "fedcc") },
    key: "<2@example.com>",
    message: true,
    type: "text",
  },
  basic("Postmark", '{"RecordType":"Delivery","MessageID":"883953f4"}', { type: "Delivery" }),
  basic(
    "Postmark",
    '{"MessageID":"73e6d360","FromFull":{"Email":"a@example.com","Name":"A","MailboxHash":""},"OriginalRecipient":"in@example.com","Subject":"Hi","Date":"Sun, 1 Mar 2026 11:59:00 +0000","TextBody":"Hello","StrippedTextReply":""}',
    { example: 1, key: "73e6d360", message: true, type: "text" },
  ),
  basic("Chargebee", '{"id":"ev_1","occurred_at":1772366390,"event_type":"subscription_created"}', {
    key: "ev_1",
    type: "subscription_created",
  }),
  signed(
    "Lemon Squeezy",
    '{"meta":{"event_name":"order_created"},"data":{"id":"1"}}',
    (body) => ({ ...hex("X-Signature")(body), "X-Event-Name": "order_created" }),
    { type: "order_created" },
  ),
  mercadoPago("ORD01JQ4S4KY8HWQ6NA5PXB65B3D3"),
  signed(
    "Paddle",
    '{"event_id":"evt_1","event_type":"transaction.completed","occurred_at":"2026-03-01T11:59:58Z"}',
    (body) => ({
      "Paddle-Signature": `ts=${SECONDS};h1=${hmac(SECRET, `${SECONDS}:${body}`).digest("hex")}`,
    }),
    { key: "evt_1", type: "transaction.completed" },
  ),
  signed(
    "Paystack",
    '{"event":"charge.success","data":{"id":302961}}',
    hex("x-paystack-signature", "", "sha512"),
    { type: "charge.success" },
  ),
  token(
    "Auth0 log streams, and whoever sends a header of your choice",
    '[{"log_id":"9002","data":{"date":"2026-03-01T11:59:58.000Z","type":"s"}}]',
    (word) => ({ headers: { Authorization: word } }),
    { key: "9002", type: "s" },
  ),
  token(
    "Docker Hub, and whoever signs nothing",
    '{"push_data":{"pushed_at":1417566161,"tag":"latest"},"repository":{"repo_name":"a/b"}}',
    inQuery,
  ),
  signed(
    "ElevenLabs",
    '{"type":"post_call_transcription","event_timestamp":1772366390}',
    (body) => ({
      "ElevenLabs-Signature": `t=${SECONDS},v0=${hmac(SECRET, `${SECONDS}.${body}`).digest("hex")}`,
    }),
    { type: "post_call_transcription" },
  ),
  signed(
    "Gitea and Forgejo",
    '{"ref":"refs/heads/main"}',
    (body) => ({
      ...hex("X-Gitea-Signature")(body),
      "X-Gitea-Delivery": "f6266f16-1bf3-46a5-9ea4-602e06ead473",
      "X-Gitea-Event": "push",
    }),
    { key: "f6266f16-1bf3-46a5-9ea4-602e06ead473", type: "push" },
  ),
  signed(
    "Jira Cloud",
    '{"timestamp":1772366390000,"webhookEvent":"jira:issue_created"}',
    (body) => ({ ...hex("X-Hub-Signature", "sha256=")(body), "X-Atlassian-Webhook-Identifier": "j1" }),
    { key: "j1", type: "jira:issue_created" },
  ),
  token(
    "Netlify",
    '{"id":"5ebc34bf4fea0b01f02efa3a","state":"ready"}',
    (word) => ({ ...inQuery(word), headers: { "X-Netlify-Event": "deploy_created" } }),
    { type: "deploy_created" },
  ),
  token(
    "Okta event hooks",
    '{"eventType":"com.okta.event_hook","eventId":"b5a188b9","eventTime":"2026-03-01T11:59:58.000Z","data":{"events":[{"uuid":"1","eventType":"user.lifecycle.create"}]}}',
    (word) => ({ headers: { Authorization: word } }),
    { key: "b5a188b9", type: "user.lifecycle.create" },
  ),
  signed(
    "Sentry",
    '{"action":"created","data":{"issue":{"id":"1"}}}',
    (body) => ({
      ...hex("Sentry-Hook-Signature")(body),
      "Request-ID": "s1",
      "Sentry-Hook-Resource": "issue",
      "Sentry-Hook-Timestamp": String(SECONDS),
    }),
    { key: "s1", type: "issue" },
  ),
  signed(
    "Vercel",
    '{"id":"v1","type":"deployment.created","createdAt":1772366390000}',
    hex("x-vercel-signature", "", "sha1"),
    { key: "v1", type: "deployment.created" },
  ),
  signed(
    "Asana",
    '{"events":[{"action":"changed","resource":{"gid":"1"},"created_at":"2026-03-01T11:59:58.000Z"}]}',
    hex("X-Hook-Signature"),
    { type: "changed" },
  ),
  signed(
    "Cal.com",
    '{"triggerEvent":"BOOKING_CREATED","createdAt":"2026-03-01T11:59:58.000Z","payload":{}}',
    hex("X-Cal-Signature-256"),
    { type: "BOOKING_CREATED" },
  ),
  signed(
    "Calendly",
    '{"event":"invitee.created","created_at":"2026-03-01T11:59:58.000000Z"}',
    (body) => ({
      "Calendly-Webhook-Signature": `t=${SECONDS},v1=${hmac(SECRET, `${SECONDS}.${body}`).digest("hex")}`,
    }),
    { type: "invitee.created" },
  ),
  signed(
    "Dixa",
    '{"event_id":"1"}',
    (body) => ({ "X-DIXA-SIGNATURE": `t=${MS},v1=${hmac(KEY, `${MS}.${body}`).digest("hex")}` }),
    { secret: KEY.toString("hex") },
  ),
  signed(
    "DocuSign Connect",
    '{"event":"envelope-completed"}',
    (body) => ({ ...base64("X-DocuSign-Signature-1")(body), "X-Authorization-Digest": "HMACSHA256" }),
    { type: "envelope-completed" },
  ),
  signed(
    "Frame.io",
    '{"type":"file.created","resource":{"id":"1","type":"file"}}',
    (body) => ({
      "X-Frameio-Signature": `v0=${hmac(SECRET, `v0:${SECONDS}:${body}`).digest("hex")}`,
      "X-Frameio-Request-Timestamp": String(SECONDS),
    }),
    { type: "file.created" },
  ),
  token(
    "monday",
    '{"event":{"type":"update_column_value","triggerTime":"2026-03-01T11:59:58.000Z","triggerUuid":"mo1"}}',
    inQuery,
    { key: "mo1", type: "update_column_value" },
  ),
  token("Notion", '{"verification_token":"secret_a"}', inQuery),
  signed(
    "Notion",
    '{"id":"n1","timestamp":"2026-03-01T11:59:58.000Z","attempt_number":1,"type":"page.content_updated"}',
    hex("X-Notion-Signature", "sha256="),
    { example: 1, key: "n1", type: "page.content_updated" },
  ),
  basic(
    "Pipedrive",
    '{"meta":{"action":"change","entity":"deal","id":"pi1","timestamp":"2026-03-01T11:59:58.000Z","attempt":1}}',
    { key: "pi1", type: "change" },
  ),
  token("Shippo, and a secret in the address", '{"event":"track_updated"}', inQuery, {
    type: "track_updated",
  }),
  token(
    "Strava",
    '{"aspect_type":"update","event_time":1772366390,"object_id":1,"object_type":"activity","subscription_id":1}',
    inQuery,
    { type: "update" },
  ),
  signed(
    "Trello",
    '{"action":{"id":"tr1","type":"updateCard","date":"2026-03-01T11:59:58.000Z"}}',
    (body) => ({
      "X-Trello-Webhook": hmac(SECRET, `${body}https://hooks.example.com/webhook/boards`, "sha1").digest(
        "base64",
      ),
    }),
    { key: "tr1", type: "updateCard" },
  ),
  signed(
    "Typeform",
    '{"event_id":"ty1","event_type":"form_response","form_response":{"submitted_at":"2026-03-01T11:59:58Z"}}',
    base64("Typeform-Signature", "sha256="),
    { key: "ty1", type: "form_response" },
  ),
  signed(
    "Webflow",
    '{"triggerType":"form_submission","payload":{}}',
    (body) => ({
      "x-webflow-signature": hmac(SECRET, `${MS}:${body}`).digest("hex"),
      "x-webflow-timestamp": String(MS),
    }),
    { type: "form_submission" },
  ),
];

function mailgunForm(word: string, id = "<1@example.com>"): string {
  return new URLSearchParams({
    ...{ token: word, timestamp: String(SECONDS) },
    signature: hmac(SECRET, `${SECONDS}${word}`).digest("hex"),
    ...{ sender: "a@example.com", recipient: "in@example.com", "Message-Id": id },
    "stripped-text": "Hello",
  }).toString();
}

/** The same fields beside a file that is named as one of them. */
function multipart(form: string): RecipeSent {
  const parts = [...new URLSearchParams(form)].map(([name, value]) => `; name="${name}"\r\n\r\n${value}`);
  const file = '; name="recipient"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nnobody@example.com';
  const body = [...parts, file].map((part) => `--a-b\r\nContent-Disposition: form-data${part}\r\n`).join("");
  return { body: `${body}--a-b--\r\n`, headers: { "Content-Type": 'multipart/form-data; boundary="a-b"' } };
}

/** Its libraries sign the identifier as it stands in the query. */
function mercadoPago(id: string): RecipeCase {
  const signature = hmac(SECRET, `id:${id};request-id:q1;ts:${SECONDS};`).digest("hex");
  return {
    recipe: "Mercado Pago",
    secret: SECRET,
    sent: {
      body: '{"id":"mp1","action":"order.processed","date_created":"2026-03-01T11:59:58Z"}',
      headers: { ...JSON_, "x-request-id": "q1", "x-signature": `ts=${SECONDS},v1=${signature}` },
      query: `data.id=${id}&type=order`,
    },
    forged: { query: `data.id=${id}1&type=order` },
    key: "mp1",
    type: "order.processed",
  };
}

export const RECIPE_CASES: readonly RecipeCase[] = [...PUBLISHED, ...BY_RULE];
