/** WhatsApp's POSTs for tests, signed. */
import { createHmac } from "node:crypto";
import type { SentRequest } from "./service.ts";

export const META_SECRET = "app secret of the meta source";
export const META = { kind: "meta", secret: META_SECRET, verify_token: "verify token of the meta source" };

export const text = (id: string, body = `text of ${id}`, timestamp = "1700000000") => ({
  id,
  from: "14155550123",
  timestamp,
  type: "text",
  text: { body },
});

export const status = (id: string, state = "delivered", timestamp = "1700000001") => ({
  id,
  status: state,
  timestamp,
});

export function metaBody(messages: readonly object[], statuses: readonly object[] = []): string {
  const metadata = { display_phone_number: "15550100", phone_number_id: "1" };
  const value = { metadata, messages, statuses };
  return JSON.stringify({ object: "whatsapp_business_account", entry: [{ changes: [{ value }] }] });
}

export function signed(body: string | Uint8Array, secret = META_SECRET): SentRequest {
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  return {
    body,
    headers: { "Content-Type": "application/json", "X-Hub-Signature-256": `sha256=${signature}` },
  };
}

/** A POST with these messages and statuses. */
export function metaPost(messages: readonly object[], statuses: readonly object[] = []): SentRequest {
  return signed(metaBody(messages, statuses));
}
