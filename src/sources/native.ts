/**
 * The native source: a JSON message signed with `X-Signature`, the lower-case hexadecimal
 * HMAC-SHA256 of the raw body. It never looks at a body before the signature holds.
 */
import { Compile } from "typebox/compile";
import { fieldError, fieldErrors } from "../core/field-errors.ts";
import { NativeMessage } from "../core/message.ts";
import { INLINE_BYTES_MAX, NATIVE, type Normalised, type Source } from "../core/source.ts";
import { BeyondBounds } from "../lib/bounds.ts";
import { equalInConstantTime } from "../lib/constant-time.ts";
import { parseJsonTree } from "../lib/json-tree.ts";

/** Values and names of a body: a message has ten. */
const ENTRIES_MAX = 10_000;
const TOO_MUCH = `Body should have at most ${ENTRIES_MAX} values and names`;
const SIGNATURE = /^[0-9a-f]{64}$/;
const validator = Compile(NativeMessage);
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * A source that accepts what any of the secrets signed (several while one is rotated). Secrets are
 * used as UTF-8; a blank one is a defect of the caller and throws. `isReserved` tells whether a
 * name is another source's, whose identifiers begin with it: then they are no native ones.
 */
export function nativeSource(
  secrets: readonly string[],
  isReserved: (name: string) => boolean = () => false,
): Source {
  if (secrets.length === 0 || secrets.some((secret) => secret.trim() === "")) {
    throw new Error("the native source needs secrets that are not blank");
  }
  return {
    name: NATIVE,
    secrets,
    proof(headers) {
      const signature = headers.get("x-signature");
      return signature !== null && SIGNATURE.test(signature) ? signature : undefined;
    },
    verify(proof, body) {
      let holds = false;
      for (const secret of secrets) holds = equalInConstantTime(sign(secret, body), proof) || holds;
      return holds;
    },
    trial(message) {
      const body = Buffer.from(JSON.stringify(message));
      const signature = sign(secrets[0] ?? "", body);
      return { headers: { "Content-Type": "application/json", "X-Signature": signature }, body };
    },
    whyRefused: (headers) => whyRefused(headers.get("x-signature")),
    normalise: (body) => outsideRanges(normalise(body), isReserved),
    admit: (normalised) => outsideRanges(normalised, isReserved),
  };
}

/** The value of `X-Signature` for a body. */
export function sign(secret: string, body: Uint8Array | string): string {
  return new Bun.CryptoHasher("sha256", secret).update(body).digest("hex");
}

function whyRefused(signature: string | null): string {
  if (signature === null) return "the header X-Signature is missing";
  if (SIGNATURE.test(signature)) return "no secret made this signature";
  if (SIGNATURE.test(signature.toLowerCase()))
    return "X-Signature is in upper case: it takes lower-case hexadecimal";
  if (/^sha256=/i.test(signature)) return "X-Signature has the prefix sha256=: it takes the digits alone";
  return "X-Signature is not 64 lower-case hexadecimal digits";
}

/** A message by the native rules, or every mistake in it. */
export function parseNativeMessage(value: unknown): Normalised {
  if (!validator.Check(value)) return { errors: fieldErrors(validator, value, "body") };
  const { message_id, from, to, ts, text } = value;
  return { intake: { messages: [{ message_id, from, to, ts, text: text ?? null }] } };
}

function normalise(body: Uint8Array): Normalised {
  // What is said twice, or beside a message's fields, is read all the same: not hundreds of
  // thousands of times.
  if (body.length > INLINE_BYTES_MAX && isTooMuch(body))
    return { errors: [fieldError("body", undefined, "json_too_complex", TOO_MUCH, null)] };
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    return { errors: [fieldError("body", undefined, "json_invalid", "Body should be valid UTF-8", null)] };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {
      errors: [fieldError("body", undefined, "json_invalid", "Body should be one valid JSON value", text)],
    };
  }
  return parseNativeMessage(value);
}

function isTooMuch(body: Uint8Array): boolean {
  try {
    return (parseJsonTree(body)?.entries ?? 0) > ENTRIES_MAX;
  } catch (error) {
    if (error instanceof BeyondBounds) return true;
    throw error;
  }
}

/** `NAME:…` belongs to the source NAME. */
function outsideRanges(normalised: Normalised, isReserved: (name: string) => boolean): Normalised {
  if ("errors" in normalised) return normalised;
  const id = normalised.intake.messages[0]?.message_id ?? "";
  const end = id.indexOf(":");
  if (end < 0) return normalised;
  const name = id.slice(0, end);
  if (!isReserved(name)) return normalised;
  const msg = `Identifiers that begin with '${name}:' belong to the source ${name}`;
  return { errors: [fieldError("body", "message_id", "value_error", msg, id)] };
}
