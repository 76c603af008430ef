/**
 * What may help whoever wonders why a request was refused, found by trying: what would have to be
 * different for it to hold. Nothing is told that wasn't seen to hold.
 */
import type { SignedRequest } from "../../core/source.ts";
import type { ConfiguredSource } from "../../sources/provider-source.ts";
import { SchemeError } from "../../sources/schemes/proof.ts";
import { type Spelling, spellingsOf } from "../../sources/spellings.ts";
import type { Configured } from "../configured-source.ts";
import { type Attempt, bodyChanges, type Change, changed, clockChanges, urlChanges } from "./changes.ts";
import { wordsOf } from "./words.ts";

/** Beyond these the search ends: bodies are long, and each attempt is a signature over one. */
const ATTEMPTS_MAX = 10_000;
const BYTES_MAX = 2 ** 30;

/** What was found by trying; else that nothing was. */
export function hintsOf(attempt: Attempt, { config, others }: Configured): readonly string[] {
  const other = others.find(
    (each) => provesAnything(each) && each.verify(requestFor(each, attempt), attempt.now).proven,
  );
  if (other !== undefined) return [`the source ${other.name} accepts it`];
  const causes = causesOf(attempt, spellingsOf(config, attempt.request, others));
  if (causes.length > 0) return [causes.map(({ hint }) => hint).join("; and at once: ")];
  const missing = missingHeaders(attempt);
  if (missing.length > 0) {
    const names = [...attempt.request.headers.keys()].filter((name) => LIKE_A_PROOF.test(name));
    const there = names.length === 0 ? "no header that looks like a proof" : names.join(", ");
    return [`the request has no ${missing.join(", ")}; it has ${there}`];
  }
  return [
    "no other body, URL, clock or reading of the configuration that was tried makes it hold",
    ...wordsOf(config, attempt.request),
  ];
}

/** Not where the sender's network is the only proof. */
function provesAnything({ config }: ConfiguredSource): boolean {
  return (config["scheme"] as { readonly algorithm?: string } | undefined)?.algorithm !== "none";
}

const LIKE_A_PROOF = /signature|hmac|token|authorization/i;

/** Those that a request of this source has, if that is why it is refused. */
function missingHeaders({ source, request, now }: Attempt): readonly string[] {
  const verdict = source.verify(request, now);
  if (verdict.proven || !verdict.why.endsWith(" is missing")) return [];
  const sample = { message_id: "1", from: "+1", to: "+1", ts: "2025-01-15T10:00:00Z", text: null };
  const { headers = {} } = source.trial(sample, request.url, now) ?? {};
  return Object.keys(headers).filter((name) => name !== "Content-Type" && !request.headers.has(name));
}

/** The same as sent to another source, whose URL may be another one. */
function requestFor(source: Configured["source"], { request }: Attempt): SignedRequest {
  const query = request.url.split("?").slice(1).join("?");
  return { ...request, url: source.signedUrl(`/webhook/${source.name}`, query) };
}

/**
 * The fewest changes under which the proof holds; none when there aren't any. `spellings` are other
 * ways to read the source's configuration. Clocks come first: captures are mostly old.
 */
function causesOf(attempt: Attempt, spellings: readonly (readonly Spelling[])[]): readonly Change[] {
  const { request } = attempt;
  const groups = [
    clockChanges(request),
    ...spellings.map((group) => group.map(({ hint, change }): Change => ({ hint, to: { config: change } }))),
    bodyChanges(request),
    urlChanges(request),
  ];
  const attemptsMax = Math.min(ATTEMPTS_MAX, BYTES_MAX / Math.max(1, request.body.length));
  let attempts = 0;
  for (const changes of combinations(groups)) {
    if (attempts++ >= attemptsMax) return [];
    if (holds(attempt, changes)) return changes;
  }
  return [];
}

function holds(attempt: Attempt, changes: readonly Change[]): boolean {
  try {
    const { source, request, now } = changed(attempt, changes);
    return source.verify(request, now).proven;
  } catch (error) {
    if (error instanceof SchemeError) return false;
    throw error;
  }
}

/** One change of one group, then one of each of two groups, and so on. */
function* combinations(groups: readonly (readonly Change[])[]): Generator<readonly Change[]> {
  for (let size = 1; size <= groups.length; size++) yield* choices(groups, size);
}

function* choices(groups: readonly (readonly Change[])[], size: number): Generator<readonly Change[]> {
  if (size === 0) yield [];
  const [first, ...rest] = groups;
  if (size === 0 || first === undefined) return;
  for (const change of first) for (const more of choices(rest, size - 1)) yield [change, ...more];
  yield* choices(rest, size);
}
