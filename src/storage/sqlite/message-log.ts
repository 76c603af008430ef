/** Writes messages: the statements and the count of `seq`, for whoever holds the file's lock. */
import type { Database, Statement } from "bun:sqlite";
import { fold } from "../../core/fold.ts";
import { instantKey } from "../../core/instant.ts";
import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/store.ts";

type Columns = [string, string, string, string, string | null, string, number, string, string | null];
interface Stored {
  from_msisdn: string;
  to_msisdn: string;
  ts: string;
  text: string | null;
}

export class MessageLog {
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  readonly #insert: Statement<unknown, Columns>;
  readonly #stored: Statement<Stored, [string]>;
  /** The last `seq` that is taken. */
  #seq: number;
  #seqAtBegin: number;

  constructor(db: Database) {
    this.#begin = db.prepare("begin immediate");
    this.#commit = db.prepare("commit");
    this.#rollback = db.prepare("rollback");
    this.#insert = db.prepare(
      `insert into messages (message_id, from_msisdn, to_msisdn, ts, text, created_at, seq, ts_key, folded)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (message_id) do nothing`,
    );
    this.#stored = db.prepare("select from_msisdn, to_msisdn, ts, text from messages where message_id = ?");
    this.#seq =
      db.query<{ seq: number }, []>("select coalesce(max(seq), 0) as seq from messages").get()?.seq ?? 0;
    this.#seqAtBegin = this.#seq;
  }

  /** The last `seq` that is taken. */
  get seq(): number {
    return this.#seq;
  }

  begin(): void {
    this.#begin.run();
    this.#seqAtBegin = this.#seq;
  }

  /** Returns once the transaction is on stable storage. */
  commit(): void {
    this.#commit.run();
  }

  /** Takes the transaction back, if one is still open. */
  rollback(db: Database): void {
    this.#seq = this.#seqAtBegin;
    if (db.inTransaction) this.#rollback.run();
  }

  /**
   * Adds a message to the open transaction; the first write of a `message_id` wins, and the database decides which
   * that was. `seq` is taken over when it is given and later than every other, else counted.
   */
  append(message: Message, createdAt: string, seq = 0): Outcome {
    const { message_id, from, to, ts, text } = message;
    const next = Math.max(this.#seq + 1, seq);
    const folded = text === null ? null : fold(text);
    const { changes } = this.#insert.run(
      message_id,
      from,
      to,
      ts,
      text,
      createdAt,
      next,
      instantKey(ts),
      folded,
    );
    if (changes === 1) {
      this.#seq = next;
      return "created";
    }
    const stored = this.#stored.get(message_id);
    const same =
      stored !== null &&
      stored.from_msisdn === from &&
      stored.to_msisdn === to &&
      stored.ts === ts &&
      stored.text === text;
    return same ? "duplicate" : "differs";
  }

  /** Frees the statements, so that the file can be closed. */
  close(): void {
    for (const statement of [this.#begin, this.#commit, this.#rollback, this.#insert, this.#stored])
      statement.finalize();
  }
}
