/**
 * A destination as the one who hands on sees it: it makes one attempt and says what came of it. It
 * keeps no record, no order and no time of a retry.
 */

/** One attempt to hand a record on. */
export interface Attempt {
  /** The same on every attempt: `evt_…`, by which receivers drop doubles. */
  readonly id: string;
  /** From 1 on. */
  readonly number: number;
  readonly isReplay: boolean;
  /** UTF-8 JSON. */
  readonly body: string;
}

export type Outcome = Delivered | Undelivered;

interface Delivered {
  readonly isDelivered: true;
  readonly status: number;
  /** Until the head of the answer was there. */
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
  reset: "the connection was closed before the answer's head was whole",
  timeout: "the answer's head wasn't there in time",
  dns: "the name has no address, or the name server gave no answer",
  tls: "TLS failed: a certificate that isn't accepted, or no TLS at all",
  address: "every address is one that deliveries may not go to",
  answer: "what came back is no HTTP",
  stopped: "the attempt was ended from this side",
  failed: "something else; the excerpt names it",
} as const;

export type Cause = keyof typeof CAUSES;

export interface Sink {
  /** Never throws; the signal ends it early (then the cause is `stopped`). */
  readonly send: (attempt: Attempt, signal: AbortSignal) => Promise<Outcome>;
  /** Ends what is under way. */
  readonly close: () => void;
}
