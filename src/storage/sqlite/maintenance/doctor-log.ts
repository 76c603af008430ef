/**
 * Examines the log by itself, in the order of its pages: each row's checksum, its position and its
 * key, the bytes of providers' POSTs, and whether the primary key leads to every row. It goes on
 * behind what can't be read.
 */
import type { Database } from "bun:sqlite";
import { instantKey } from "../../../core/instant.ts";
import type { LoggedMessage } from "../../../core/message.ts";
import { compareUtf8 } from "../../../core/utf8-order.ts";
import { MESSAGE_COLUMNS, selected } from "../../columns.ts";
import { describeRow, isUnreadable, reasonOf } from "../connection/damage.ts";
import { isSound, messageChecksum } from "../connection/row-checksum.ts";
import { checksumColumn, hasPosts } from "../connection/schema.ts";
import { examineBodies, examineDetails, type Looked } from "./doctor-posts.ts";
import { Findings } from "./findings.ts";
import { readablePages } from "./readable-rows.ts";

const SLICE_ROWS = 4096;

type Row = LoggedMessage & {
  readonly row: number;
  readonly ts_key: string;
  readonly checksum: number | null;
};

export function* examineLog(log: Database): Generator<number, Looked> {
  const findings = new Findings();
  const keys = new KeyCheck(log, findings);
  const slice = log.query<Row, [number, number]>(
    `select rowid as row, seq, ${selected(MESSAGE_COLUMNS)}, ts_key,
       ${checksumColumn(log)} as checksum
     from messages where rowid >= ? order by rowid limit ?`,
  );
  const pages = readablePages<Row>({
    read: (from, limit) => slice.all(from, limit),
    from: 1,
    pageRows: SLICE_ROWS,
    onUnreadable: (first, last) => {
      findings.add(`messages: rows ${first} to ${last ?? "the end"} can't be read`);
      keys.giveUp();
    },
  });
  let rows = 0;
  let seqBefore = 0;
  for (const page of pages) {
    for (const row of page) {
      const { seq, message_id: messageId, ts, ts_key: key } = row;
      if (!isSound(row.checksum, () => messageChecksum(row)))
        findings.add(`${describeRow({ table: "messages", seq, messageId })}: the checksum differs`);
      if (seq <= seqBefore) findings.add(`row ${row.row} has seq ${seq} after ${seqBefore}`);
      if (instantKey(ts) !== key) findings.add(`row ${row.row} has the key ${key} for the instant ${ts}`);
      seqBefore = seq;
      keys.add(row.row, messageId);
    }
    rows += page.length;
    yield page.length;
  }
  yield* keys.compare();
  if (hasPosts(log)) {
    yield* examineDetails(log, findings);
    yield* examineBodies(log, findings);
  }
  return { rows, findings: findings.list() };
}

/**
 * The primary key has an entry for each row, and no other: the sums of both are the same, and so
 * are the counts.
 */
class KeyCheck {
  readonly #log: Database;
  readonly #findings: Findings;
  #rows = { count: 0, sum: 0, last: 0 };
  #comparable = true;

  constructor(log: Database, findings: Findings) {
    this.#log = log;
    this.#findings = findings;
  }

  add(row: number, messageId: string): void {
    this.#rows.count++;
    this.#rows.sum = plus(this.#rows.sum, row, messageId);
    this.#rows.last = row;
  }

  /** A row couldn't be read. */
  giveUp(): void {
    this.#comparable = false;
  }

  *compare(): Generator<number, void> {
    const entries = { count: 0, sum: 0 };
    try {
      for (const slice of this.#slices()) {
        for (const [messageId, row] of slice) {
          if (row > this.#rows.last) continue;
          entries.count++;
          entries.sum = plus(entries.sum, row, messageId);
        }
        yield 0;
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#findings.add(`messages: the primary key can't be read: ${reasonOf(error)}`);
      return;
    }
    if (this.#comparable && (entries.count !== this.#rows.count || entries.sum !== this.#rows.sum))
      this.#findings.add(
        `messages: the primary key has ${entries.count} entries for ${this.#rows.count} rows, and not theirs alone`,
      );
  }

  /** In the order of the key, which is read without the rows. */
  *#slices(): Generator<readonly [messageId: string, row: number][]> {
    const query = this.#log.query(
      `select message_id, rowid from messages where message_id > ? order by message_id limit ${SLICE_ROWS}`,
    );
    for (let after = ""; ; ) {
      const slice = query.values(after) as [string, number][];
      yield slice;
      const last = slice.at(-1)?.[0];
      if (last === undefined || slice.length < SLICE_ROWS) return;
      // Damaged text may come out of order, and would be read for ever.
      if (compareUtf8(last, after) <= 0) return;
      after = last;
    }
  }
}

/** Sums don't depend on the order in which rows come. */
function plus(sum: number, row: number, messageId: string): number {
  return (sum + Bun.hash.crc32(messageId, row >>> 0)) % 2 ** 52;
}
