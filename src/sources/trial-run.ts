/**
 * A trial of a source before it serves: requests are signed as its sender would sign them, put into
 * real headers, and shown to the very source. What fails here would fail with every request.
 */
import type { Message } from "../core/message.ts";
import { FIELD_CHARS_MAX, fieldNameMistake, isFieldValue } from "../lib/header-field.ts";
import { FORM_TYPE, JSON_TYPE } from "./kind.ts";
import type { ConfiguredSource } from "./provider-source.ts";

/** Why no request, or not each of them, would be accepted; it repeats no secret. */
export interface TrialFault {
  readonly message: string;
  /** The header that it is about. */
  readonly header?: string;
}

/**
 * In the middle of a second: a sender's clock is never the receiver's, and whole seconds are less
 * than it.
 */
const SENT_AT = Date.parse("2026-01-15T10:00:00.500Z");
const ON_THE_WAY_MS = 100;
const NOT_CARRIED = `it has white space around it, control characters, characters beyond Latin-1, or more than ${FIELD_CHARS_MAX}`;

/**
 * Tries so many requests, each signed with the source's first secret; none where only the sender
 * can sign. Many of them show what
 * depends on a signature's characters: a separator that is one of them, say.
 */
export function trialFault(source: ConfiguredSource, trials: number): TrialFault | undefined {
  for (let number = 1; number <= trials; number++) {
    const fault = faultOf(source, messageOf(number));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function messageOf(number: number): Message {
  return {
    message_id: `trial-${number}`,
    from: "+15550000001",
    to: "+15550000002",
    ts: "2026-01-15T10:00:00Z",
    text: "Trial",
  };
}

function faultOf(source: ConfiguredSource, message: Message): TrialFault | undefined {
  const url = source.signedUrl(`/webhook/${source.name}`, "");
  const trial = source.trial(message, url, SENT_AT);
  if (trial === undefined) return undefined;
  for (const [header, value] of Object.entries(trial.headers)) {
    if (isBodyType(header, value)) continue;
    const mistake = fieldNameMistake(header);
    if (mistake !== undefined) return { message: mistake, header };
    const what = header === trial.secretHeader ? "this secret" : "what would stand in this one";
    if (!isFieldValue(value)) return { message: `no header can carry ${what}: ${NOT_CARRIED}`, header };
  }
  const headers = new Headers(trial.headers);
  const request = { method: "POST", headers, body: trial.body, url: withQuery(url, trial.query) };
  const verdict = source.verify(request, SENT_AT + ON_THE_WAY_MS);
  return verdict.proven
    ? undefined
    : { message: `a request that is signed like this would be refused: ${verdict.why}` };
}

/** The URL with something behind its query. */
export function withQuery(url: string, query: string | undefined): string {
  return query === undefined ? url : `${url}${url.includes("?") ? "&" : "?"}${query}`;
}

/** A signature's header must not be called so; but every trial has this one. */
function isBodyType(header: string, value: string): boolean {
  return header === "Content-Type" && [JSON_TYPE, FORM_TYPE].includes(value);
}
