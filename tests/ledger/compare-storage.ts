/**
 * What a file or a broker has at the end, against the log: everything at least once, each sender's
 * in order, and again only where somebody was hurt, and not where the broker drops what it has.
 */
import { recognise, type WantedLog } from "./compare-followers.ts";
import { AHEAD, Queues } from "./compare-reception.ts";
import type { Find } from "./findings.ts";
import type { Storing } from "./record.ts";

/** What may be handed on while the position isn't written, at most. */
const UNWRITTEN = 500;

export function compareStorage(storing: Storing, log: WantedLog, find: Find): void {
  const queues = new Queues(log);
  const seen = new Set<number>();
  let again = 0;
  for (const [place, each] of storing.taken.entries()) {
    const entry = recognise(each, log, find);
    if (entry === undefined) continue;
    if (seen.has(entry.seq)) again++;
    else queues.came(entry, { ...each, by: "", at: place, acceptedAt: place }, find);
    seen.add(entry.seq);
  }
  const most = storageDoublesMax(storing);
  if (again > most) find("double", `${again} came again: ${most} at most may`);
  for (const { seq, key } of log.wanted) if (!seen.has(seq)) find("gap", `${seq} (${key}) never came`);
  const { left } = storing;
  if (left === undefined) find("left", "the service said nothing of it");
  else if (left.records > 0) find("left", `${left.records} are behind, put aside or dead`);
}

export function storageDoublesMax({ hurts, concurrency, dropsDoubles }: Storing): number {
  return dropsDoubles ? 0 : hurts * (AHEAD * concurrency + UNWRITTEN);
}
