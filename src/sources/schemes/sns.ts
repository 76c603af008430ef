/**
 * Amazon SNS: each message names the certificate of the key that signed it, and is signed over its
 * own members (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html). The
 * secret is the topic's ARN: anybody can have a topic of their own, whose messages are signed too.
 */
import { verify, type X509Certificate } from "node:crypto";
import type { Refusal, Verdict } from "../../core/source.ts";
import { parseJsonTree } from "../../lib/json-tree.ts";
import { keyOf } from "./certificate.ts";
import { defineScheme, refused, type Scheme, SchemeError } from "./proof.ts";
import type { PublishedKeys } from "./published-keys.ts";
import { checkTimestamp } from "./timestamp.ts";

interface SnsOptions {
  /** How far the timestamp may be from now, both ways. */
  readonly tolerance_seconds?: number;
}

/** SNS repeats a message for an hour at most, under the time of its first attempt. */
const TOLERANCE_SECONDS = 7200;
/** Twice as many as a message has. */
const MEMBERS_MAX = 24;
/** 256 KB of text, each character of which may be written as an escape. */
const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;

const ARN = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(?:\.fifo)?$/;
const HOST = /^sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?$/;
/** Nothing else of that host's: its API answers with what somebody else has written. */
const CERTIFICATE_PATH = /^\/SimpleNotificationService-[A-Za-z0-9]+\.pem$/;

/** What is signed of a message of a type, in this order; what it hasn't is left out. */
const CONFIRMED = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
const SIGNED: ReadonlyMap<string, readonly string[]> = new Map([
  ["Notification", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]],
  ["SubscriptionConfirmation", CONFIRMED],
  ["UnsubscribeConfirmation", CONFIRMED],
]);
const OPTIONAL = "Subject";
const HASHES: ReadonlyMap<string, string> = new Map([
  ["1", "sha1"],
  ["2", "sha256"],
]);

/** Throws `SchemeError` for a secret that is no topic's ARN. */
export function snsScheme(options: SnsOptions, topics: readonly string[], keys: PublishedKeys): Scheme {
  const { tolerance_seconds = TOLERANCE_SECONDS } = options;
  if (!topics.every((topic) => ARN.test(topic)))
    throw new SchemeError(
      "it is no ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:orders",
      "secret",
    );
  const read = (body: Uint8Array, now: number) => messageIn(body, now, topics, tolerance_seconds);
  return defineScheme({
    coversBody: true,
    coversQuery: false,
    begin({ headers }, now) {
      if (headers.get("x-amz-sns-rawdelivery")?.toLowerCase() === "true")
        return refused("it is a raw delivery, which Amazon SNS doesn't sign: switch that off");
      return (body) => {
        const message = read(body, now);
        return "proven" in message
          ? message
          : verdict(message, keys.certificate(message.certificateUrl), now);
      };
    },
    async prepare({ body }, now) {
      const message = read(body, now);
      if (!("proven" in message)) await keys.wantCertificate(message.certificateUrl, false);
    },
    async confirm({ body }) {
      const document = parseJsonTree(body);
      if (document?.get("Type")?.text !== "SubscriptionConfirmation") return;
      const url = urlAtSns(document.get("SubscribeURL")?.text);
      if (url?.searchParams.get("Action") === "ConfirmSubscription") await keys.visit(url, false);
    },
  });
}

interface Message {
  readonly hash: string;
  readonly signed: string;
  readonly signature: Buffer;
  readonly certificateUrl: URL;
  readonly id: string;
}

/** Of one that is refused whatever its signature is, nobody is asked for a certificate. */
function messageIn(
  body: Uint8Array,
  now: number,
  topics: readonly string[],
  toleranceSeconds: number,
): Message | Refusal {
  const members = body.length > MESSAGE_BYTES_MAX ? undefined : textsIn(body);
  if (members === undefined) return refused("the body is no message of Amazon SNS");
  const signedNames = SIGNED.get(members.get("Type") ?? "");
  if (signedNames === undefined) return refused("the message's Type is none that Amazon SNS signs");
  const missing = signedNames.find((name) => name !== OPTIONAL && !members.has(name));
  if (missing !== undefined) return refused(`the message has no ${missing}`);
  if (!topics.includes(members.get("TopicArn") ?? ""))
    return refused("the message's topic is not the secret");
  const timestamp = members.get("Timestamp") ?? "";
  const why = checkTimestamp(timestamp, "rfc3339", now, toleranceSeconds);
  if (why !== undefined) return refused(why);
  const hash = HASHES.get(members.get("SignatureVersion") ?? "");
  if (hash === undefined) return refused("the message's SignatureVersion is neither 1 nor 2");
  const url = urlAtSns(members.get("SigningCertURL"));
  if (url === undefined || url.search !== "" || !CERTIFICATE_PATH.test(url.pathname))
    return refused("the message's SigningCertURL is no certificate of Amazon SNS");
  const signed = signedNames
    .flatMap((name) => (members.has(name) ? [`${name}\n${members.get(name)}\n`] : []))
    .join("");
  const text = members.get("Signature") ?? "";
  const signature = Buffer.from(text, "base64");
  if (signature.toString("base64") !== text) return refused("the message's Signature is no base64");
  return { hash, signed, signature, certificateUrl: url, id: members.get("MessageId") ?? "" };
}

/**
 * A message's own members, those that are texts; undefined when one comes twice, so that readers
 * could take either, or there are far too many.
 */
function textsIn(body: Uint8Array): ReadonlyMap<string, string> | undefined {
  const texts = new Map<string, string>();
  const names = new Set<string>();
  for (const [name, value] of parseJsonTree(body)?.members() ?? []) {
    if (names.has(name) || names.size >= MEMBERS_MAX) return undefined;
    names.add(name);
    const isText = body[value.start] === QUOTE;
    if (isText) texts.set(name, value.text ?? "");
  }
  return texts;
}

const QUOTE = 0x22;

function urlAtSns(text: string | undefined): URL | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = url.protocol === "https:" && url.port === "" && url.username === "" && url.password === "";
  return isPlain && HOST.test(url.hostname) ? url : undefined;
}

function verdict(message: Message, certificate: X509Certificate | undefined, now: number): Verdict {
  const found = keyOf(certificate, now);
  if ("proven" in found) return found;
  return verify(message.hash, Buffer.from(message.signed), found.key, message.signature)
    ? // The signed identifier is the event's, as a token's is.
      { proven: true, claims: { jti: message.id } }
    : refused("the certificate's key didn't make the message's signature", [message.signed]);
}
