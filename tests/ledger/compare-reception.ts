/**
 * What a receiver was promised, against the log of its filter: everything at least once, with
 * `order: sender` in order, from one replica at a time, soon where nothing is wrong, and what comes
 * again only where the service was hurt.
 */
import { recognise, type WantedLog } from "./compare-followers.ts";
import { countWhile, type Entry, type Find } from "./findings.ts";
import type { Delivered, Reception, Said } from "./record.ts";

/** Records that may be handed on ahead of the position, for each request that may be under way. */
export const AHEAD = 10;
/** The position is written so often while it moves. */
const WRITTEN_EVERY_MS = 100;
/** So long after it was disturbed the service may need to hand on again. */
const RECOVERY_MS = 15_000;
/** Between the first request of a replica and the line that says that it serves. */
const SAID_WITHIN_MS = 250;
/** The last lines of a replica that was killed may never have been written. */
const UNSAID_MS = 1000;

/** The log as a receiver has to be given it, and when what is in it was acknowledged. */
interface ReceptionLog extends WantedLog {
  /** What may come: what its filter lets through, and the filters that it had for a while. */
  readonly allowedBySeq: WantedLog["wantedBySeq"];
  /** By number; undefined for what nobody was told. */
  readonly acknowledgedAt: (seq: number) => number | undefined;
}

export function compareReception(reception: Reception, log: ReceptionLog, find: Find): void {
  const { deliveries, order } = reception;
  const queues = order === "sender" ? new Queues(log) : undefined;
  const acceptedAt = new Map<number, number>();
  const again: Entry[] = [];
  for (const each of deliveries) {
    const entry = recognise(each, { known: log.known, wantedBySeq: log.allowedBySeq }, find);
    if (entry === undefined) continue;
    const { seq } = entry;
    if (acceptedAt.has(seq)) again.push(entry);
    else queues?.came(entry, each, find);
    if (each.acceptedAt !== undefined && !acceptedAt.has(seq)) acceptedAt.set(seq, each.acceptedAt);
  }
  const most = doublesMax(reception);
  if (again.length > most) {
    const which = again.slice(0, 3).map(({ seq, key }) => `${seq} (${key})`);
    find("double", `${again.length} came again, ${which.join(", ")} first: ${most} at most may`);
  }
  for (const { seq, key } of log.wanted) if (!acceptedAt.has(seq)) find("gap", `${seq} (${key}) never came`);
  compareSaid(reception.said, log, acceptedAt, find);
  compareServing(reception, find);
  comparePromptness(reception, log, acceptedAt, find);
}

/** How many may come again, and how many did. */
export function doublesOf(reception: Reception): { readonly came: number; readonly most: number } {
  const accepted = new Set<number>();
  let came = 0;
  for (const { seq, acceptedAt } of reception.deliveries) {
    if (accepted.has(seq)) came++;
    if (acceptedAt !== undefined) accepted.add(seq);
  }
  return { came, most: doublesMax(reception) };
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

/**
 * Sent = delivered + put aside + dead + still behind, by what the service says: at the end to the
 * record, and each time before up to its position and for what it has behind it.
 */
function compareSaid(
  said: readonly Said[],
  { wanted, allowedBySeq }: ReceptionLog,
  acceptedAt: ReadonlyMap<number, number>,
  find: Find,
): void {
  const last = said.at(-1);
  if (last === undefined) {
    find("left", "the service said nothing of it");
    return;
  }
  const allowed = [...allowedBySeq.keys()];
  const accepted = wanted.map(({ seq }) => acceptedAt.get(seq) ?? Number.POSITIVE_INFINITY);
  const lost = said.find(({ answeredAt, seq, putAside, dead }) => {
    const sent = countWhile(wanted, (entry) => entry.seq <= seq);
    let missing = 0;
    for (let place = 0; place < sent; place++) if ((accepted[place] ?? 0) > answeredAt) missing++;
    return missing > putAside + dead;
  });
  if (lost !== undefined)
    find(
      "void",
      `up to ${lost.seq} more was neither delivered nor put aside (${lost.putAside}) or dead (${lost.dead})`,
    );
  const behind = ({ seq }: Said) => allowed.length - countWhile(allowed, (each) => each <= seq);
  const made = said.find((each) => !each.isInactive && each.lag > behind(each));
  if (made !== undefined) find("void", `${made.lag} behind ${made.seq} are more than there are`);
  const { lag, putAside, dead } = last;
  const delivered = accepted.filter(Number.isFinite).length;
  if (wanted.length !== delivered + dead + putAside + lag)
    find(
      "void",
      `${wanted.length} sent, ${delivered} delivered, ${dead} dead, ${putAside} put aside, ${lag} behind`,
    );
  if (lag + putAside + dead > 0) find("left", `${lag} behind, ${putAside} put aside, ${dead} dead`);
}

/** Whoever makes requests after another one did has said between the two that it serves. */
function compareServing({ deliveries, turns }: Reception, find: Find): void {
  let from = Number.NEGATIVE_INFINITY;
  let holder: string | undefined;
  for (const { at, by, seq } of deliveries) {
    if (by === holder) continue;
    const isSaid = turns.some(({ by: who, at: when, what }) => {
      const isTheirs = who === by && when >= from - SAID_WITHIN_MS;
      return isTheirs && when <= at + (what === "serves" ? SAID_WITHIN_MS : UNSAID_MS);
    });
    if (!isSaid) find("overlap", `${seq} came from ${by} while ${holder ?? "nobody"} served it`);
    from = at;
    holder = by;
  }
}

/** What others cost it, where nothing was done to the service itself. */
function comparePromptness(
  { promptMs, disturbances }: Reception,
  log: ReceptionLog,
  acceptedAt: ReadonlyMap<number, number>,
  find: Find,
): void {
  if (promptMs === undefined) return;
  for (const { seq, key } of log.wanted) {
    const acknowledged = log.acknowledgedAt(seq);
    const accepted = acceptedAt.get(seq);
    if (acknowledged === undefined || accepted === undefined) continue;
    const tookMs = accepted - acknowledged;
    if (tookMs <= promptMs) continue;
    const isExcused = disturbances.some(({ from, to }) => from < accepted && to + RECOVERY_MS > acknowledged);
    if (!isExcused) find("late", `${seq} (${key}) came ${tookMs.toFixed(0)} ms after it was acknowledged`);
  }
}

/** What each sender sent, in the order of the log. */
export class Queues {
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
