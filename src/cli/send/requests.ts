/**
 * From a body to the request that carries it: signed by the native rules, or as a configured
 * source's provider would.
 */

import { isInstant } from "../../core/instant.ts";
import type { Message } from "../../core/message.ts";
import type { Trial } from "../../core/source.ts";
import { sign } from "../../sources/native.ts";
import type { ConfiguredSource } from "../../sources/provider-source.ts";
import { UsageError } from "../errors.ts";
import { UnfitRow } from "./template.ts";

/**
 * Makes a body ready; what it gives signs anew whenever it is called (`now` in milliseconds since
 * 1970), so that a late retry isn't too old. Throws `UnfitRow` for a body that can't become a
 * request.
 */
export type Prepare = (body: string | Uint8Array) => (now: number) => Trial;

/** Bodies as they are, with the signature of the native source. */
export function nativeRequests(secret: string): Prepare {
  return (body) => {
    const bytes = Buffer.from(body as string);
    const headers = { "Content-Type": "application/json", "X-Signature": sign(secret, bytes) };
    return () => ({ headers, body: bytes });
  };
}

/**
 * Messages in JSON, in the provider's own form. `url` is the one that is posted to; the source
 * knows the signed one.
 */
export function sourceRequests(source: ConfiguredSource, url: URL): Prepare {
  const signedUrl = source.signedUrl(url.pathname, url.search.slice(1));
  if (!source.canSign)
    throw new UsageError(
      `a source like ${source.name} checks signatures with a public key: only the sender, who has the private one, can sign`,
    );
  return (body) => {
    const message = messageIn(body);
    return (now) => {
      const trial = source.trial(message, signedUrl, now);
      if (trial === undefined)
        throw new UnfitRow(`how a source of the kind ${source.kind} writes a message isn't known`);
      return trial;
    };
  };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Parties needn't be numbers here: what they may be is the provider's business. */
function messageIn(body: string | Uint8Array): Message {
  let value: unknown;
  try {
    value = JSON.parse(typeof body === "string" ? body : utf8.decode(body));
  } catch {
    throw new UnfitRow("it is no valid JSON in UTF-8");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UnfitRow("it is no JSON object");
  const { message_id, from, to, ts, text = null } = value as Readonly<Record<string, unknown>>;
  for (const [field, given] of Object.entries({ message_id, from, to, ts })) {
    if (typeof given !== "string" || given.trim() === "") throw new UnfitRow(`${field}: it takes a text`);
  }
  if (!isInstant(ts as string)) throw new UnfitRow("ts: it takes an instant such as 2025-01-15T10:00:00Z");
  if (text !== null && typeof text !== "string") throw new UnfitRow("text: it takes a text or null");
  return { message_id, from, to, ts, text } as Message;
}
