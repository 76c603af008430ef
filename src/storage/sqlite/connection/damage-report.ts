/** Tells the operator of damage, each kind once, and decides what a client gets to know of it. */
import { StorageUnavailable, StoreDamaged } from "../../../core/errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../observe/log.ts";
import type { Metrics } from "../../../observe/metrics.ts";
import { type Damaged, type DamagedRow, describeRow, isBroken, REMEDY } from "./damage.ts";

/** The same damage is met again and again: it is told so often. */
const TOLD_EVERY_MS = 10 * 60_000;
/** Beyond so many rows the file is damaged as a whole, and no further one is told or counted. */
const ROWS_TOLD_MAX = 1000;

const INDEX_MADE_ANEW = "the index is damaged and is made anew from the messages, of which none is concerned";
const ROWS_DELETED = "rows were deleted from the database by hand: the index is made anew without them";

/** What an index is made anew for: the line, and what else it says. */
export function indexMadeAnew(
  { part, message }: Pick<Damaged, "part" | "message">,
  file: string,
): [text: string, fields: Readonly<Record<string, string>>] {
  if (part !== "stale index") return [INDEX_MADE_ANEW, { file, reason: message }];
  const remedy =
    "until the log says that it was made, reads look at the messages themselves; `postern doctor --rebuild` with the " +
    "server stopped, or POST /admin/rebuild-index, makes it too. A deleted message is new again for a sender who repeats it";
  return [ROWS_DELETED, { file, reason: message, remedy }];
}

interface DamageReportOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export class DamageReport {
  /** Whoever can make the index anew. */
  onIndexDamage: (damage: Damaged) => void = () => undefined;
  readonly #options: DamageReportOptions;
  readonly #rows = new Set<string>();
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: DamageReportOptions) {
    this.#options = options;
  }

  /** Takes note of what a read has met, and gives what its client is told. */
  failed(damage: Damaged): StoreDamaged {
    const { part, message } = damage;
    if (part !== "log") {
      this.onIndexDamage(damage);
      return new StoreDamaged(
        `the index is ${part === "index" ? "damaged" : "stale"} and has to be made anew`,
        message,
      );
    }
    this.logUnreadable(message);
    return new StoreDamaged("the database file is damaged", message);
  }

  /** A page of the log can't be read. */
  logUnreadable(reason: string): void {
    const { path, clock, log } = this.#options;
    if (clock.elapsed() - this.#toldAt < TOLD_EVERY_MS) return;
    this.#toldAt = clock.elapsed();
    log.error("the database file is damaged: what is in the damaged part can't be read", {
      file: path,
      reason,
      remedy: REMEDY,
    });
  }

  /** An index file that a start has found damaged or stale, and has removed. */
  indexRemoved(file: string, damage: Pick<Damaged, "part" | "message">): void {
    this.#options.log.error(...indexMadeAnew(damage, file));
  }

  /** Nothing is written from now on. */
  writingStopped(reason: string): void {
    const { path, log } = this.#options;
    if (!isBroken(reason))
      log.error("the database can't be written: no message is accepted until it could be opened again", {
        reason,
      });
    else
      log.error("the database file is damaged: no message is accepted any more", {
        file: path,
        reason,
        remedy: REMEDY,
      });
  }

  /** A row was read, and isn't what was stored. */
  row(row: DamagedRow): void {
    const key = `${row.table}/${row.seq}`;
    if (this.#rows.has(key) || this.#rows.size >= ROWS_TOLD_MAX) return;
    this.#rows.add(key);
    const { path, log, metrics } = this.#options;
    metrics.damagedRows++;
    log.error(`${describeRow(row)}: the checksum differs`, {
      file: path,
      table: row.table,
      seq: row.seq,
      message_id: row.messageId,
      remedy: REMEDY,
    });
  }
}

/** What a client is told while nothing can be written. */
export function unavailable(reason: string): StorageUnavailable {
  const detail = isBroken(reason) ? "the database file is damaged: nothing is stored" : "storage unavailable";
  return new StorageUnavailable(detail, reason);
}
