/**
 * Group commit with errors apart: what waits goes into one transaction, and an intake fails only
 * for its own cause.
 */
import type { Database } from "bun:sqlite";
import type { Outcome } from "../../../core/store.ts";
import type { Logs } from "./logs.ts";
import type { MessageLog } from "./message-log.ts";
import type { QueuedIntake } from "./post-log.ts";

/**
 * Why something was not stored: `data`, the engine refuses the intake itself; `full`, it may be
 * taken later (a full disk, another program's lock); `disk`, the handle can't be trusted any more.
 */
type FailureKind = "data" | "full" | "disk";

export interface Refusal {
  readonly kind: FailureKind;
  readonly reason: string;
}

export type Result = readonly Outcome[] | Refusal;

/**
 * Commits the intakes and returns a result for each, in order. What is returned as an outcome is on
 * stable storage. A group that fails on data is taken back and tried in halves until the culprit
 * stands alone; after a failure of the disk nothing more is tried.
 */
export function commitGroup(db: Database, logs: Logs, group: readonly QueuedIntake[]): Result[] {
  try {
    logs.messages.begin();
    const outcomes = group.map((intake) => logs.posts.append(intake));
    logs.messages.commit();
    return outcomes;
  } catch (error) {
    const refusal = refusalOf(error, takeBack(db, logs.messages));
    if (refusal.kind !== "data" || group.length === 1) return group.map(() => refusal);
    const half = group.length >> 1;
    const first = commitGroup(db, logs, group.slice(0, half));
    const broken = first.find((result) => isRefusal(result) && result.kind === "disk");
    const second =
      broken === undefined ? commitGroup(db, logs, group.slice(half)) : group.slice(half).map(() => broken);
    return [...first, ...second];
  }
}

export function isRefusal(result: Result): result is Refusal {
  return "kind" in result;
}

/** What an error of SQLite means for whoever waits. */
export function refusalOf(error: unknown, afterwards?: unknown): Refusal {
  const code = (error as { code?: string }).code ?? "";
  const reason = `${code} ${error instanceof Error ? error.message : String(error)}`.trim();
  if (afterwards !== undefined)
    return { kind: "disk", reason: `${reason}; rollback failed: ${String(afterwards)}` };
  return { kind: kindOf(code), reason };
}

function kindOf(code: string): FailureKind {
  if (/^SQLITE_(FULL|BUSY|LOCKED|INTERRUPT|NOMEM)/.test(code)) return "full";
  if (/^SQLITE_(IOERR|CORRUPT|NOTADB|CANTOPEN|READONLY|PROTOCOL|PERM|AUTH|NOLFS|MISUSE|INTERNAL)/.test(code))
    return "disk";
  return "data";
}

/** Rolls back; returns the error when even that fails. */
function takeBack(db: Database, log: MessageLog): unknown {
  try {
    log.rollback(db);
    return undefined;
  } catch (error) {
    return error;
  }
}
