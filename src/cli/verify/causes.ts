/**
 * Why a request is no proof, found by trying: what would have to be different for it to hold. Nothing is told that
 * wasn't seen to hold.
 */
import { bodyChanges } from "./body-changes.ts";
import { type Attempt, type Change, changed } from "./change.ts";
import { clockChanges } from "./clock-changes.ts";
import { urlChanges } from "./url-changes.ts";

/** Beyond these the search ends: bodies are long, and each attempt is a signature over one. */
const ATTEMPTS_MAX = 5000;
const BYTES_MAX = 2 ** 30;

/**
 * The fewest changes under which the proof holds; none when there aren't any. `spellings` are other ways to read the
 * source's configuration.
 */
export function causesOf(attempt: Attempt, spellings: readonly Change[]): readonly Change[] {
  const { request } = attempt;
  const groups = [bodyChanges(request), urlChanges(request), clockChanges(request), spellings];
  const attemptsMax = Math.min(ATTEMPTS_MAX, BYTES_MAX / Math.max(1, request.body.length));
  let attempts = 0;
  for (const changes of combinations(groups)) {
    if (attempts++ >= attemptsMax) return [];
    const other = changes.reduce(changed, attempt);
    if (other.source.verify(other.request, other.now).proven) return changes;
  }
  return [];
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
