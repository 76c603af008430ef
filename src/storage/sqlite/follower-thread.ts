/**
 * The followers' thread: brings the index file up behind the log, a step at a question. While it keeps up it gives
 * way to every other thread.
 */
import type { Database } from "bun:sqlite";
import { openForReading } from "./files.ts";
import type { IndexLimits } from "./index/follower.ts";
import { type LogIndex, makeLogIndex, openLogIndex } from "./index/log-index.ts";
import { giveWay } from "./priority.ts";
import type { FollowerAsk, FollowReport } from "./protocol.ts";
import { answerQuestions } from "./thread-main.ts";

const CACHE_KIB = 16 * 1024;
/** What so many rows leave behind is tens of megabytes; the collector is called once their step has been reported. */
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
}

let handle: Handle | undefined;
let rowsUncollected = 0;

answerQuestions<FollowerAsk>((ask) => {
  switch (ask.do) {
    case "open": {
      close();
      giveWay();
      const log = openForReading(ask.path);
      const current = openLogIndex(log, ask.path, ask.limits, CACHE_KIB);
      handle = { path: ask.path, log, limits: ask.limits, current, next: undefined, old: undefined };
      return report(handle);
    }
    case "advance":
      queueMicrotask(collectMuch);
      return advance(opened());
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
  const taken = at.current.advance() || (at.next?.advance() ?? 0);
  rowsUncollected += taken;
  if (taken > 0 || at.next === undefined) return report(at);
  at.old = at.current;
  at.current = at.next;
  at.next = undefined;
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

function report({ current }: Handle): FollowReport {
  return { index: current.path, positions: current.positions, event: current.event };
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
