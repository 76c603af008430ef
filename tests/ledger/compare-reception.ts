/**
 * What a receiver was promised, against the log of its filter: everything at least once, with
 * `order: sender` in order, and what comes again only where the service was hurt.
 */
import { recognise, type WantedLog } from "./compare-followers.ts";
import type { Entry, Find } from "./findings.ts";
import type { Delivered, Reception } from "./record.ts";

/** Records that may be handed on ahead of the position, for each request that may be under way. */
const AHEAD = 10;
/** The position is written so often while it moves. */
const WRITTEN_EVERY_MS = 100;

export function compareReception(reception: Reception, log: WantedLog, find: Find): void {
  const { deliveries, order, left } = reception;
  const queues = order === "sender" ? new Queues(log) : undefined;
  const accepted = new Set<number>();
  const again: Entry[] = [];
  for (const each of deliveries) {
    const entry = recognise(each, log, find);
    if (entry === undefined) continue;
    if (accepted.has(entry.seq)) again.push(entry);
    else queues?.came(entry, each, find);
    if (each.acceptedAt !== undefined) accepted.add(entry.seq);
  }
  const most = doublesMax(reception);
  if (again.length > most) {
    const which = again.slice(0, 3).map(({ seq, key }) => `${seq} (${key})`);
    find("double", `${again.length} came again, ${which.join(", ")} first: ${most} at most may`);
  }
  for (const { seq, key } of log.wanted) if (!accepted.has(seq)) find("gap", `${seq} (${key}) never came`);
  if (left === undefined) find("left", "the service said nothing of it");
  else if (left.lag_records + left.put_aside + left.dead > 0)
    find("left", `${left.lag_records} behind, ${left.put_aside} put aside, ${left.dead} dead`);
}

/**
 * Each time that the service was hurt: all that may be ahead of the position, and what was handed
 * on within the time in which the position isn't written. That is more than a process ever has.
 */
function doublesMax({ hurts, concurrency, deliveries }: Reception): number {
  return hurts.reduce((sum, hurtAt) => {
    const unwritten = deliveries.filter(
      ({ acceptedAt = 0 }) => acceptedAt > hurtAt - WRITTEN_EVERY_MS && acceptedAt <= hurtAt,
    );
    return sum + AHEAD * concurrency + unwritten.length;
  }, 0);
}

/** What each sender sent, in the order of the log. */
class Queues {
  /** The record before this one of the same sender. */
  readonly #before = new Map<number, Entry>();
  readonly #acceptedAt = new Map<number, number>();

  constructor({ wanted, known }: WantedLog) {
    const senders = new Map<string, string>();
    for (const { record } of known.values())
      if (record.kind === "message" && record.message_id !== null)
        senders.set(record.message_id, `${record.source} ${record.from}`);
    const last = new Map<string, Entry>();
    for (const entry of wanted) {
      const { message_id } = entry.record;
      // An event about nothing keeps nobody's order.
      if (message_id === null) continue;
      const sender = senders.get(message_id) ?? message_id;
      const before = last.get(sender);
      if (before !== undefined) this.#before.set(entry.seq, before);
      last.set(sender, entry);
    }
  }

  /** One that wasn't accepted before: the one before it has to be, as nothing is given up. */
  came({ seq, key }: Entry, { at, acceptedAt }: Delivered, find: Find): void {
    const before = this.#before.get(seq);
    const beforeAt = before === undefined ? Number.NEGATIVE_INFINITY : this.#acceptedAt.get(before.seq);
    if (before !== undefined && (beforeAt === undefined || beforeAt > at))
      find(
        "disorder",
        `${seq} (${key}) came before ${before.seq} (${before.key}) of its sender was accepted`,
      );
    if (acceptedAt !== undefined) this.#acceptedAt.set(seq, acceptedAt);
  }
}
