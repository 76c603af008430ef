/**
 * What Postern asks of a database while it doesn't serve it: its log read out and taken in, its
 * index examined and made anew. What an engine can't do is undefined, so that whoever wants it has
 * to ask; the suite in `tests/contract` holds every engine to what it offers.
 */

import type { Consumer } from "./consumers.ts";
import type { Destination, Failure, Replay } from "./deliveries.ts";
import type { LogRecord } from "./log-record.ts";
import type { Message } from "./message.ts";
import type { KeptHeaders } from "./parsed-body.ts";
import type { LastRecord, Refusal, SeriesOf, SeriesState, StepCount } from "./series.ts";
import type { MessageDetail, NewEvent, Outcome } from "./store.ts";

export interface Maintenance {
  /**
   * Everything from `seq` `since` on that is stored now, in pieces, in the order of the log; also
   * beside a server. Throws `StartRefused` when it can't be read, and at the first damage if nobody
   * wants to be told.
   */
  readonly exportLog: (since: number, options?: ExportOptions) => AsyncIterable<readonly LogRecord[]>;
  /**
   * Takes records in, into a database that is made when missing. Throws `DatabaseInUse` while a
   * server has it.
   */
  readonly openImport: (() => Promise<Import>) | undefined;
  /**
   * The log that a migration reads, which it never writes to. Throws `StartRefused` when it can't
   * be read.
   */
  readonly openMigrationSource: (() => Promise<MigrationSource>) | undefined;
  /**
   * The database that takes over the log with this name, made when missing. Throws `StartRefused`
   * when anything else is in it or has it open.
   */
  readonly openMigrationTarget: ((log: string) => Promise<MigrationTarget>) | undefined;
  readonly index: IndexMaintenance | undefined;
}

export interface ExportOptions {
  /** Told in words of each damage; by default the export ends there. */
  readonly onDamage?: (description: string) => void;
  /** Rows whose checksum differs are exported as they are read, and told all the same. */
  readonly includeDamaged?: boolean;
}

/**
 * One line of an import. `seq` is taken over when later than every other in the log, else the
 * record gets the next one.
 */
export type ImportRecord = MessageToImport | EventToImport | BodyToImport;

export interface MessageToImport {
  readonly message: Message;
  readonly seq?: number;
  /** Taken over; without it the time of the import stands in its place. */
  readonly createdAt?: string;
  /** Of a provider's message. */
  readonly part?: MessageDetail & { readonly source: string; readonly delivery: number };
}

export interface EventToImport {
  readonly event: NewEvent;
  readonly source: string;
  readonly delivery: number;
  readonly seq: number;
  readonly createdAt: string;
}

/** Comes right before the records that are parts of it. */
interface BodyToImport {
  readonly delivery: number;
  readonly body: Uint8Array;
  readonly headers?: KeptHeaders;
}

type OutcomeCounts = Readonly<Record<Outcome, number>>;

/**
 * Holds the database for as long as it is open; whatever stops it leaves one that the next import
 * goes on with.
 */
export interface Import {
  /** Outcomes of what is on stable storage. */
  readonly committed: { readonly messages: OutcomeCounts; readonly events: OutcomeCounts };
  /**
   * Adds a record; it is on stable storage after the next `commit`, which comes by itself now and
   * then. Undefined for a body, whose bytes are stored when one of the following records is new; a
   * problem says why it can't be added.
   */
  append(record: ImportRecord): Promise<Outcome | { readonly problem: string } | undefined>;
  /** Resolves once everything that was added is on stable storage. */
  commit(): Promise<void>;
  /**
   * Brings the index up to what is stored, so that the next server need not; yields the row that it
   * has come to.
   */
  follow(): AsyncGenerator<number, void>;
  /** What was added since the last commit is taken back. */
  close(): Promise<void>;
}

/** A destination with everything that belongs to it. */
export interface KeptDeliveries {
  readonly destination: Destination;
  readonly replays: readonly Replay[];
  /** In pieces that fit into memory, each row once. */
  readonly failures: Iterable<readonly Failure[]>;
}

/** Numbers over time, with how far they have come. */
export interface KeptSeries {
  readonly state: SeriesState;
  readonly last: readonly LastRecord[];
  /** Of each source from the oldest on. */
  readonly refusals: readonly Refusal[];
  /** In pieces that fit into memory. */
  readonly counts: Iterable<{ readonly of: SeriesOf; readonly counts: readonly StepCount[] }>;
}

export interface MigrationSource {
  /** What messages call the database. */
  readonly name: string;
  /** The name, 16 bytes in hexadecimal, that the log gave itself when it was made. */
  readonly log: string;
  /** The last `seq` when it was opened. */
  readonly seq: number;
  /** Whether nobody can write to it until it is closed. */
  readonly isStill: boolean;
  /** Those that the service keeps now. */
  consumers(): readonly Consumer[];
  deliveries(): readonly KeptDeliveries[];
  series(): KeptSeries;
  close(): Promise<void>;
}

/**
 * Each commit goes on exactly where the last one ended, so that whatever stops it, the next run
 * goes on; should anybody else write meanwhile, nothing more is taken.
 */
export interface MigrationTarget {
  /** The last `seq` that is committed. */
  readonly seq: number;
  /**
   * Adds a record of the log, in its order; it is committed by a later `append` or by `flush`.
   * Throws `StartRefused` when somebody else has written.
   */
  append(record: LogRecord): Promise<void>;
  /** Resolves once everything that was added is committed. */
  flush(): Promise<void>;
  /** Makes what searches need; at the end, because it costs most of all while rows are added. */
  index(): Promise<void>;
  /** From now on the target has these consumers and no others: they go on where they were. */
  replaceConsumers(consumers: readonly Consumer[]): Promise<void>;
  /** The same of destinations, with their failures and replays. */
  replaceDeliveries(kept: readonly KeptDeliveries[]): Promise<void>;
  /** The same of numbers over time, which go on from their position. */
  replaceSeries(kept: KeptSeries): Promise<void>;
  /** How many rows there are by the counts that were made on the way. */
  counts(): Promise<{ readonly messages: number; readonly events: number }>;
  /**
   * From now on servers may start, and nothing more can be taken over once they have stored
   * something.
   */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** The index that stands beside a log, without a server. */
export interface IndexMaintenance {
  /**
   * Compares what is derived with the log; also beside a server. Throws `StartRefused` when it
   * can't be read.
   */
  examine(): Promise<Task<Examination>>;
  /**
   * Makes what is derived anew. Throws `DatabaseInUse` while a server has the database, which can
   * be asked for it then.
   */
  rebuild(): Promise<Task<void>>;
  /**
   * Names what is derived now. Once a rebuild is done, a server's too, none of these names is there
   * any more.
   */
  names(): Promise<readonly string[]>;
}

/** Work that takes a while. */
export interface Task<T> {
  /** How many rows it is about, for whoever shows how far it is; 0 where that can't be read. */
  readonly rows: number;
  /** Does the work; yields how many of the rows are done. */
  readonly steps: AsyncGenerator<number, T>;
}

export interface Examination {
  /** The index that was examined; undefined when there is none that serves this log. */
  readonly index: string | undefined;
  readonly parts: readonly Examined[];
  /**
   * What can be done about the log itself, which isn't derived from anything; undefined when it is
   * sound.
   */
  readonly remedy: string | undefined;
}

/** One part of the database, as it was found. */
export interface Examined {
  /**
   * `log`, what is derived from it, `failures`: of deliveries, which name its records, or `series`:
   * numbers over time, which count them.
   */
  readonly part: string;
  /** Rows that were looked at. */
  readonly rows: number;
  /** What is wrong, in words; none when all is well. The first few of them. */
  readonly findings: readonly string[];
}
