/**
 * The PostgreSQL engine: any number of replicas on one database. Each commits what waits in groups, several at once;
 * the database decides what is new, and is asked what became of a commit whose answer was lost.
 */
import { DeliveryRejected, ShuttingDown, StorageUnavailable } from "../../core/errors.ts";
import type {
  Delivery,
  EventPage,
  EventQuery,
  MessageQuery,
  Outcome,
  Page,
  Stats,
  Store,
  StoredMessage,
  StoreFigures,
} from "../../core/store.ts";
import type { NewId } from "../../lib/chance.ts";
import { type Clock, isoTicker } from "../../lib/clock.ts";
import { inTime } from "../../lib/in-time.ts";
import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import { DeliveryQueue, type QueueLimits, type Waiting } from "../delivery-queue.ts";
import { Availability } from "./availability.ts";
import type { QueuedDelivery, Written } from "./batch.ts";
import { beside } from "./beside.ts";
import { claim } from "./claims.ts";
import { COMMIT_MS_MAX, Commits, HANG_MS, LATE_MS, PROBE_MS_MAX } from "./commits.ts";
import { Connection } from "./connection.ts";
import { Direct } from "./direct.ts";
import { listEvents, readMessage } from "./event-queries.ts";
import { failureOf } from "./failures.ts";
import { foldAll, recount } from "./fold.ts";
import { Folding } from "./folding.ts";
import { refuseUnfinished } from "./migration-mark.ts";
import { listMessages, readStats } from "./queries.ts";
import { migrate } from "./schema.ts";
import { makeSearchIndex } from "./search-index.ts";
import { StandbyReport } from "./standby-report.ts";
import { TimedReads } from "./timed-reads.ts";

export interface PostgresOptions extends QueueLimits {
  readonly url: string;
  /** The same database without a pooler. */
  readonly directUrl?: string | undefined;
  /** Of a hot standby that answers reads. */
  readonly readUrl?: string | undefined;
  readonly queryTimeoutMs: number;
  /** Connections that answer reads, one read at a time each. */
  readonly readThreads: number;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told when the process can't go on and has to end. */
  readonly onFatal: (reason: string) => void;
}

/** Transactions under way at once: while one waits for the disk, the next ones are made. */
const GROUPS_AT_ONCE = 4;
/** Two more connections: for counts, and for probes. */
const WRITE_CONNECTIONS = GROUPS_AT_ONCE + 2;
const GROUP_ROWS_MAX = 256;
/** Beside another transaction one begins when so many deliveries wait, or this long after that one began. */
const SECOND_GROUP_MIN = 32;
const HOLD_MS_MAX = 20;
const ATTEMPTS_MAX = 10;
const COMMIT_FRESH_MS = 5000;
const PROBE_EVERY_MS = 1000;
const CONNECT_TIMEOUT_S = 5;

const CLOSE_MS_MAX = 1000;

const TOO_LONG = "the commit takes too long";

/**
 * Opens the database, whose tables are made when missing. Throws `StartRefused` when the server won't do; one that
 * can't be reached is tried again and again, and until then nothing is taken.
 */
export async function openPostgres(options: PostgresOptions): Promise<Store> {
  const store = new PostgresStore(options);
  try {
    await store.begin();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

type Group = readonly Waiting<QueuedDelivery>[];

class PostgresStore implements Store {
  readonly #options: PostgresOptions;
  readonly #replica: string;
  readonly #writes: Connection;
  readonly #direct: Direct;
  readonly #timed: TimedReads;
  readonly #queue: DeliveryQueue<QueuedDelivery>;
  readonly #availability: Availability;
  readonly #commits: Commits;
  readonly #standbys: StandbyReport;
  readonly #folding: Folding;
  readonly #now: () => string;
  readonly #left = new WeakSet<Waiting<QueuedDelivery>>();
  readonly #appends = new Set<Promise<unknown>>();
  #groups = 0;
  /** When the last of them began. */
  #sentAt = 0;
  #held: ReturnType<typeof setTimeout> | undefined;
  /** Of them, those that nobody waits for any more. */
  #lateGroups = 0;
  #kicked = false;
  #committedAt = Number.NEGATIVE_INFINITY;
  #probe: { readonly at: number; readonly outcome: Promise<void> } | undefined;
  #idle: (() => void) | undefined;
  #isPrepared = false;
  #closing: Promise<void> | undefined;

  constructor(options: PostgresOptions) {
    const { url, directUrl, readUrl, readThreads, clock, newId, log } = options;
    this.#replica = newId();
    const connectTimeoutS = CONNECT_TIMEOUT_S;
    this.#options = options;
    this.#now = isoTicker(clock);
    this.#writes = new Connection(url, { connectionsMax: WRITE_CONNECTIONS, connectTimeoutS });
    this.#direct = new Direct({ url: directUrl, others: this.#writes, newId, log });
    this.#timed = new TimedReads({
      url,
      readUrl,
      connectionsMax: 2 * readThreads,
      connectTimeoutS,
      clock,
      log,
      timeoutMs: options.queryTimeoutMs,
      number: () => foldAll(this.#writes),
    });
    this.#queue = new DeliveryQueue(options, (delivery, createdAt) => ({ delivery, createdAt }));
    this.#availability = new Availability({ clock, log, check: () => this.#prepare() });
    this.#standbys = new StandbyReport(log);
    this.#commits = new Commits({
      connection: this.#writes,
      availability: this.#availability,
      clock,
      newId,
      metrics: options.metrics,
    });
    this.#folding = new Folding({
      connection: this.#writes,
      replica: this.#replica,
      clock,
      log,
    });
  }

  /** The first look at the database. Throws `StartRefused`. */
  async begin(): Promise<void> {
    await this.#availability.begin();
    await this.#timed.begin();
    if (this.#availability.reason === undefined) await this.#folding.begin();
    else void this.#folding.begin();
  }

  append(delivery: Delivery): Promise<readonly Outcome[]> {
    if (this.#closing !== undefined) return Promise.reject(new ShuttingDown("shutting down"));
    if (this.#lateGroups === GROUPS_AT_ONCE)
      return Promise.reject(new StorageUnavailable("storage unavailable", TOO_LONG));
    const outcomes = this.#queue.add(delivery, this.#now());
    this.#appends.add(outcomes);
    const done = () => this.#appends.delete(outcomes);
    outcomes.then(done, done);
    this.#kick();
    return outcomes;
  }

  list(query: MessageQuery): Promise<Page> {
    return this.#timed.ask((session) => listMessages(session, query));
  }

  stats(): Promise<Stats> {
    return this.#timed.ask(readStats);
  }

  events(query: EventQuery): Promise<EventPage> {
    return this.#timed.ask((session) => listEvents(session, query));
  }

  message(messageId: string): Promise<StoredMessage | undefined> {
    return this.#timed.ask((session) => readMessage(session, messageId));
  }

  /** What was given before is stored before the names are looked at. */
  async claimSources(names: readonly string[]): Promise<readonly string[]> {
    await Promise.allSettled([...this.#appends]);
    const claiming = () => this.#writes.transaction("read write", (session) => claim(session, names));
    if (await this.#availability.wait()) return claiming();
    // The names are used all the same; what is wrong with them is said when the database is there.
    this.#availability.whenBack(async () => {
      const refused = await claiming();
      if (refused.length > 0)
        this.#options.onFatal(
          `the ranges of the sources ${refused.join(", ")} hold messages of the native source`,
        );
    });
    return [];
  }

  ping(): Promise<void> {
    const now = this.#options.clock.elapsed();
    if (this.#availability.reason !== undefined)
      return Promise.reject(new StorageUnavailable("storage unavailable", this.#availability.reason));
    if (now - this.#committedAt < COMMIT_FRESH_MS) return Promise.resolve();
    if (this.#probe === undefined || now - this.#probe.at >= PROBE_EVERY_MS)
      this.#probe = { at: now, outcome: this.#writeProbe() };
    return this.#probe.outcome;
  }

  figures(): StoreFigures {
    const { messages, events, unfolded, bytes } = this.#folding.figures;
    return {
      storedMessages: messages,
      storedEvents: events,
      queueRows: this.#queue.rows,
      databaseBytes: bytes,
      walBytes: 0,
      indexBytes: 0,
      followerLagRows: { counts: unfolded },
      readLagSeconds: this.#timed.lagSeconds,
    };
  }

  async rebuildIndex(): Promise<void> {
    if (this.#closing !== undefined) throw new ShuttingDown("shutting down");
    await recount(this.#writes);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Who waits for the server to come back is told that it is away: a process that ends has no time for it. */
  async #close(): Promise<void> {
    this.#availability.close();
    if (!this.#queue.isEmpty) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await this.#folding.close(this.#availability.reason === undefined);
    const timeoutS = CLOSE_MS_MAX / 1000;
    await Promise.all([this.#writes, this.#timed, this.#direct].map((each) => each.close(timeoutS)));
  }

  /** What the database must be before anything is written, and that something can be; throws `StartRefused`. */
  async #prepare(): Promise<void> {
    // First: where no standby is there, what follows would wait for one, and nobody would know why.
    await this.#standbys.look(this.#writes);
    await migrate(this.#writes, {
      newer: this.#isPrepared ? "bear" : "refuse",
      hangMs: PROBE_MS_MAX + HANG_MS,
      direct: this.#direct,
    });
    await beside(this.#writes, "isolation level repeatable read read only", refuseUnfinished);
    await this.#commits.probe();
    if (this.#isPrepared) return;
    await this.#direct.check();
    this.#isPrepared = true;
    void this.#prepareSearches();
  }

  async #prepareSearches(): Promise<void> {
    const { log } = this.#options;
    try {
      if (await this.#direct.use((connection) => makeSearchIndex(connection, this.#replica))) return;
      log.warn("pg_trgm is not there and may not be created: searches look at every text");
    } catch (error) {
      log.warn("the index for searches could not be looked at", { reason: String(error) });
    }
  }

  /** What arrives in one turn of the event loop goes together. */
  #kick(): void {
    if (this.#kicked) return;
    this.#kicked = true;
    setImmediate(() => {
      this.#kicked = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#groups < GROUPS_AT_ONCE && this.#queue.unsent > 0 && !this.#isWorthWaiting()) {
      const group = this.#queue.send(GROUP_ROWS_MAX);
      this.#groups++;
      this.#sentAt = this.#options.clock.elapsed();
      void this.#store(group).finally(() => {
        this.#groups--;
        this.#pump();
      });
    }
  }

  /**
   * A transaction costs the server the same for one row as for many, so a few wait until the one under way is done; but
   * not long, because that one may wait for a row that somebody else holds.
   */
  #isWorthWaiting(): boolean {
    if (this.#groups === 0 || this.#queue.unsent >= SECOND_GROUP_MIN) return false;
    const leftMs = this.#sentAt + HOLD_MS_MAX - this.#options.clock.elapsed();
    if (leftMs <= 0) return false;
    this.#held ??= setTimeout(() => {
      this.#held = undefined;
      this.#pump();
    }, leftMs);
    return true;
  }

  /** Tells each delivery of the group what became of it, in time; never throws. */
  async #store(group: Group): Promise<void> {
    const deadline = this.#options.clock.elapsed() + COMMIT_MS_MAX;
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      this.#lateGroups++;
      this.#refuse(group, TOO_LONG);
      // When nothing moves any more, those behind would wait for ever.
      if (this.#lateGroups === GROUPS_AT_ONCE) this.#refuse(this.#queue.send(), TOO_LONG);
    }, COMMIT_MS_MAX + LATE_MS);
    await this.#storeUntil(deadline, group);
    clearTimeout(late);
    if (isLate) this.#lateGroups--;
  }

  async #storeUntil(deadline: number, group: Group): Promise<void> {
    let reason = TOO_LONG;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      if (!(await this.#availability.wait()) || this.#options.clock.elapsed() > deadline) break;
      const tried = await this.#commits.commit(
        group.map(({ queued }) => queued),
        deadline,
      );
      if ("written" in tried) return this.#settle(group, tried.written);
      reason = tried.reason;
      if (tried.kind === "data") return this.#apart(deadline, group, reason);
      if (tried.kind === "undecided") break;
      if (tried.kind !== "again") this.#availability.lost(reason);
    }
    this.#refuse(group, this.#availability.reason ?? reason);
  }

  /** A group that fails on data is tried in halves until the culprit stands alone. */
  async #apart(deadline: number, group: Group, reason: string): Promise<void> {
    if (group.length === 1) {
      this.#leave(group, ({ reject }) =>
        reject(new DeliveryRejected("the store refused this delivery", reason)),
      );
      return;
    }
    const half = group.length >> 1;
    await this.#storeUntil(deadline, group.slice(0, half));
    await this.#storeUntil(deadline, group.slice(half));
  }

  #settle(group: Group, { outcomes, messages, events }: Written): void {
    this.#committedAt = this.#options.clock.elapsed();
    this.#folding.created(messages, events);
    const results = new Map(group.map((waiting, index) => [waiting, outcomes[index] ?? []]));
    this.#leave(group, (waiting) => waiting.resolve(results.get(waiting) ?? []));
  }

  #refuse(group: Group, reason: string): void {
    const error = new StorageUnavailable("storage unavailable", reason);
    this.#leave(group, ({ reject }) => reject(error));
  }

  /** Each delivery leaves the queue once, and then is told; what was refused because it was late stays so. */
  #leave(group: Group, tell: (waiting: Waiting<QueuedDelivery>) => void): void {
    const waiting = group.filter((each) => !this.#left.has(each));
    for (const each of waiting) this.#left.add(each);
    this.#queue.leave(waiting);
    for (const each of waiting) tell(each);
    if (this.#queue.isEmpty) this.#idle?.();
  }

  async #writeProbe(): Promise<void> {
    const late = Object.assign(new Error("a probe's commit takes too long"), { errno: "57014" });
    try {
      await inTime(this.#commits.probe(), PROBE_MS_MAX + LATE_MS, late);
      this.#committedAt = this.#options.clock.elapsed();
    } catch (error) {
      const { kind, reason } = failureOf(error);
      if (kind === "lost" || kind === "unavailable") this.#availability.lost(reason);
      throw new StorageUnavailable("storage unavailable", reason);
    }
  }
}
