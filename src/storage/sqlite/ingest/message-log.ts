/**
 * Writes messages, and counts the `seq` of everything in the log, for whoever holds the file's
 * lock.
 */
import type { Database, Statement } from "bun:sqlite";
import { instantKey } from "../../../core/instant.ts";
import { type Message, saysTheSame } from "../../../core/message.ts";
import type { Outcome } from "../../../core/store.ts";
import { SHOWN_COLUMNS, selected } from "../../columns.ts";
import { readDisorder, writeDisorder } from "../connection/disorder.ts";
import { endOfLog, lastReceived } from "../connection/log-end.ts";
import { messageChecksum } from "../connection/row-checksum.ts";

/** Before whatever was received. */
const EARLIEST = "0000-01-01T00:00:00Z";

type Columns = [string, string, string, string, string | null, string, number, string, number];
interface Stored extends Message {
  /** Null for the native source. */
  readonly source: string | null;
}

export class MessageLog {
  readonly #db: Database;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  readonly #insert: Statement<unknown, Columns>;
  readonly #stored: Statement<Stored, [string]>;
  /** The last `seq` that is taken. */
  #seq: number;
  #seqAtBegin: number;
  /** The greatest key of `created_at`. */
  #latest: string;
  #latestAtBegin: string;

  constructor(db: Database) {
    this.#db = db;
    this.#begin = db.prepare("begin immediate");
    this.#commit = db.prepare("commit");
    this.#rollback = db.prepare("rollback");
    this.#insert = db.prepare(
      `insert into messages (message_id, from_msisdn, to_msisdn, ts, text, created_at, seq, ts_key, checksum)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (message_id) do nothing`,
    );
    this.#stored = db.prepare(
      `select ${selected(SHOWN_COLUMNS)}, source
       from messages left join details using (seq) where message_id = ?`,
    );
    this.#seq = endOfLog(db).seq;
    this.#seqAtBegin = this.#seq;
    // Behind the disorder it rises to the last record's.
    const received = [instantKey(lastReceived(db) ?? EARLIEST), readDisorder(db)?.latest ?? ""];
    this.#latest = received.sort().at(-1) ?? "";
    this.#latestAtBegin = this.#latest;
  }

  /** The last `seq` that is taken. */
  get seq(): number {
    return this.#seq;
  }

  begin(): void {
    this.#begin.run();
    this.#seqAtBegin = this.#seq;
    this.#latestAtBegin = this.#latest;
  }

  /** Returns once the transaction is on stable storage. */
  commit(): void {
    this.#commit.run();
  }

  /** Takes the transaction back, if one is still open. */
  rollback(db: Database): void {
    this.#seq = this.#seqAtBegin;
    this.#latest = this.#latestAtBegin;
    if (db.inTransaction) this.#rollback.run();
  }

  /** The next `seq`: a given one if it is later than every other, else it is counted. */
  next(given = 0): number {
    return Math.max(this.#seq + 1, given);
  }

  /** Something in the open transaction has this `seq`, which is later than every other. */
  take(seq: number, createdAt: string): void {
    this.#seq = seq;
    const received = instantKey(createdAt);
    if (received >= this.#latest) this.#latest = received;
    else writeDisorder(this.#db, { seq, latest: this.#latest });
  }

  /**
   * Adds a message to the open transaction; the first write of a `message_id` wins, and the
   * database decides which that was. `source` is null for the native source. `seq` is taken over
   * when it is given and later than every other.
   */
  append(message: Message, createdAt: string, source: string | null = null, seq = 0): Outcome {
    const { message_id, from, to, ts, text } = message;
    const next = this.next(seq);
    const checksum = messageChecksum({ seq: next, message_id, from, to, ts, text, created_at: createdAt });
    const { changes } = this.#insert.run(
      message_id,
      from,
      to,
      ts,
      text,
      createdAt,
      next,
      instantKey(ts),
      checksum,
    );
    if (changes === 1) {
      this.take(next, createdAt);
      return "created";
    }
    const stored = this.#stored.get(message_id);
    if (stored !== null && stored.source !== source) return "conflict";
    return stored !== null && saysTheSame(stored, message) ? "duplicate" : "differs";
  }

  /** Frees the statements, so that the file can be closed. */
  close(): void {
    for (const statement of [this.#begin, this.#commit, this.#rollback, this.#insert, this.#stored])
      statement.finalize();
  }
}
