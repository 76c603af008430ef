/**
 * The SQLite engine: the queue in front of the writer, and what the other threads are told and
 * when. The database itself is touched by the threads alone.
 */
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { IntakeRejected, ShuttingDown, StorageUnavailable } from "../../core/errors.ts";
import type { SeriesStore } from "../../core/series.ts";
import type { Intake, Outcome, Store, StoreFigures } from "../../core/store.ts";
import { type Clock, isoTicker } from "../../lib/clock.ts";
import { syncFolder } from "../../lib/sync-folder.ts";
import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import { IntakeQueue, type QueueLimits, type Waiting } from "../intake-queue.ts";
import { tellUpgrade } from "../tell-upgrade.ts";
import { WakeUps } from "../wake-ups.ts";
import { isBroken, openFailure, reasonOf } from "./connection/damage.ts";
import { DamageReport, unavailable } from "./connection/damage-report.ts";
import { diskOf, extendLog, isNew, prepareFolder, sizeOf } from "./connection/files.ts";
import { FilesInPlace } from "./connection/files-in-place.ts";
import { type FileLock, lockFile } from "./connection/lock.ts";
import { warnOfOthers } from "./connection/private-files.ts";
import { Thread } from "./connection/thread.ts";
import { FollowSchedule } from "./derived/follow-schedule.ts";
import { INDEX_LIMITS, type IndexLimits } from "./derived/followers.ts";
import type { FollowerOpened } from "./derived/protocol.ts";
import { INDEX_THREAD } from "./derived/threads.ts";
import { Checkpoints } from "./ingest/checkpoints.ts";
import { SqliteConsumers } from "./ingest/consumers.ts";
import { SqliteDeliveries } from "./ingest/deliveries.ts";
import { isRefusal, type Result } from "./ingest/group-commit.ts";
import { type QueuedIntake, queued } from "./ingest/post-log.ts";
import type {
  ClaimReport,
  GroupReport,
  OpenReport,
  SeriesReport,
  SomeFailuresReport,
  WriteReport,
  WriterAsk,
} from "./ingest/protocol.ts";
import { SqliteSeries } from "./ingest/series.ts";
import { CHECKPOINTER_THREAD, WRITER_THREAD } from "./ingest/threads.ts";
import { failureReads } from "./reads/failure-reads.ts";
import { seriesReads } from "./reads/series-reads.ts";
import { StoreReads } from "./reads/store-reads.ts";
import { READER_THREAD } from "./reads/threads.ts";
import { TimedReads } from "./reads/timed-reads.ts";

export interface SqliteOptions extends QueueLimits {
  /** The real one (`realFile`): another name of the file would have another lock. */
  readonly path: string;
  readonly queryTimeoutMs: number;
  readonly readThreads: number;
  /** Rows by which the followers may be behind before they take precedence over new messages. */
  readonly followerLagRowsMax: number;
  /** Tests make them tiny. */
  readonly indexLimits?: IndexLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told when a thread ended by itself: the process can't keep its promise and has to end. */
  readonly onFatal: (reason: string) => void;
}

/**
 * So many intakes are sent at once, so that the writer works while the rest of the turn's are still
 * read.
 */
const SEND_AT = 16;
/** Processors that the main thread and the writer can use by themselves: reads don't take them. */
const ACKNOWLEDGING_THREADS = 2;
const COMMIT_FRESH_MS = 5000;
const PROBE_EVERY_MS = 1000;
const REOPEN_EVERY_MS = 1000;
const FILE_DISPLACED = "a file of the database was moved, replaced or removed";

/** Opens the database, which is made when missing. Throws `StartRefused` when that can't be. */
export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const { path } = options;
  prepareFolder(path);
  const lock = lockFile(path);
  try {
    const writer = new Thread("writer", WRITER_THREAD, options.onFatal);
    // A new file is made and closed first: opening an empty one, SQLite would throw its write-ahead
    // log away.
    if (isNew(path)) await writer.ask({ do: "make", path });
    extendLog(path);
    const end = await writer.ask<OpenReport>({ do: "open", path });
    if (end.upgrade !== undefined) tellUpgrade(options.log, end.upgrade);
    syncFolder(dirname(path));
    const limits = options.indexLimits ?? INDEX_LIMITS;
    const follower = new Thread("follower", INDEX_THREAD, options.onFatal);
    const followed = await follower.ask<FollowerOpened>({ do: "open", path, limits });
    const damage = new DamageReport(options);
    for (const { file, ...why } of followed.damaged) damage.indexRemoved(file, why);
    for (const upgrade of followed.upgrades) tellUpgrade(options.log, upgrade);
    const threads = Array.from(
      { length: options.readThreads },
      () => new Thread("reader", READER_THREAD, options.onFatal),
    );
    for (const thread of threads) thread.onDamagedRow = (row) => damage.row(row);
    const reads = new TimedReads(threads, {
      clock: options.clock,
      timeoutMs: options.queryTimeoutMs,
      atOnce: Math.max(1, availableParallelism() - ACKNOWLEDGING_THREADS),
      onDamage: (met) => damage.failed(met),
    });
    await reads.open(path, followed.index, limits);
    const checkpointer = new Thread("checkpointer", CHECKPOINTER_THREAD, options.onFatal);
    await checkpointer.ask({ do: "open", path });
    warnOfOthers(path, options.log);
    const files = new FilesInPlace(path, end.files);
    const opened = { writer, reads, checkpointer, follower, lock, end, followed, damage, files };
    return new SqliteStore(options, opened);
  } catch (error) {
    lock.release();
    throw openFailure(path, error);
  }
}

/** What the store has opened. */
interface Opened {
  readonly writer: Thread;
  readonly reads: TimedReads;
  readonly checkpointer: Thread;
  readonly follower: Thread;
  readonly lock: FileLock;
  /** Where the log ended when it was opened, and what was kept then. */
  readonly end: OpenReport;
  readonly followed: FollowerOpened;
  readonly damage: DamageReport;
  /** As the writer has them; here it is looked at whether they have their names for readiness. */
  readonly files: FilesInPlace;
}

class SqliteStore extends StoreReads implements Store {
  readonly consumers: SqliteConsumers;
  readonly deliveries: SqliteDeliveries;
  readonly series: SeriesStore;
  readonly #options: SqliteOptions;
  readonly #opened: Opened;
  readonly #checkpoints: Checkpoints;
  readonly #following: FollowSchedule;
  readonly #wakeUps = new WakeUps();
  readonly #now: () => string;
  readonly #queue: IntakeQueue<QueuedIntake>;
  /** What the writer has now, in the order in which it was sent. */
  readonly #underway: Waiting<QueuedIntake>[] = [];
  #kicked = false;
  #delayed = false;
  /** At the start; undefined until they are counted. */
  #storedMessages: number | undefined;
  /** Since the start. */
  readonly #created = { messages: 0, events: 0 };
  #committedAt = Number.NEGATIVE_INFINITY;
  /** Why nothing can be written at the moment. */
  #broken: string | undefined;
  #probe: { readonly at: number; readonly outcome: Promise<void> } | undefined;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #reopenTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SqliteOptions, opened: Opened) {
    super(opened.reads);
    this.#options = options;
    this.#opened = opened;
    this.#now = isoTicker(options.clock);
    this.#queue = new IntakeQueue(options, queued);
    this.consumers = new SqliteConsumers(
      opened.end.consumers,
      async (changes) => void (await this.#write({ do: "consumers", ...changes })),
      options.clock,
    );
    this.deliveries = new SqliteDeliveries({
      destinations: opened.end.destinations,
      reads: failureReads(opened.reads),
      write: async (writes) => void (await this.#write({ do: "deliveries", writes: JSON.stringify(writes) })),
      changeSome: (slice) => this.#write<SomeFailuresReport>({ do: "some-failures", ...slice }),
      clock: options.clock,
    });
    this.series = new SqliteSeries({
      reads: seriesReads(opened.reads),
      write: async (write) => (await this.#write<SeriesReport>({ do: "series", write })).given,
      clock: options.clock,
    });
    this.#checkpoints = new Checkpoints({
      ...opened,
      withoutReads: (work) => this.#following.without(() => opened.reads.without(work)),
      onFailure: (reason) => this.#broke(reason),
    });
    this.#following = new FollowSchedule(
      {
        follower: opened.follower,
        lagRowsMax: options.followerLagRowsMax,
        first: opened.followed,
        log: options.log,
        clock: options.clock,
        onLogUnreadable: (reason) => opened.damage.logUnreadable(reason),
        onSwap: (index) => opened.reads.open(options.path, index, options.indexLimits ?? INDEX_LIMITS),
        onCaughtUp: () => this.#dropOldIndex(),
      },
      opened.end,
    );
    opened.damage.onIndexDamage = (met) => this.#following.damaged(met);
    opened.writer.onReport((report) => this.#committed(JSON.parse(report) as GroupReport));
    if (opened.end.row === 0) this.#storedMessages = 0;
    opened.reads.count().then(
      // Of what the snapshot held, that much was created since the start and is counted already.
      ({ messages, row }) => {
        this.#storedMessages = messages - (row - opened.end.row);
      },
      () => undefined,
    );
  }

  append(intake: Intake): Promise<readonly Outcome[]> {
    if (this.#closing !== undefined) return Promise.reject(new ShuttingDown("shutting down"));
    if (this.#broken !== undefined) return Promise.reject(unavailable(this.#broken));
    const outcomes = this.#queue.add(intake, this.#now());
    if (this.#queue.unsent >= SEND_AT && !this.#delayed) this.#send();
    else this.#kick();
    return outcomes;
  }

  onChanges(listener: () => void): () => void {
    return this.#wakeUps.add(listener);
  }

  /**
   * The writer is asked once it has stored all that was given before: groups and questions come by
   * different ways.
   */
  async claimSources(names: readonly string[]): Promise<readonly string[]> {
    await this.append({ messages: [] });
    return (await this.#opened.writer.ask<ClaimReport>({ do: "claim", names })).refused;
  }

  ping(): Promise<void> {
    const now = this.#options.clock.elapsed();
    const displaced = this.#opened.files.look();
    if (displaced !== undefined) this.#broke(displaced.reason);
    if (this.#broken !== undefined)
      return Promise.reject(
        displaced === undefined
          ? unavailable(this.#broken)
          : new StorageUnavailable(`storage unavailable: ${FILE_DISPLACED}`, this.#broken),
      );
    if (now - this.#committedAt < COMMIT_FRESH_MS) return Promise.resolve();
    if (this.#probe === undefined || now - this.#probe.at >= PROBE_EVERY_MS) {
      this.#probe = { at: now, outcome: this.#writeProbe() };
    }
    return this.#probe.outcome;
  }

  figures(): StoreFigures {
    const { path } = this.#options;
    return {
      storedMessages:
        this.#storedMessages === undefined ? undefined : this.#storedMessages + this.#created.messages,
      storedEvents: this.#opened.end.event + this.#created.events,
      queueRows: this.#queue.rows,
      queueRowsMax: this.#options.queueRowsMax,
      disk: diskOf(path),
      databaseBytes: sizeOf(path),
      walBytes: sizeOf(`${path}-wal`),
      readLagSeconds: 0,
      indexBytes: sizeOf(this.#following.index) + sizeOf(`${this.#following.index}-wal`),
      followerLagRows: this.#following.lags,
    };
  }

  rebuildIndex(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new ShuttingDown("shutting down"));
    if (this.#broken !== undefined)
      return Promise.reject(new StorageUnavailable("storage unavailable", this.#broken));
    return this.#following.rebuild();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#reopenTimer);
    if (!this.#queue.isEmpty) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await Promise.all([this.#checkpoints.settled(), this.#following.close()]);
    const { reads, checkpointer, follower, writer, lock } = this.#opened;
    await reads.close();
    await follower.close();
    await writer.close();
    // The last one to leave copies the log into the database and removes it.
    await checkpointer.close();
    lock.release();
  }

  /**
   * What arrives in one turn of the event loop is sent together, if few; the writer takes all that
   * was sent.
   */
  #kick(): void {
    if (this.#kicked) return;
    this.#kicked = true;
    setImmediate(() => {
      this.#kicked = false;
      this.#send();
    });
  }

  /** While the followers are too far behind, groups wait for them. */
  #send(): void {
    if (this.#queue.unsent === 0) return;
    const delayMs = this.#following.delayMs;
    if (delayMs > 0 && !this.#delayed) {
      this.#delayed = true;
      this.#kicked = true;
      setTimeout(() => {
        this.#kicked = false;
        this.#send();
      }, delayMs);
      return;
    }
    this.#delayed = false;
    const group = this.#queue.send();
    for (const waiting of group) this.#underway.push(waiting);
    this.#opened.writer.sendGroup(JSON.stringify(group.map(({ queued }) => queued)));
  }

  #committed(report: GroupReport): void {
    const { clock, metrics } = this.#options;
    const group = this.#underway.splice(0, report.results.length);
    this.#queue.leave(group);
    this.#created.messages += report.messages;
    this.#created.events += report.events;
    if (report.messages + report.events > 0) {
      const { row, event } = this.#opened.end;
      this.#following.logEndsAt({ row: row + this.#created.messages, event: event + this.#created.events });
      this.#wakeUps.wake();
    }
    let committed = 0;
    for (let index = 0; index < group.length; index++) {
      const waiting = group[index];
      const result = report.results[index];
      if (waiting === undefined || result === undefined) continue;
      if (this.#settle(waiting, result)) committed += waiting.rows;
    }
    if (committed > 0) {
      this.#committedAt = clock.elapsed();
      metrics.commitRows.observe(committed);
      metrics.commitSeconds.observe(report.seconds);
    }
    this.#checkpoints.logHolds(report.walPages);
    if (this.#queue.isEmpty) this.#idle?.();
  }

  /** A file of the first schema served by that index while the index file was made. */
  async #dropOldIndex(): Promise<void> {
    try {
      await this.#opened.writer.ask({ do: "drop-old-index" });
    } catch (error) {
      this.#options.log.warn("an index of an older schema can't be dropped yet", { reason: String(error) });
    }
  }

  /** Tells one intake what became of it; whether it is stored. */
  #settle(waiting: Waiting<QueuedIntake>, result: Result): boolean {
    if (!isRefusal(result)) {
      waiting.resolve(result);
      return true;
    }
    if (result.kind === "data") {
      waiting.reject(new IntakeRejected("the store refused this delivery", result.reason));
      return false;
    }
    this.#committedAt = Number.NEGATIVE_INFINITY;
    waiting.reject(unavailable(result.reason));
    if (result.kind === "disk") this.#broke(result.reason);
    return false;
  }

  /** Beside the groups. */
  async #write<Report extends WriteReport>(ask: WriterAsk): Promise<Report> {
    if (this.#closing !== undefined) throw new ShuttingDown("shutting down");
    if (this.#broken !== undefined) throw unavailable(this.#broken);
    const report = await this.#asked<Report>(ask);
    this.#checkpoints.logHolds(report.walPages);
    return report;
  }

  async #writeProbe(): Promise<void> {
    await this.#asked({ do: "probe" });
    this.#committedAt = this.#options.clock.elapsed();
  }

  /** Throws `IntakeRejected` for what the engine refuses by itself, else `StorageUnavailable`. */
  async #asked<T>(ask: WriterAsk): Promise<T> {
    try {
      return await this.#opened.writer.ask<T>(ask);
    } catch (error) {
      const reason = reasonOf(error);
      if (/^SQLITE_CONSTRAINT/.test(reason))
        throw new IntakeRejected("the store refused this change", reason);
      if (!/^SQLITE_(FULL|BUSY)/.test(reason)) this.#broke(reason);
      throw unavailable(reason);
    }
  }

  /**
   * From now on nothing is taken until the database is open again and everything in it synced. A
   * file whose structure is broken is left alone: what more is written could damage more, and what
   * is a duplicate can't be told for sure.
   */
  #broke(reason: string): void {
    if (this.#broken !== undefined && (isBroken(this.#broken) || !isBroken(reason))) return;
    this.#broken = reason;
    this.#opened.damage.writingStopped(reason);
    const error = unavailable(reason);
    const unsent = this.#queue.send();
    this.#queue.leave(unsent);
    for (const waiting of unsent) waiting.reject(error);
    if (!isBroken(reason)) this.#reopenLater();
  }

  #reopenLater(): void {
    if (this.#closing !== undefined) return;
    this.#reopenTimer = setTimeout(() => void this.#reopen(), REOPEN_EVERY_MS);
  }

  async #reopen(): Promise<void> {
    const { path, log, clock } = this.#options;
    try {
      // It looks at the files itself, and saves what a log holds that has lost its name.
      const { destinations } = await this.#opened.writer.ask<OpenReport>({ do: "reopen" });
      this.deliveries.opened(destinations);
      await this.#opened.checkpointer.ask({ do: "open", path });
      this.#broken = undefined;
      this.#committedAt = clock.elapsed();
      log.warn("the database is open again");
      // What was refused because its sync failed may be there all the same.
      this.#wakeUps.wake();
    } catch (error) {
      const reason = reasonOf(error);
      if (isBroken(reason)) return this.#broke(reason);
      if (reason !== this.#broken) log.error("the database can't be opened yet", { reason });
      this.#broken = reason;
      this.#reopenLater();
    }
  }
}
