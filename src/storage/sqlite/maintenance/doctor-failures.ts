/**
 * Examines what is kept of deliveries: each failure names a record of the log, and destinations
 * count theirs. In slices, each a snapshot of its own; the log only grows meanwhile.
 */
import type { Database } from "bun:sqlite";
import type { Failure } from "../../../core/deliveries.ts";
import { type Marked, positionOf } from "../../../core/position.ts";
import { hasDeliveries } from "../connection/schema.ts";
import { LogReader } from "../reads/log-reader.ts";
import type { Looked } from "./doctor-posts.ts";
import { Findings } from "./findings.ts";

const SLICE_ROWS = 4096;
const IDENTITY_CHARACTERS = 8;

type Row = Pick<Failure, "seq" | "position" | "kind" | "message_id"> & {
  readonly row: number;
  readonly destination: string;
};

export function* examineFailures(log: Database): Generator<number, Looked> {
  if (!hasDeliveries(log)) return { rows: 0, findings: [] };
  const findings = new Findings();
  const slice = log.query<Row, [number]>(
    `select rowid as row, destination, seq, position, kind, message_id from failures
     where rowid > ? order by rowid limit ${SLICE_ROWS}`,
  );
  const records = new Records(log);
  let rows = 0;
  let unknown = 0;
  let example: Row | undefined;
  for (let last: number | undefined = 0; last !== undefined; ) {
    const page: readonly Row[] = slice.all(last);
    for (const row of page) {
      if (records.has(row)) continue;
      unknown++;
      example ??= row;
    }
    rows += page.length;
    last = page.at(-1)?.row;
    yield page.length;
  }
  if (example !== undefined)
    findings.add(
      `${unknown} name a record that isn't in the log, one of them ${example.position} of ${example.destination}: ` +
        "it can't be handed on, and should be dropped",
    );
  for (const text of countFindings(log)) findings.add(text);
  return { rows, findings: findings.list() };
}

class Records {
  readonly #messages;
  readonly #log: LogReader;

  constructor(log: Database) {
    this.#log = new LogReader(log);
    this.#messages = log.query<Marked, [string]>(
      "select seq, message_id, created_at from messages where message_id = ?",
    );
  }

  /** Whether the log has the record, by whatever name the log itself goes. */
  has({ seq, position, kind, message_id: messageId }: Row): boolean {
    const found =
      kind === "message"
        ? this.#messages.get(messageId ?? "")
        : this.#log.recordFrom("events", this.#log.firstRow("events", seq));
    if (found?.seq !== seq) return false;
    return positionOf(position.slice(0, IDENTITY_CHARACTERS), found) === position;
  }
}

function countFindings(log: Database): string[] {
  const counted = log
    .query<Record<"waiting" | "dead" | "waits" | "died", number> & { name: string }, []>(
      `select name, waiting, dead,
         (select count(*) from failures where destination = name and state = 'waiting') as waits,
         (select count(*) from failures where destination = name and state = 'dead') as died
       from destinations`,
    )
    .all();
  return counted
    .filter(({ waiting, dead, waits, died }) => waiting !== waits || dead !== died)
    .map(
      ({ name, waiting, dead, waits, died }) =>
        `${name} counts ${waiting} waiting and ${dead} dead, and has ${waits} and ${died}`,
    );
}
