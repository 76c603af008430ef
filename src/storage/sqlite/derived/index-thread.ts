/**
 * The followers' thread: brings the index file up behind the log, a step at a question. While it
 * keeps up it gives way to every other thread.
 */
import type { Database } from "bun:sqlite";
import type { Upgrade } from "../../../core/upgrade.ts";
import { MESSAGE_COLUMNS } from "../../columns.ts";
import { Damaged, indexDamage, isUnreadable, reasonOf } from "../connection/damage.ts";
import { openForReading } from "../connection/files.ts";
import { endOfLog } from "../connection/log-end.ts";
import { giveWay } from "../connection/priority.ts";
import { answerQuestions } from "../connection/thread-main.ts";
import type { IndexLimits } from "./followers.ts";
import { type LogIndex, makeLogIndex, openLogIndex } from "./log-index.ts";
import type { FollowerAsk, FollowReport, RemovedIndex } from "./protocol.ts";

const CACHE_KIB = 16 * 1024;
/**
 * What so many rows leave behind is tens of megabytes; the collector is called once their step has
 * been reported.
 */
const COLLECT_EVERY_ROWS = 8192;

interface Handle {
  readonly path: string;
  readonly log: Database;
  readonly limits: IndexLimits;
  current: LogIndex;
  /** What a rebuild makes beside the one in use. */
  next: LogIndex | undefined;
  /** The one before, until no reader has it open any more. */
  old: LogIndex | undefined;
  /** A step of the one in use failed: a rebuild doesn't wait for it. */
  failed: boolean;
}

/** They read every column that a follower reads. */
const MESSAGES_READ = `select sum(
    length(${MESSAGE_COLUMNS.message_id}) + length(${MESSAGE_COLUMNS.from}) + length(${MESSAGE_COLUMNS.to}) +
    length(ts_key) + coalesce(length(${MESSAGE_COLUMNS.text}), 0) + coalesce(length(source) + length(type), 0))
  from (select messages.*, source, type from messages left join details using (seq)
    where messages.rowid > ? order by messages.rowid limit ?)`;
const EVENTS_READ = `select sum(length(source) + length(kind) + length(event_key) + length(ts_key) +
    coalesce(length(message_id), 0))
  from (select * from events where event > ? order by event limit ?)`;

let handle: Handle | undefined;
let rowsUncollected = 0;

answerQuestions<FollowerAsk>((ask) => {
  switch (ask.do) {
    case "open": {
      close();
      giveWay();
      const log = openForReading(ask.path);
      const { path, limits } = ask;
      const damaged: RemovedIndex[] = [];
      const upgrades: Upgrade[] = [];
      const current = openLogIndex(log, path, limits, CACHE_KIB, {
        onDamage: (file, { part, message }) => damaged.push({ file, part, message }),
        onUpgrade: (upgrade) => upgrades.push(upgrade),
      });
      handle = { path, log, limits, current, next: undefined, old: undefined, failed: false };
      return { ...report(handle), damaged, upgrades, outdated: current.outdated };
    }
    case "advance":
      queueMicrotask(collectMuch);
      return advance(opened());
    case "replace":
      rebuild(opened());
      return swap(opened());
    case "rebuild":
      rebuild(opened());
      return null;
    case "forget-old": {
      const { old } = opened();
      opened().old = undefined;
      old?.remove();
      return null;
    }
    case "close":
      close();
      return null;
  }
});

/** The index in use first; a rebuild gets the steps that are left. */
function advance(at: Handle): FollowReport {
  const taken = step(at) || (at.next?.advance() ?? 0);
  rowsUncollected += taken;
  return taken > 0 || at.next === undefined ? report(at) : swap(at);
}

function step(at: Handle): number {
  if (at.failed && at.next !== undefined) return 0;
  try {
    at.failed = true;
    const taken = at.current.advance();
    at.failed = false;
    return taken;
  } catch (error) {
    throw damageOf(at, error) ?? error;
  }
}

/**
 * Whether it is the log that can't be read is told by reading what the step would have taken of it.
 */
function damageOf({ log, current, limits }: Handle, error: unknown): Error | undefined {
  const damage = indexDamage(error);
  if (damage === undefined) return undefined;
  const { stepRows } = limits;
  try {
    const rows = Math.max(stepRows.time, stepRows.senders, stepRows.search);
    log.query(MESSAGES_READ).get(current.row, rows);
    log.query(EVENTS_READ).get(current.event, stepRows.events);
    return damage;
  } catch (reading) {
    return isUnreadable(reading) ? new Damaged("log", reasonOf(reading)) : damage;
  }
}

/** What a rebuild has made takes the place of the one in use. */
function swap(at: Handle): FollowReport {
  if (at.next === undefined) return report(at);
  at.old = at.current;
  at.current = at.next;
  at.next = undefined;
  at.failed = false;
  return report(at);
}

function collectMuch(): void {
  if (rowsUncollected < COLLECT_EVERY_ROWS) return;
  rowsUncollected = 0;
  Bun.gc(true);
}

function rebuild(at: Handle): void {
  at.next ??= makeLogIndex(at.log, at.path, at.current.number + 1, at.limits, CACHE_KIB);
}

function report({ current, log }: Handle): FollowReport {
  const { row, event } = endOfLog(log);
  return { index: current.path, positions: current.positions, event: current.event, end: { row, event } };
}

function opened(): Handle {
  if (handle === undefined) throw new Error("the followers have no database");
  return handle;
}

/** A rebuild that isn't done begins anew when it is asked for again. */
function close(): void {
  handle?.next?.remove();
  handle?.old?.remove();
  handle?.current.close();
  handle?.log.close();
  handle = undefined;
}
