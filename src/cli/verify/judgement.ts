/**
 * What the service would do with a request, in lines for a person. No line may say a secret or a
 * text.
 */
import { readSome } from "../../config.ts";
import type { Message } from "../../core/message.ts";
import type { Proof, ProviderAnswer, Refusal } from "../../core/source.ts";
import type { Configured } from "../configured-source.ts";
import type { Attempt } from "./changes.ts";
import { hintsOf } from "./hints.ts";
import type { Redaction } from "./redaction.ts";

/** A label and what it says. */
export type Line = readonly [label: string, text: string];

interface Judgement {
  readonly accepted: boolean;
  readonly lines: readonly Line[];
}

/** The order of the service: handshake by GET, size, proof, handshake by POST, intake. */
export function judge(
  method: string,
  query: string,
  attempt: Attempt,
  configured: Configured,
  redaction: Redaction,
): Judgement {
  const { source, request, now } = attempt;
  if (method !== "POST" && method !== "GET")
    return refusal(`the method is ${method}: a webhook takes POST, and GET for some`, []);
  const greeting = method === "GET" ? source.handshake(query) : undefined;
  if (greeting !== undefined) return handshake(greeting, redaction);
  const url: Line = [
    "url",
    `${redaction.signed(request.url)}${request.url.startsWith("/") ? " (no public_url)" : ""}`,
  ];
  const { bodyBytesMax } = readSome(["bodyBytesMax"]);
  if (request.body.length > bodyBytesMax)
    return refusal(`the body has ${request.body.length} bytes, BODY_BYTES_MAX is ${bodyBytesMax}`, [url]);
  const verdict = source.verify(request, now);
  if (!verdict.proven) {
    const { lines } = refusal(redaction.signed(verdict.why), [url]);
    return {
      accepted: false,
      lines: [
        ...lines,
        ...signedLines(verdict, redaction),
        ...hintsOf(attempt, configured).map((hint): Line => ["hint", redaction.text(hint)]),
      ],
    };
  }
  const challenge = method === "POST" ? source.challenge(request.body) : undefined;
  if (challenge !== undefined) return handshake(challenge, redaction);
  return {
    accepted: true,
    lines: [["accepted", "it proves its origin"], url, ...stored(attempt, verdict, redaction)],
  };
}

function refusal(why: string, lines: readonly Line[]): Judgement {
  return { accepted: false, lines: [["refused", why], ...lines] };
}

/** A handshake is unsigned, and its query holds a token: nothing of either is shown. */
function handshake({ status, type, body }: ProviderAnswer, redaction: Redaction): Judgement {
  const answer: Line = ["answer", `${status} ${type} ${redaction.text(body)}`.trimEnd()];
  if (status >= 400) return refusal(`it is a handshake, and ${body}`, [answer]);
  return { accepted: true, lines: [["accepted", "it is a handshake, nothing is stored"], answer] };
}

function signedLines({ signed = [] }: Refusal, redaction: Redaction): readonly Line[] {
  return signed.map((text) => ["signed", redaction.signed(text)]);
}

function stored({ source, request, now }: Attempt, proof: Proof, redaction: Redaction): readonly Line[] {
  const { intake, keptWhole } = source.intakeOf(request, proof, now);
  const { messages, post } = intake;
  const { status, type, body } = source.accepted;
  return [
    ["answer", `${status} ${type} ${body}`.trimEnd()],
    ...(keptWhole === undefined ? [] : [["kept whole", keptWhole] as const]),
    ...messages.map((message, index): Line => {
      const detail = post?.details[index]?.type ?? "";
      return ["message", redaction.text(messageLine(message, detail))];
    }),
    ...(post?.events ?? []).map(({ kind, key, messageId, ts }): Line => {
      const about = messageId === null ? "" : ` about ${messageId}`;
      return ["event", redaction.text(`${kind} ${key}${about} at ${ts}`)];
    }),
  ];
}

function messageLine({ message_id, from, to, ts, text }: Message, type: string): string {
  const length = text === null ? "no text" : `${[...text].length} characters`;
  return `${message_id} from ${from} to ${to} at ${ts}, ${type}, ${length}`;
}
