/**
 * The sources that are attacked, one of each kind and scheme; their secrets are known to who sends
 * signed requests.
 */
import type { SourceConfig } from "../../src/core/source.ts";
import { KINDS } from "../../src/sources/kinds.ts";
import type { Scheme } from "../../src/sources/schemes/proof.ts";

export const NATIVE_SECRET = "secret of the native source";
const secret = "secret of a source that is attacked";
const public_url = "https://hooks.example.org/webhook/any";

export const SOURCES: Readonly<Record<string, SourceConfig>> = {
  meta: { kind: "meta", secret },
  twilio: { kind: "twilio", secret, public_url },
  telegram: { kind: "telegram", secret },
  slack: { kind: "slack", secret },
  vonage: { kind: "vonage", secret },
  sms: { kind: "vonage", secret, scheme: "vonage-sms-params" },
  viber: { kind: "viber", secret },
  mapped: {
    kind: "generic",
    secret,
    scheme: { header: "X-Signature", algorithm: "hmac-sha512", encoding: "hex", signed: "{body}" },
    map: { each: "items", message_id: "id", from: "from", to: "to", ts: "ts", text: "text" },
  },
  standard: { kind: "generic", secret: `whsec_${btoa(secret)}`, preset: "standard-webhooks" },
  bird: { kind: "generic", secret, preset: "messagebird", public_url },
  token: { kind: "generic", secret, scheme: { header: "X-Token", algorithm: "token" } },
};

export function schemeOf(name: string): Scheme {
  const { kind, secret: given, public_url: _, ...options } = SOURCES[name] as SourceConfig;
  return (KINDS[kind] as (typeof KINDS)[string]).open(options, [given].flat(), name).scheme;
}

/** What the source signs, as the service makes it of a request to this source. */
export function urlOf(name: string): string {
  return SOURCES[name]?.public_url ?? `/webhook/${name}`;
}
