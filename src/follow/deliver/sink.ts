/**
 * A destination as the one who hands on sees it: it makes one attempt and says what came of it. It
 * keeps no record, no order and no time of a retry.
 */
import type { OriginalRequest } from "../../core/source.ts";

/** One attempt to hand a record on. */
export interface Attempt {
  /** The same on every attempt: `evt_…`, by which receivers drop doubles. */
  readonly id: string;
  /** From 1 on. */
  readonly number: number;
  readonly isReplay: boolean;
  /** UTF-8 JSON. */
  readonly body: string;
  /** The provider's own request, which goes in place of the body and its signature. */
  readonly original?: OriginalRequest;
  /** What a sink may name its place by. */
  readonly about: About;
}

/** Of a record; null where it has none. */
export interface About {
  readonly source: string;
  /** `message`, or what an event is. */
  readonly kind: string;
  /** The provider's word for what it is. */
  readonly type: string | null;
  readonly from: string | null;
  readonly to: string | null;
}

export type Outcome = Delivered | Undelivered;

interface Delivered {
  readonly isDelivered: true;
  /** Of the HTTP answer; null where another word says that it was taken. */
  readonly status: number | null;
  /** Until the head of the answer, or that word, was there. */
  readonly ms: number;
}

export interface Undelivered {
  readonly isDelivered: false;
  /** Of the HTTP answer; null where there was none. */
  readonly status: number | null;
  readonly cause: Cause;
  /**
   * How the answer begins, or what went wrong: at most 1 KiB of UTF-8 on one line, without control
   * characters.
   */
  readonly excerpt: string | null;
  /** How long the receiver wants to be left alone, at most 24 h. */
  readonly retryAfterMs?: number;
  readonly ms: number;
}

/** Why a record wasn't handed on. These words are stored and shown: none may change. */
export const CAUSES = {
  status: "the receiver answered, and not with 2xx",
  redirect: "the receiver answered with a redirect, which is never followed",
  refused: "no connection was made: nobody listens there, or no way leads there",
  reset: "the connection was closed before there was an answer",
  timeout: "there was no answer in time",
  dns: "the name has no address, or the name server gave no answer",
  tls: "TLS failed: a certificate that isn't accepted, or no TLS at all",
  address: "every address is one that deliveries may not go to",
  answer: "what came back isn't what such a destination says",
  login: "the user, the password or the right to write there was refused",
  rejected: "the record was refused where it was to go",
  unroutable: "nothing there takes records of this kind: no queue, or no stream",
  disk: "the file couldn't be written",
  stopped: "the attempt was ended from this side",
  failed: "something else; the excerpt names it",
} as const;

export type Cause = keyof typeof CAUSES;

/** Without a status: what tells of the record rather than of the destination. */
const ABOUT_THE_RECORD: ReadonlySet<Cause> = new Set(["rejected", "unroutable"]);

/** Whether somebody looked at the record and said no. */
export function isAnswered({ status, cause }: Pick<Undelivered, "status" | "cause">): boolean {
  return status !== null || ABOUT_THE_RECORD.has(cause);
}

/** A failure in the words of a destination's `reason`. */
export function reasonOf({
  status,
  cause,
}: {
  readonly status: number | null;
  readonly cause: string;
}): string {
  return status === null ? cause : `${cause} ${status}`;
}

export interface Sink {
  /** Never throws; the signal ends it early (then the cause is `stopped`). */
  readonly send: (attempt: Attempt, signal: AbortSignal) => Promise<Outcome>;
  /** Ends what is under way; where that takes time, resolves when nothing is held any more. */
  readonly close: () => void | Promise<void>;
}
