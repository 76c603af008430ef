/** A record of the log as the service gives it, and pages of them. */
import type { EventKind } from "../../core/parsed-body.ts";
import { CommandFailed } from "../errors.ts";

interface Common {
  readonly position: string;
  readonly source: string;
  readonly ts: string;
  readonly created_at: string;
}

interface MessageOfLog extends Common {
  readonly kind: "message";
  readonly message_id: string;
  readonly from: string;
  readonly to: string;
  readonly text: string | null;
  readonly type: string | null;
}

interface EventOfLog extends Common {
  readonly kind: EventKind;
  readonly event_key: string;
  readonly message_id: string | null;
  /** A service of an earlier version says none. */
  readonly type?: string | null;
}

export type RecordOfLog = MessageOfLog | EventOfLog;

export interface Page {
  readonly data: readonly RecordOfLog[];
  /** Behind everything that was looked at. */
  readonly next: string;
  readonly more: boolean;
}

export function isMessage(record: RecordOfLog): record is MessageOfLog {
  return record.kind === "message";
}

/** Throws `CommandFailed` for what is no page. */
export function pageOf(body: unknown): Page {
  const page = body as Partial<Page> | undefined;
  if (Array.isArray(page?.data) && typeof page.next === "string") return page as Page;
  throw new CommandFailed("this is no answer of Postern's: it has no records");
}
