/**
 * Identifiers of replays. One says whether its records go under identifiers of their own: a record
 * that failed in a replay is tried again after the replay is over, and under the same one.
 */
import type { NewId } from "../../lib/chance.ts";

const OWN_IDS = "rn_";
const SAME_IDS = "rp_";
const DIGITS = 16;

export function newReplayId(newId: NewId, newIds: boolean): string {
  const digits = newId().replaceAll("-", "").slice(0, DIGITS);
  return `${newIds ? OWN_IDS : SAME_IDS}${digits}`;
}

export function hasNewIds(replay: string): boolean {
  return replay.startsWith(OWN_IDS);
}
