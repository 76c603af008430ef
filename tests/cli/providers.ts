/**
 * Configured sources of every kind, as a file for the command line and as objects for a test's own
 * receiver.
 */
import { join } from "node:path";
import { openSource, type SourceConfig } from "../../src/sources/open-source.ts";

const PLAIN = { message_id: "message_id", from: "from", to: "to", ts: "ts", text: "text" };

/** The secrets must not be seen in any output. */
export const PROVIDERS: Readonly<Record<string, SourceConfig>> = {
  whatsapp: { kind: "meta", secret: "hush-meta-app-secret", verify_token: "hush-verify-token" },
  sms: { kind: "twilio", secret: "hush-twilio-token", public_url: "https://example.org/in/webhook/sms" },
  bot: { kind: "telegram", secret: "hush-telegram-token", account: "trial_bot" },
  chat: { kind: "viber", secret: "hush-viber-token", account: "trial" },
  team: { kind: "slack", secret: "hush-slack-signing" },
  vonage: { kind: "vonage", secret: "hush-vonage-signature-secret" },
  "vonage-sms": { kind: "vonage", scheme: "vonage-sms-params", secret: "hush-vonage-sms" },
  code: { kind: "generic", preset: "github", secret: "hush-github" },
  standard: {
    kind: "generic",
    preset: "standard-webhooks",
    secret: "whsec_aHVzaC1zdGFuZGFyZC13ZWJob29rcw==",
  },
  bird: {
    kind: "generic",
    preset: "messagebird",
    secret: "hush-messagebird",
    public_url: "https://example.org/webhook/bird",
  },
  basic: { kind: "generic", secret: "hush-user:hush-password", scheme: { algorithm: "basic" }, map: PLAIN },
  bearer: { kind: "generic", secret: "hush-bearer", scheme: { algorithm: "bearer" }, map: PLAIN },
  own: {
    kind: "generic",
    secret: "hush-own",
    scheme: { header: "X-Own", algorithm: "hmac-sha512", encoding: "hex", signed: "{body}" },
    map: PLAIN,
  },
};

export function opened(name: string) {
  return openSource(name, PROVIDERS[name] as SourceConfig);
}

/** Writes the file; gives its path. */
export async function writeProviders(folder: string, providers = PROVIDERS): Promise<string> {
  const path = join(folder, "postern.yaml");
  await Bun.write(path, JSON.stringify({ sources: providers }));
  return path;
}

/** Whether any secret of the file, or what it stands for, is in a text. */
export function holdsSecret(text: string): boolean {
  return text.includes("hush") || text.includes("aHVzaC1z");
}
