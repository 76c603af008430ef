/**
 * What is known outside the service: what was sent and acknowledged, and what each follower was
 * given. Nothing here is ever asked of the service; times are milliseconds of this process's clock.
 */

/** A record as the service shows it to followers; what is compared as a whole isn't named. */
export interface LogRecord {
  readonly position: string;
  readonly kind: string;
  readonly source: string;
  readonly message_id: string | null;
  readonly event_key?: string;
  readonly from?: string;
}

/** What a follower asks for; `kinds` as the parameter has them. */
export interface Filter {
  readonly kinds?: string;
  readonly source?: string;
  readonly from?: string;
}

/** A record by what it is, wherever it stands: no two records of a log have the same key. */
export function keyOf({ kind, source, message_id, event_key }: Omit<LogRecord, "position">): string {
  return [kind, source, kind === "message" ? message_id : event_key].join(" ");
}

/** The number of a position; throws when it isn't one. */
export function seqOf(position: string): number {
  const seq = /^[0-9A-Za-z]{1,64}\.([0-9]{1,19})$/.exec(position)?.[1];
  if (seq === undefined) throw new Error(`no position: ${JSON.stringify(position)}`);
  return Number(seq);
}

/** A POST, or another way in: all of it is acknowledged together. */
export interface SentPost {
  readonly keys: readonly string[];
  /** When its first attempt began. */
  readonly sentAt: number;
  /** When the first 200 came. */
  acknowledgedAt?: number;
  /** How many 200s said that something in it was new. */
  created: number;
}

export class Ledger {
  readonly posts: SentPost[] = [];
  /** Answers that no client may get. */
  readonly faults: string[] = [];
  #acknowledged = 0;
  #records = 0;

  send(keys: readonly string[]): SentPost {
    const post: SentPost = { keys, sentAt: performance.now(), created: 0 };
    this.posts.push(post);
    return post;
  }

  acknowledge(post: SentPost): void {
    if (post.acknowledgedAt !== undefined) return;
    post.acknowledgedAt = performance.now();
    this.#acknowledged++;
    this.#records += post.keys.length;
  }

  /** How many posts. */
  acknowledged(): number {
    return this.#acknowledged;
  }

  /** How many records they have brought, those that came twice included. */
  records(): number {
    return this.#records;
  }
}

/** A record as a follower was given it: its number, and a digest of all that was said of it. */
export interface Taken {
  readonly seq: number;
  readonly digest: number;
}

export function takenOf(record: LogRecord): Taken {
  return { seq: seqOf(record.position), digest: Bun.hash.crc32(JSON.stringify(record)) };
}

/**
 * An answer that has looked at everything up to `seq` and found no more: what was acknowledged
 * before it was asked isn't beyond that, and what was sent after it came is.
 */
export interface Look {
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly seq: number;
}

interface Followed {
  readonly name: string;
  readonly filter: Filter;
  /** The number after which it began. */
  start: number;
  readonly looks: Look[];
  /** What no follower may be told. */
  readonly faults: string[];
}

/** What was given to a follower that keeps its position itself: everything once, in order. */
export interface Walk extends Followed {
  readonly way: "walk";
  readonly taken: Taken[];
}

/** What happened to a consumer, whose position the service keeps. */
export type ConsumerStep =
  | { readonly step: "page"; readonly taken: readonly Taken[] }
  /** From here on the service may have the position. */
  | { readonly step: "acknowledging"; readonly seq: number }
  /** From here on it has it, or the later one that it answered with. */
  | { readonly step: "acknowledged"; readonly seq: number };

export interface Consumption extends Followed {
  readonly way: "consumer";
  readonly steps: ConsumerStep[];
}

/** A request that a receiver got whole; `acceptedAt` is set when it begins to answer with 2xx. */
export interface Delivered extends Taken {
  readonly at: number;
  /** The replica that made it. */
  readonly by: string;
  acceptedAt?: number;
}

/** What the service says of a destination's records that weren't handed on. */
export interface Said {
  readonly askedAt: number;
  readonly answeredAt: number;
  /** Of its position: what is up to it and wasn't handed on is put aside, or dead. */
  readonly seq: number;
  readonly lag: number;
  /** There may be more. */
  readonly isBound: boolean;
  readonly putAside: number;
  readonly dead: number;
  /** It isn't in the file: the service doesn't know what it wants. */
  readonly isInactive: boolean;
}

/** A replica began to serve a destination, or ended suddenly and may not have said that it did. */
export interface ServingTurn {
  readonly by: string;
  readonly at: number;
  readonly what: "serves" | "was killed";
}

/** From when to when something was done to the service. */
export interface Disturbance {
  readonly from: number;
  readonly to: number;
}

/** What the service brought to a receiver: everything at least once. */
export interface Reception extends Followed {
  readonly way: "receiver";
  /** What may come: its filter and those that it had for a while. */
  readonly allowed: readonly Filter[];
  /** Whether what each sender sent comes in order. */
  readonly order: "sender" | "none";
  /** The most that it was. */
  readonly concurrency: number;
  /** What nobody else may delay comes so soon; undefined for one that fails itself. */
  readonly promptMs: number | undefined;
  /** In the order in which they came. */
  readonly deliveries: Delivered[];
  /** When the service was hurt: what was under way then may come again. */
  readonly hurts: number[];
  readonly disturbances: Disturbance[];
  /** Who has served it. */
  readonly turns: ServingTurn[];
  /** Each time that it was asked. */
  readonly said: Said[];
}

/** What a file or a broker has that the service writes to: everything at least once. */
export interface Storing extends Followed {
  readonly way: "storage";
  readonly concurrency: number;
  /** It drops what it has. */
  readonly dropsDoubles: boolean;
  /** How often the service or the broker was hurt: what was under way then may come again. */
  hurts: number;
  /** In the order in which they came; read at the end. */
  readonly taken: Taken[];
  /** What the service said last: its position, and how much isn't handed on. */
  left: { readonly seq: number; readonly records: number } | undefined;
}

export type FollowerRecord = Walk | Consumption | Reception | Storing;
