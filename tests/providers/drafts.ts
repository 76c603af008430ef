/** What the project's own cases are made with: the clock, signatures and expectations. */
import { createHash, createHmac } from "node:crypto";
import type { Message } from "../../src/core/message.ts";
import type { Expected, ProviderCase } from "./case.ts";

export const NOW = "2026-03-01T12:00:00Z";
export const SECONDS = Date.parse(NOW) / 1000;
export const JSON_TYPE = { "Content-Type": "application/json" };
export const FORM_TYPE = { "Content-Type": "application/x-www-form-urlencoded" };

type Algorithm = "sha1" | "sha256" | "sha512";

export const hmac = (secret: string | Uint8Array, text: string, algorithm: Algorithm = "sha256") =>
  createHmac(algorithm, secret).update(text);
export const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

export function jwt(claims: object, secret: string, alg = "HS256"): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg, typ: "JWT" })}.${part(claims)}`;
  return `${text}.${alg === "none" ? "" : hmac(secret, text).digest("base64url")}`;
}

export type Draft = Omit<
  ProviderCase,
  "provider" | "now" | "method" | "config" | "headers" | "body" | "url"
> &
  Partial<Pick<ProviderCase, "now" | "method" | "config" | "headers" | "body" | "url">>;

export const drafted = (provider: string, draft: Draft): ProviderCase => ({
  provider,
  config: {},
  now: NOW,
  method: "POST",
  url: `https://in.example.org/webhook/${provider}`,
  headers: {},
  body: "",
  ...draft,
});

export const accepted = (
  records: readonly Message[],
  events: Expected["events"] = [],
  response?: Expected["response"],
): Expected => ({
  verdict: "accept",
  status: 200,
  records,
  events,
  ...(response !== undefined && { response }),
});
export const rejected = (status = 401): Expected => ({ verdict: "reject", status, records: [], events: [] });
export const challenged = (body: string): Expected => ({
  verdict: "challenge",
  status: 200,
  records: [],
  events: [],
  response: { content_type: "text/plain", body },
});
export const record = (
  message_id: string,
  from: string,
  to: string,
  text: string | null,
  ts = NOW,
): Message => ({
  message_id,
  from,
  to,
  ts,
  text,
});
