/**
 * What the service would do with a request, in lines for a person. No line may say a secret or a
 * text.
 */
import { readSome } from "../../config.ts";
import { KeysUnavailable } from "../../core/errors.ts";
import type { Message } from "../../core/message.ts";
import type { Inspected, ProviderAnswer, Refusal } from "../../core/source.ts";
import type { Configured } from "../configured-source.ts";
import type { Attempt } from "./changes.ts";
import { hintsOf } from "./hints.ts";
import type { Redaction } from "./redaction.ts";

/** A label and what it says. */
export type Line = readonly [label: string, text: string];

type Kept = Extract<Inspected, { readonly intake: unknown }>;

interface Judgement {
  readonly accepted: boolean;
  readonly lines: readonly Line[];
}

/** The order of the service: unsigned handshake, size, proof, signed handshake, intake. */
export function judge(attempt: Attempt, configured: Configured, redaction: Redaction): Judgement {
  const { source, request, now } = attempt;
  const { method } = request;
  const greeting = source.handshake(request);
  if (greeting?.signed === false) return handshake(greeting.answer, redaction);
  if (method !== "POST" && method !== "GET")
    return refusal(`the method is ${method}: a webhook takes POST, and GET for some`, []);
  const url: Line = [
    "url",
    `${redaction.signed(request.url)}${request.url.startsWith("/") ? " (no public_url)" : ""}`,
  ];
  const { bodyBytesMax } = readSome(["bodyBytesMax"]);
  if (request.body.length > bodyBytesMax)
    return refusal(`the body has ${request.body.length} bytes, BODY_BYTES_MAX is ${bodyBytesMax}`, [url]);
  const far = request.client === undefined ? undefined : source.refusalOf(request.client);
  if (far !== undefined) return refusal(far.why, [url]);
  const verdict = source.verify(request, now);
  if (!verdict.proven) {
    const { lines } = refusal(redaction.said(verdict.why), [url]);
    return {
      accepted: false,
      lines: [
        ...lines,
        ...signedLines(verdict, redaction),
        ...hintsOf(attempt, configured).map((hint): Line => ["hint", redaction.said(hint)]),
      ],
    };
  }
  if (greeting?.keep === false) return handshake(greeting.answer, redaction);
  const stored =
    greeting === undefined
      ? source.intakeOf(request, verdict, now)
      : source.greetingOf(greeting, request, verdict, now);
  return {
    accepted: true,
    lines: [["accepted", "it proves its origin"], url, ...storedLines(stored, source.accepted, redaction)],
  };
}

/** What the service would say while a key can't be had; undefined when all are at hand. */
export async function unavailable(
  { source, request, now }: Attempt,
  redaction: Redaction,
): Promise<Judgement | undefined> {
  try {
    await source.prepare?.(request, now);
    return undefined;
  } catch (error) {
    if (!(error instanceof KeysUnavailable)) throw error;
    const line: Line = ["why", redaction.text(String(error.cause))];
    return refusal(`for now, with ${error.status}: the key that it is signed by can't be had from here`, [
      line,
    ]);
  }
}

function refusal(why: string, lines: readonly Line[]): Judgement {
  return { accepted: false, lines: [["refused", why], ...lines] };
}

/** A handshake is unsigned, and its query holds a token: nothing of either is shown. */
function handshake(given: ProviderAnswer, redaction: Redaction): Judgement {
  const { status, body } = given;
  const answer: Line = ["answer", redaction.text(answerText(given))];
  if (status >= 400) return refusal(`it is a handshake, and ${body}`, [answer]);
  return { accepted: true, lines: [["accepted", "it is a handshake, nothing is stored"], answer] };
}

function signedLines({ signed = [] }: Refusal, redaction: Redaction): readonly Line[] {
  return signed.map((text) => ["signed", redaction.signed(text)]);
}

function storedLines(
  { intake, keptWhole, unreadTimes, answer }: Kept,
  accepted: ProviderAnswer,
  redaction: Redaction,
): readonly Line[] {
  const { messages, post } = intake;
  const { text, said } = redaction;
  return [
    ["answer", answer === undefined ? said(answerText(accepted)) : text(answerText(answer))],
    ...(keptWhole === undefined ? [] : [["kept whole", keptWhole] as const]),
    ...(unreadTimes === undefined ? [] : [["no time", unreadTimes.join(", ")] as const]),
    ...messages.map((message, index): Line => {
      const detail = post?.details[index]?.type ?? "";
      return ["message", messageLine(message, detail, text)];
    }),
    ...(post?.events ?? []).map(({ kind, type, key, messageId, ts }): Line => {
      const about = messageId === null ? "" : ` about ${text(messageId)}`;
      const named = type === null ? "" : `, ${text(type)}`;
      return ["event", `${kind} ${text(key)}${about} at ${ts}${named}`];
    }),
  ];
}

function answerText({ status, type = "", headers = {}, body }: ProviderAnswer): string {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [status, type, ...fields, body].filter((part) => part !== "").join(" ");
}

/** Each part by itself is another's text; what is between is ours. */
function messageLine(
  { message_id, from, to, ts, text }: Message,
  type: string,
  shown: Redaction["text"],
): string {
  const length = text === null ? "no text" : `${[...text].length} characters`;
  return `${shown(message_id)} from ${shown(from)} to ${shown(to)} at ${ts}, ${shown(type)}, ${length}`;
}
