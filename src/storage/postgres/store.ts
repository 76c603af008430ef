/**
 * The PostgreSQL engine: any number of replicas on one database. Each commits what waits in groups,
 * several at once; the database decides what is new, and is asked what became of a commit whose
 * answer was lost.
 */
import type { Beginning, Changes, ChangesQuery, ChangesText, Lag, LagQuery } from "../../core/changes.ts";
import type { ConsumerStore } from "../../core/consumers.ts";
import type { DeliveryStore } from "../../core/deliveries.ts";
import { ShuttingDown, StorageUnavailable } from "../../core/errors.ts";
import { changesText } from "../../core/record-text.ts";
import type { ChangesCounts, SeriesStore } from "../../core/series.ts";
import type {
  EventPage,
  EventQuery,
  Intake,
  MessageQuery,
  Outcome,
  Page,
  SenderPage,
  SenderQuery,
  Stats,
  Store,
  StoredMessage,
  StoreFigures,
} from "../../core/store.ts";
import type { NewId } from "../../lib/chance.ts";
import type { Clock } from "../../lib/clock.ts";
import { inTime } from "../../lib/in-time.ts";
import { SharedRun } from "../../lib/shared-run.ts";
import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import type { QueueLimits } from "../intake-queue.ts";
import { tellUpgrade } from "../tell-upgrade.ts";
import { WakeUps } from "../wake-ups.ts";
import { Availability } from "./connection/availability.ts";
import { boundedTransaction } from "./connection/bounded-transaction.ts";
import { Connection, HANG_MS, type Session, SNAPSHOT } from "./connection/connection.ts";
import { Direct } from "./connection/direct.ts";
import { failureOf } from "./connection/failures.ts";
import { refuseUnfinished } from "./connection/migration-mark.ts";
import { migrate } from "./connection/schema.ts";
import { StandbyReport } from "./connection/standby-report.ts";
import { makeLaterIndexes } from "./derived/batch-indexes.ts";
import { FollowSchedule } from "./derived/follow-schedule.ts";
import { numberAll, recount } from "./derived/numbering.ts";
import { makeSearchIndex } from "./derived/search-index.ts";
import { claim } from "./ingest/claims.ts";
import { Commits, LATE_MS, PROBE_MS_MAX } from "./ingest/commits.ts";
import { PostgresConsumers } from "./ingest/consumers.ts";
import { PostgresDeliveries } from "./ingest/deliveries.ts";
import { GROUPS_AT_ONCE, GroupCommit } from "./ingest/group-commit.ts";
import { PostgresSeries } from "./ingest/series.ts";
import { onceNumbered, readChanges } from "./reads/changes.ts";
import { changesCounts } from "./reads/changes-counts.ts";
import { listEvents } from "./reads/event-queries.ts";
import { failureReads } from "./reads/failures.ts";
import { readLag } from "./reads/lag.ts";
import { listMessages, readStats } from "./reads/message-queries.ts";
import { readMessage } from "./reads/one-message.ts";
import { readPositionAt } from "./reads/positions.ts";
import { listSenders } from "./reads/sender-pages.ts";
import { readSenders, type Sender } from "./reads/senders.ts";
import { seriesReads } from "./reads/series.ts";
import { TimedReads } from "./reads/timed-reads.ts";

interface PostgresOptions extends QueueLimits {
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

/** Two more connections: for counts, and for probes. */
const WRITE_CONNECTIONS = GROUPS_AT_ONCE + 2;
/** For whoever serves destinations; made when first used. */
const DELIVERY_CONNECTIONS = 2;
/** They are decoded in the thread that acknowledges: no more of them at once. */
const COUNTED_RECORDS = 1000;
const COMMIT_FRESH_MS = 5000;
const PROBE_EVERY_MS = 1000;
const CONNECT_TIMEOUT_S = 5;
const CLOSE_MS_MAX = 1000;
const INDEXES_AGAIN_MS = 60_000;
/** Of those that reads ask for: each is a commit of its own beside those of messages. */
const NUMBERINGS_APART_MS = 25;

/**
 * Opens the database, whose tables are made when missing. Throws `StartRefused` when the server
 * won't do; one that can't be reached is tried again and again, and until then nothing is taken.
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

class PostgresStore implements Store {
  readonly consumers: ConsumerStore;
  readonly deliveries: DeliveryStore;
  readonly series: SeriesStore;
  readonly #options: PostgresOptions;
  readonly #replica: string;
  readonly #writes: Connection;
  readonly #direct: Direct;
  readonly #timed: TimedReads;
  readonly #serving: TimedReads;
  /** Counts for numbers over time, and writes them: what it waits for keeps nobody else waiting. */
  readonly #counting: TimedReads;
  readonly #availability: Availability;
  readonly #commits: Commits;
  readonly #groups: GroupCommit;
  readonly #standbys: StandbyReport;
  readonly #following: FollowSchedule;
  readonly #wakeUps = new WakeUps();
  #committedAt = Number.NEGATIVE_INFINITY;
  #probe: { readonly at: number; readonly outcome: Promise<void> } | undefined;
  #isPrepared = false;
  #indexing: ReturnType<typeof setTimeout> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: PostgresOptions) {
    const { url, directUrl, readUrl, readThreads, clock, newId, log } = options;
    this.#replica = newId();
    const connectTimeoutS = CONNECT_TIMEOUT_S;
    this.#options = options;
    this.#writes = new Connection(url, { connectionsMax: WRITE_CONNECTIONS, connectTimeoutS });
    const numbering = new SharedRun(() => numberAll(this.#writes), NUMBERINGS_APART_MS, clock);
    this.#direct = new Direct({ url: directUrl, others: this.#writes, newId, log });
    const timing = {
      url,
      connectTimeoutS,
      clock,
      log,
      timeoutMs: options.queryTimeoutMs,
      number: () => numbering.run(),
    };
    this.#timed = new TimedReads({ ...timing, readUrl, connectionsMax: 2 * readThreads });
    this.#serving = new TimedReads({ ...timing, readUrl: undefined, connectionsMax: DELIVERY_CONNECTIONS });
    const operating = primaryOf(this.#timed);
    const serving = primaryOf(this.#serving);
    this.consumers = new PostgresConsumers(operating);
    this.deliveries = new PostgresDeliveries({
      reads: failureReads(serving.read, operating.read),
      serving: { ...serving, attempt: (work) => this.#serving.attempt(work) },
      operating,
      newId,
    });
    this.#counting = new TimedReads({ ...timing, readUrl: undefined, connectionsMax: 1 });
    this.series = new PostgresSeries({
      reads: seriesReads(operating.read),
      read: operating.read,
      change: (work) => this.#counting.change(work),
      attempt: (work) => this.#counting.attempt(work),
    });
    this.#availability = new Availability({ clock, log, check: () => this.#prepare() });
    this.#standbys = new StandbyReport(log);
    this.#commits = new Commits({
      connection: this.#writes,
      availability: this.#availability,
      clock,
      newId,
      metrics: options.metrics,
    });
    this.#following = new FollowSchedule({
      connection: this.#writes,
      replica: this.#replica,
      clock,
      log,
      wakeUps: this.#wakeUps,
    });
    this.#groups = new GroupCommit({
      limits: options,
      clock,
      availability: this.#availability,
      commits: this.#commits,
      onWritten: ({ messages, events }) => {
        this.#committedAt = clock.elapsed();
        this.#following.created(messages, events);
        if (messages + events > 0) this.#wakeUps.wake();
      },
    });
  }

  /** The first look at the database. Throws `StartRefused`. */
  async begin(): Promise<void> {
    await this.#availability.begin();
    await this.#timed.begin();
    if (this.#availability.reason === undefined) await this.#following.begin();
    else void this.#following.begin();
  }

  append(intake: Intake): Promise<readonly Outcome[]> {
    if (this.#closing !== undefined) return Promise.reject(new ShuttingDown("shutting down"));
    return this.#groups.append(intake);
  }

  list(query: MessageQuery): Promise<Page> {
    return this.#timed.ask((session) => listMessages(session, query));
  }

  stats(): Promise<Stats> {
    return this.#timed.ask(readStats);
  }

  listSenders(query: SenderQuery): Promise<SenderPage> {
    return this.#timed.ask((session) => listSenders(session, query));
  }

  events(query: EventQuery): Promise<EventPage> {
    return this.#timed.ask((session, checkTime) => listEvents(session, query, checkTime));
  }

  message(messageId: string): Promise<StoredMessage | undefined> {
    return this.#timed.ask((session) => readMessage(session, messageId));
  }

  changes(query: ChangesQuery): Promise<Changes> {
    return this.#changes(this.#timed, query);
  }

  async changesText(query: ChangesQuery): Promise<ChangesText> {
    return changesText(await this.changes(query), query.bodies === true);
  }

  async changesCounts(query: Pick<ChangesQuery, "after" | "mark">): Promise<ChangesCounts> {
    return changesCounts(await this.#changes(this.#counting, { ...query, limit: COUNTED_RECORDS }));
  }

  positionAt(beginning: Beginning): Promise<string> {
    return this.#timed.ask(
      onceNumbered((session) => readPositionAt(session, beginning)),
      "the primary",
    );
  }

  lag(query: LagQuery): Promise<Lag | undefined> {
    return this.#timed.ask(
      onceNumbered((session) => readLag(session, query)),
      "the primary",
    );
  }

  senders(messageIds: readonly string[]): Promise<ReadonlyMap<string, Sender>> {
    return this.#timed.ask((session) => readSenders(session, messageIds), "the primary");
  }

  onChanges(listener: () => void): () => void {
    return this.#wakeUps.add(listener);
  }

  /** What was given before is stored before the names are looked at. */
  async claimSources(names: readonly string[]): Promise<readonly string[]> {
    await this.#groups.settled();
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
    const stored = this.#following.figures;
    return {
      storedMessages: stored?.messages,
      storedEvents: stored?.events,
      queueRows: this.#groups.rows,
      queueRowsMax: this.#options.queueRowsMax,
      disk: undefined,
      databaseBytes: stored?.bytes,
      walBytes: 0,
      indexBytes: 0,
      followerLagRows: stored === undefined ? {} : { counts: stored.unnumberedRows },
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

  /**
   * Who waits for the server to come back is told that it is away: a process that ends has no time
   * for it.
   */
  async #close(): Promise<void> {
    clearTimeout(this.#indexing);
    this.#availability.close();
    await this.#groups.idle();
    await this.#following.close(this.#availability.reason === undefined);
    const timeoutS = CLOSE_MS_MAX / 1000;
    const all = [this.#writes, this.#timed, this.#serving, this.#counting, this.#direct];
    await Promise.all(all.map((each) => each.close(timeoutS)));
  }

  /**
   * What the database must be before anything is written, and that something can be; throws
   * `StartRefused`.
   */
  async #prepare(): Promise<void> {
    // First: where no standby is there, what follows would wait for one, and nobody would know why.
    await this.#standbys.look(this.#writes);
    const upgrade = await migrate(this.#writes, {
      newer: this.#isPrepared ? "bear" : "refuse",
      hangMs: PROBE_MS_MAX + HANG_MS,
      direct: this.#direct,
    });
    if (upgrade !== undefined) tellUpgrade(this.#options.log, upgrade);
    await boundedTransaction(this.#writes, SNAPSHOT, refuseUnfinished);
    await this.#commits.probe();
    if (this.#isPrepared) return;
    await this.#direct.check();
    this.#isPrepared = true;
    void this.#prepareBatches().then(() => this.#prepareSearches());
  }

  async #changes(reads: TimedReads, query: ChangesQuery): Promise<Changes> {
    const reading = onceNumbered((session) => readChanges(session, query));
    const { changes, isHeldBack } = await reads.ask(reading, "the primary");
    if (isHeldBack) this.#following.lookAgain();
    return changes;
  }

  /** Until the indexes are there, reads of the log, and of events by type, look at every row. */
  async #prepareBatches(isTold = false): Promise<void> {
    const reason = await makeLaterIndexes(this.#direct, this.#replica).catch(
      (error) => failureOf(error).reason,
    );
    if (reason === undefined || this.#closing !== undefined) return;
    if (!isTold)
      this.#options.log.warn(
        "indexes are not there yet: reads of the log, and of events by type, take long",
        {
          reason,
        },
      );
    this.#indexing = setTimeout(() => void this.#prepareBatches(true), INDEXES_AGAIN_MS);
  }

  async #prepareSearches(): Promise<void> {
    const { log } = this.#options;
    try {
      if (await this.#direct.use((connection) => makeSearchIndex(connection, this.#replica))) return;
      if (this.#closing !== undefined) return;
      log.warn("pg_trgm is not there and may not be created: searches look at every text");
    } catch (error) {
      if (this.#closing !== undefined) return;
      log.warn("the index for searches could not be looked at", { reason: String(error) });
    }
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

/** What no standby may answer. */
function primaryOf(timed: TimedReads) {
  return {
    read: <T>(work: (session: Session) => Promise<T>) => timed.ask(work, "the primary"),
    change: <T>(work: (session: Session) => Promise<T>) => timed.change(work),
  };
}
