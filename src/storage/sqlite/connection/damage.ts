/**
 * What tells that a file was damaged after it was written, and what can be done then. A read that
 * meets damage fails as `Damaged`: it must never give what the damage made of the answer.
 */
import { StartRefused } from "../../../core/errors.ts";
import { TimeIsOver } from "./deadline.ts";

/**
 * The log is what was stored; the index can be made anew from it. A stale index is sound in itself,
 * and holds rows that were deleted from the log.
 */
export type Part = "log" | "index" | "stale index";

/** What a file holds can't be what was written into it. */
export class Damaged extends Error {
  override readonly name = "Damaged";
  readonly part: Part;

  constructor(part: Part, reason: string) {
    super(reason);
    this.part = part;
  }
}

/**
 * Since the index was made, so many rows of the log were deleted, by somebody else: Postern deletes
 * none.
 */
export function rowsDeleted(count: number): Damaged {
  return new Damaged("stale index", `${count} rows of the log were deleted since the index was made`);
}

/** A row whose checksum differs. */
export interface DamagedRow {
  readonly table: "messages" | "details" | "events" | "deliveries";
  readonly seq: number;
  /** Of a message, and of what is known to be about one. */
  readonly messageId?: string | null | undefined;
}

export type OnDamagedRow = (row: DamagedRow) => void;

/** Says which row is damaged, as the log and the commands do. */
export function describeRow({ table, seq, messageId }: DamagedRow): string {
  const id =
    messageId === undefined || messageId === null ? "" : ` (message_id ${JSON.stringify(messageId)})`;
  switch (table) {
    case "messages":
      return `the message with seq ${seq}${id} is damaged`;
    case "details":
      return `the details of the message with seq ${seq}${id} are damaged`;
    case "events":
      return `the event with seq ${seq}${id} is damaged`;
    case "deliveries":
      return `the bytes of the request that holds seq ${seq}${id} are damaged`;
  }
}

const UNREADABLE = /^SQLITE_(CORRUPT|NOTADB|IOERR_READ|IOERR_SHORT_READ|IOERR_DATA|IOERR_CORRUPTFS)/;
/** These say nothing of what the file holds. */
const OF_THE_SYSTEM =
  /^SQLITE_(FULL|BUSY|LOCKED|INTERRUPT|NOMEM|IOERR|CANTOPEN|READONLY|PROTOCOL|PERM|AUTH|NOLFS|MISUSE)/;

/** Whether SQLite says that a page can't be read, or isn't one. */
export function isUnreadable(error: unknown): boolean {
  return UNREADABLE.test(codeOf(error));
}

/**
 * Whether the writer's reason, which holds SQLite's code, is that the file's structure is broken.
 */
export function isBroken(reason: string): boolean {
  return /\bSQLITE_(CORRUPT|NOTADB)/.test(reason);
}

/**
 * Reads the index file: what goes wrong there, but for the system's own failures, is damage of the
 * index.
 */
export function inIndex<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw indexDamage(error) ?? error;
  }
}

/** Undefined when the error says nothing of what the file holds. */
export function indexDamage(error: unknown): Damaged | undefined {
  if (error instanceof Damaged || error instanceof TimeIsOver) return undefined;
  return !isUnreadable(error) && OF_THE_SYSTEM.test(codeOf(error))
    ? undefined
    : new Damaged("index", reasonOf(error));
}

export function reasonOf(error: unknown): string {
  return `${codeOf(error)} ${error instanceof Error ? error.message : String(error)}`.trim();
}

/** What an operator can do about a damaged database file. */
export const REMEDY =
  "stop Postern and restore a backup, or `postern export` what is readable and `postern import` it into a new file; " +
  "`postern doctor` says what is damaged";

/**
 * An error of opening a database, in words that name the file and the remedy where it is damaged.
 */
export function openFailure(path: string, error: unknown): unknown {
  const damaged = error instanceof Damaged ? error.part === "log" : isUnreadable(error);
  if (!damaged) return error;
  return new StartRefused(`${path} is damaged (${reasonOf(error)}): ${REMEDY}`);
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | null)?.code ?? "";
}
