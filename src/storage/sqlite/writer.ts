/**
 * The writer's thread: the only one that writes messages. It never reads for anybody, and of checkpoints it does
 * only the last short step.
 */
import type { Database } from "bun:sqlite";
import { systemClock } from "../../lib/clock.ts";
import { claim } from "./claims.ts";
import { checkpoint, openForWriting } from "./files.ts";
import { commitGroup, isRefusal, type Refusal, refusalOf } from "./group-commit.ts";
import { Logs } from "./logs.ts";
import { endOfLog } from "./message-log.ts";
import type { QueuedDelivery } from "./post-log.ts";
import type { Group, GroupReport, OpenReport, WriterAsk } from "./protocol.ts";
import { dropOldIndex, migrate } from "./schema.ts";
import { answerQuestions, type NextGroup } from "./thread-main.ts";

interface Handle {
  readonly db: Database;
  readonly logs: Logs;
}

/** Beyond this a transaction takes no further group; one group may be larger. */
const GROUP_DELIVERIES_MAX = 1024;
/** The log is looked at after so much text, a hundred short messages: a look costs as much as a few of them. */
const LOOK_CHARACTERS = 32_768;
const PROBE = "update meta set value = value + 1 where key = 'probe'";
const NO_HANDLE: Refusal = { kind: "disk", reason: "the database is closed after a failure of the disk" };

let path = "";
/** None before the database is opened, and none after a failure of the disk until it is opened again. */
let handle: Handle | undefined;
/** Of the groups that came since the log was looked at. */
let characters = 0;

answerQuestions<WriterAsk>(
  (ask) => {
    switch (ask.do) {
      case "open":
        path = ask.path;
        return open(() => undefined);
      case "reopen":
        return open(syncAll);
      case "probe":
        return guarded(({ db }) => db.run(PROBE));
      case "restart-wal":
        return guarded(({ db }) => checkpoint(db, "passive"));
      case "drop-old-index":
        return guarded(({ db }) => dropOldIndex(db));
      case "claim": {
        let refused: readonly string[] = [];
        guarded(({ db }) => {
          refused = claim(db, ask.names);
        });
        return { refused };
      }
      case "close":
        close();
        return null;
    }
  },
  (first, next) => JSON.stringify(commit(gather(first, next))),
);

/** Everything that has arrived goes into one transaction, up to its limit. */
function gather(first: string, next: NextGroup): Group {
  const group = JSON.parse(first) as QueuedDelivery[];
  characters += first.length;
  while (group.length < GROUP_DELIVERIES_MAX) {
    const more = next();
    if (more === undefined) break;
    characters += more.length;
    for (const delivery of JSON.parse(more) as Group) group.push(delivery);
  }
  return group;
}

function commit(group: Group): GroupReport {
  if (handle === undefined)
    return { results: group.map(() => NO_HANDLE), messages: 0, events: 0, seconds: 0, walPages: 0 };
  const startedAt = systemClock.elapsed();
  const results = commitGroup(handle.db, handle.logs, group);
  const seconds = (systemClock.elapsed() - startedAt) / 1000;
  let messages = 0;
  let events = 0;
  for (const [index, result] of results.entries()) {
    if (isRefusal(result)) {
      if (result.kind === "disk") close();
      continue;
    }
    const first = group[index]?.messages.length ?? 0;
    for (let at = 0; at < result.length; at++) {
      if (result[at] !== "created") continue;
      if (at < first) messages++;
      else events++;
    }
  }
  return { results, messages, events, seconds, walPages: lookAtLog() };
}

/** Pages in the log; 0 when it wasn't looked at. */
function lookAtLog(): number {
  if (handle === undefined || characters < LOOK_CHARACTERS) return 0;
  characters = 0;
  return checkpoint(handle.db, "noop").walPages;
}

function open(first: (db: Database) => void): OpenReport {
  close();
  const db = openForWriting(path);
  try {
    first(db);
    migrate(db, path);
    handle = { db, logs: new Logs(db) };
    return endOfLog(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * After a failure of the disk: everything that is visible is written and synced again by a whole checkpoint. What
 * the system's cache still shows of a failed sync is then on the disk before anybody is told that it is stored.
 */
function syncAll(db: Database): void {
  if (checkpoint(db, "truncate").busy) throw new Error("a reader holds the write-ahead log");
  db.run(PROBE);
}

/** A write beside the groups: after any failure but a full disk the handle is given up. */
function guarded(write: (handle: Handle) => unknown): null {
  if (handle === undefined) throw new Error(NO_HANDLE.reason);
  try {
    write(handle);
    return null;
  } catch (error) {
    if (refusalOf(error).kind !== "full") close();
    throw error;
  }
}

/** A handle that is given up may fail to close; nothing is lost by that. */
function close(): void {
  try {
    handle?.logs.close();
    handle?.db.close();
  } catch {
    // The next open tells what is wrong.
  }
  handle = undefined;
}
