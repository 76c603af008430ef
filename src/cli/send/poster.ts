/** Posts one request until it has an answer that counts; each attempt is signed when it is made. */

import type { Trial } from "../../core/source.ts";
import { retryAfterMs } from "../../lib/retry-after.ts";
import { visibleText } from "../../lib/visible-text.ts";
import { withQuery } from "../../sources/trial-run.ts";
import { VERSION } from "../../version.ts";
import { detailOf } from "../answer-detail.ts";

/**
 * Why a body wasn't taken, where that is no matter of the body: nobody answers, whoever answers
 * isn't Postern, or the service has another secret.
 */
type Blame = "nobody" | "stranger" | "secret";

/** What became of a body; `accepted` is a 2xx of Postern that tells neither new nor duplicate. */
export type Verdict = { readonly blame?: Blame | undefined } & (
  | { readonly kind: "new" | "duplicate" | "accepted"; readonly latencyMs: number }
  | { readonly kind: "refused"; readonly latencyMs: number; readonly reason: string }
  | { readonly kind: "failed"; readonly latencyMs: number | undefined; readonly reason: string }
);

export interface Target {
  readonly url: URL;
  readonly retries: number;
  readonly timeoutMs: number;
  readonly elapsed: () => number;
  readonly now: () => number;
}

/** A retry is always safe, so whatever may pass is tried again. */
const PASSING = new Set([429, 502, 503, 504]);
const RETRY_AFTER_MS_MAX = 60_000;
const BACKOFF_MS = 200;
const BACKOFF_MS_MAX = 5_000;
const DETAIL_CHARS_MAX = 500;

/**
 * Posts what is signed for the moment, and again after a 503 or a lost connection, `retries` times
 * at most.
 */
export async function post(target: Target, signedAt: (now: number) => Trial): Promise<Verdict> {
  for (let attempt = 0; ; attempt++) {
    const request = signedAt(target.now());
    const startedAt = target.elapsed();
    const answer = await exchange(target, request);
    const latencyMs = target.elapsed() - startedAt;
    const passing = "lost" in answer || (PASSING.has(answer.status) && !isUnproven(answer));
    if (!passing) return verdictOf(answer, latencyMs);
    if (attempt >= target.retries) {
      if ("lost" in answer)
        return { kind: "failed", latencyMs: undefined, reason: answer.lost, blame: "nobody" };
      return { kind: "failed", latencyMs, reason: inWords(answer) };
    }
    const askedMs =
      "lost" in answer ? undefined : retryAfterMs(answer.retryAfter, target.now(), RETRY_AFTER_MS_MAX);
    await Bun.sleep(askedMs ?? Math.min(BACKOFF_MS * 2 ** attempt, BACKOFF_MS_MAX));
  }
}

/** Postern's own 429 goes to wrong signatures alone, which no waiting makes right. */
function isUnproven({ result }: Answer): boolean {
  return result === "invalid_signature";
}

interface Answer {
  readonly status: number;
  readonly result: string | null;
  readonly retryAfter: string | null;
  readonly text: string;
}

async function exchange(
  { url, timeoutMs }: Target,
  { headers, body, query }: Trial,
): Promise<Answer | { readonly lost: string }> {
  try {
    const response = await fetch(withQuery(url.href, query), {
      method: "POST",
      headers: { ...headers, "User-Agent": `postern/${VERSION}` },
      body: body as Uint8Array<ArrayBuffer>,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    return {
      status: response.status,
      result: response.headers.get("postern-result"),
      retryAfter: response.headers.get("retry-after"),
      text: await response.text(),
    };
  } catch (error) {
    const { name, code, message } = error as { name?: string; code?: string; message?: string };
    if (name === "TimeoutError") return { lost: `no answer within ${timeoutMs} ms` };
    return { lost: `no connection to ${url.origin} (${code ?? message})` };
  }
}

function verdictOf(answer: Answer, latencyMs: number): Verdict {
  const { status, result } = answer;
  const isTaken = status >= 200 && status < 300;
  const kind = isTaken || status >= 500 ? "failed" : "refused";
  // Every answer of a webhook has it. What may pass isn't told of here: proxies say that.
  if (result === null)
    return { kind, latencyMs, reason: `${status}, without the header Postern-Result`, blame: "stranger" };
  if (isTaken) {
    return { kind: result === "ok" ? "new" : result === "duplicate" ? "duplicate" : "accepted", latencyMs };
  }
  return { kind, latencyMs, reason: inWords(answer), blame: isUnproven(answer) ? "secret" : undefined };
}

/** Status and detail on one line. */
function inWords({ status, text }: Answer): string {
  const words = visibleText(detailOf(text).replace(/\s+/g, " ").trim());
  return `${status} ${words.slice(0, DETAIL_CHARS_MAX)}`.trim();
}
