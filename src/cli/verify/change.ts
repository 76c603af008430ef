/** One way to look at a request, and what is different in another. */
import type { SignedRequest } from "../../core/source.ts";
import type { ConfiguredSource } from "../../sources/provider-source.ts";

/** By which rules, what was sent, and when. */
export interface Attempt {
  readonly source: ConfiguredSource;
  readonly request: SignedRequest;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Change {
  /** What it means when the proof holds by this change. */
  readonly hint: string;
  readonly to: {
    readonly source?: ConfiguredSource;
    readonly body?: Uint8Array;
    readonly url?: string;
    readonly now?: number;
  };
}

export function changed(attempt: Attempt, { to }: Change): Attempt {
  const { request } = attempt;
  const { source = attempt.source, now = attempt.now, body = request.body, url = request.url } = to;
  return { source, now, request: { ...request, body, url } };
}
