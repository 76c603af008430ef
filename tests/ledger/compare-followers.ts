/** What each kind of follower was promised, against the log of its filter. */
import { countWhile, type Entry, type Find } from "./findings.ts";
import type { Consumption, Taken, Walk } from "./record.ts";

/** The log as one follower has to be given it. */
export interface WantedLog {
  /** In order: what matches its filter, behind its start. */
  readonly wanted: readonly Entry[];
  readonly wantedBySeq: ReadonlyMap<number, Entry>;
  /** All that there is. */
  readonly known: ReadonlyMap<number, Entry>;
}

/** Everything once, in order. */
export function compareWalk({ taken }: Walk, log: WantedLog, find: Find): void {
  const seen = new Set<number>();
  let highest = 0;
  for (const each of taken) {
    const entry = recognise(each, log, find);
    if (entry === undefined) continue;
    const { seq, key } = entry;
    if (seen.has(seq)) find("double", `${seq} (${key}) came again after ${highest}`);
    else if (seq < highest) find("disorder", `${seq} (${key}) came after ${highest}`);
    seen.add(seq);
    highest = Math.max(highest, seq);
  }
  for (const { seq, key } of log.wanted)
    if (!seen.has(seq))
      find("gap", `${seq} (${key}) never came${seq > highest ? `: the end was ${highest}` : ""}`);
}

/**
 * At least once: each page begins right after the position that the service has, which is the last
 * one that was acknowledged, or one whose acknowledgement got no answer.
 */
export function compareConsumption({ steps, start }: Consumption, log: WantedLog, find: Find): void {
  const kept = new KeptPosition(start, log, find);
  for (const step of steps) {
    if (step.step === "acknowledging") kept.acknowledging(step.seq);
    else if (step.step === "acknowledged") kept.acknowledged(step.seq);
    else kept.page(step.taken);
  }
  kept.end();
}

/** What can be known outside of the position that the service keeps. */
class KeptPosition {
  readonly #log: WantedLog;
  readonly #find: Find;
  /** Acknowledged for certain, or shown to be by a page. */
  #seq: number;
  /** Later ones, of which nobody knows whether they hold, or will. */
  #unanswered: number[] = [];

  constructor(start: number, log: WantedLog, find: Find) {
    this.#seq = start;
    this.#log = log;
    this.#find = find;
  }

  acknowledging(seq: number): void {
    if (seq > this.#seq) this.#unanswered.push(seq);
  }

  acknowledged(seq: number): void {
    if (seq < this.#seq) this.#find("unmoved", `${seq} was answered when ${this.#seq} had been acknowledged`);
    const most = Math.max(this.#seq, ...this.#unanswered);
    if (seq > most) this.#find("unmoved", `${seq} was answered when ${most} was the most that was said`);
    this.#moveTo(Math.max(seq, this.#seq));
  }

  page(taken: readonly Taken[]): void {
    const { wanted } = this.#log;
    let next: number | undefined;
    for (const each of taken) {
      const entry = recognise(each, this.#log, this.#find);
      if (entry === undefined) continue;
      const { seq, key } = entry;
      const place = this.#placeAfter(seq - 1);
      if (next === undefined) this.#begin(place, entry);
      else if (place !== next)
        this.#find(
          place > next ? "gap" : "disorder",
          `${seq} (${key}) came where ${wanted[next]?.seq ?? "nothing"} was next`,
        );
      next = place + 1;
    }
  }

  end(): void {
    for (const { seq, key } of this.#log.wanted.slice(this.#placeAfter(this.#seq)))
      this.#find("gap", `${seq} (${key}) was never acknowledged: the end was ${this.#seq}`);
  }

  /** What a page begins with tells where the position was. */
  #begin(place: number, { seq, key }: Entry): void {
    const position = [this.#seq, ...this.#unanswered].find((each) => this.#placeAfter(each) === place);
    if (position === undefined && seq <= this.#seq)
      this.#find("double", `${seq} (${key}) came again after ${this.#seq} was acknowledged`);
    else if (position === undefined)
      this.#find("gap", `a page after ${this.#seq} began with ${seq} (${key})`);
    // Told once: from here on it counts where it was.
    this.#moveTo(position ?? seq - 1);
  }

  #moveTo(seq: number): void {
    this.#seq = seq;
    this.#unanswered = this.#unanswered.filter((each) => each > seq);
  }

  /** How many of the wanted ones lie up to the number. */
  #placeAfter(seq: number): number {
    return countWhile(this.#log.wanted, (entry) => entry.seq <= seq);
  }
}

/** Tells what is wrong with a record by itself; undefined when the follower doesn't want it. */
export function recognise(
  taken: Taken,
  { wantedBySeq, known }: Pick<WantedLog, "wantedBySeq" | "known">,
  find: Find,
): Entry | undefined {
  const entry = wantedBySeq.get(taken.seq);
  if (entry === undefined) {
    const other = known.get(taken.seq);
    if (other === undefined) find("unknown", `${taken.seq} isn't in the log`);
    else find("unwanted", `${taken.seq} (${other.key}) doesn't match the filter, or lies before the start`);
  } else if (entry.digest !== taken.digest)
    find("differing", `${taken.seq} (${entry.key}) was shown in another form than the log has`);
  return entry;
}
