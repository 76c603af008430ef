/** Of providers that count their attempts in the body, what comes again is a duplicate. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { openSource, type SourceConfig } from "../../src/sources/open-source.ts";
import { newService, type TestService } from "../http/service.ts";
import { pinnedClock } from "../pinned-clock.ts";
import { FORM_TYPE, JSON_TYPE, NOW, SECONDS } from "./drafts.ts";

const secret = "a secret of the ferry";
const pair = generateKeyPairSync("ed25519");
const CONVERSATIONS = { EventType: "onConversationAdded", ConversationSid: "CH1", DateCreated: NOW };

/** A source, and what of its body grows with each attempt. */
const RETRIES: Readonly<Record<string, readonly [config: object, attempt: (number: number) => string]>> = {
  stripe: [
    { preset: "stripe" },
    (number) => JSON.stringify({ id: "evt_1", type: "charge.succeeded", pending_webhooks: 3 - number }),
  ],
  intercom: [
    { preset: "intercom" },
    (number) => JSON.stringify({ id: "notif_1", topic: "ping", delivery_attempts: number }),
  ],
  line: [
    { preset: "line" },
    (number) => {
      const deliveryContext = { isRedelivery: number > 1 };
      return JSON.stringify({ events: [{ type: "follow", webhookEventId: "01W", deliveryContext }] });
    },
  ],
  telnyx: [
    {
      preset: "telnyx",
      secret: Buffer.from(pair.publicKey.export({ format: "der", type: "spki" })).toString("base64"),
    },
    (number) => JSON.stringify({ data: { id: "e1", event_type: "message.sent" }, meta: { attempt: number } }),
  ],
  twilio: [
    { kind: "twilio", public_url: "https://hooks.example.com/webhook/twilio" },
    (number) => new URLSearchParams({ ...CONVERSATIONS, RetryCount: String(number) }).toString(),
  ],
};

const clock = pinnedClock();
const configs = Object.fromEntries(
  Object.entries(RETRIES).map(([name, [config]]) => [name, { kind: "generic", secret, ...config }]),
);
let service: TestService;
beforeAll(async () => {
  service = await newService({ WEBHOOK_SECRET: "" }, { sources: configs, clock });
});
afterAll(() => service.stop());

function signed(name: string, body: string): Readonly<Record<string, string>> {
  const url = "https://hooks.example.com/webhook/twilio";
  if (name === "telnyx") {
    const signature = sign(null, Buffer.from(`${SECONDS}|${body}`), pair.privateKey).toString("base64");
    return { "telnyx-signature-ed25519": signature, "telnyx-timestamp": String(SECONDS) };
  }
  const contentType = name === "twilio" ? "application/x-www-form-urlencoded" : "application/json";
  const source = openSource(name, configs[name] as SourceConfig);
  return { ...source.sign({ body: Buffer.from(body), url, contentType }, SECONDS * 1000)?.headers };
}

test.each(Object.keys(RETRIES))("%s: a further attempt is no further event", async (name) => {
  const results = [];
  for (const number of [1, 2]) {
    const body = RETRIES[name]?.[1](number) ?? "";
    const headers = { ...(name === "twilio" ? FORM_TYPE : JSON_TYPE), ...signed(name, body) };
    const answer = await clock.at(NOW, () =>
      service.sendRaw(`/webhook/${name}`, { method: "POST", headers, body }),
    );
    results.push([answer.status, answer.headers["postern-result"]]);
  }
  expect(results).toEqual([
    [200, "ok"],
    [200, "duplicate"],
  ]);
  const kept = (await (await service.get(`/events?source=${name}`)).json()) as { total: number };
  expect(kept.total).toBe(1);
});
