/**
 * The writer's thread: the only one that writes messages. It never reads for anybody, and of
 * checkpoints it does only the last short step.
 */
import type { Database } from "bun:sqlite";
import { systemClock } from "../../../lib/clock.ts";
import { checkpoint, holdsLog, openExisting, openForWriting } from "../connection/files.ts";
import { type Displaced, FilesInPlace } from "../connection/files-in-place.ts";
import { endOfLog } from "../connection/log-end.ts";
import { dropOldIndex, migrate } from "../connection/schema.ts";
import { answerQuestions, type NextGroup } from "../connection/thread-main.ts";
import { claim } from "./claims.ts";
import { readConsumers, writeConsumers } from "./consumer-rows.ts";
import { changeFailures, type DeliveryWrite, readDestinations, writeDeliveries } from "./delivery-rows.ts";
import { commitGroup, isRefusal, type Refusal, type Result, refusalOf } from "./group-commit.ts";
import { Logs } from "./logs.ts";
import type { QueuedIntake } from "./post-log.ts";
import type { Group, GroupReport, OpenReport, WriteReport, WriterAsk } from "./protocol.ts";
import { writeSeries } from "./series-rows.ts";

interface Handle {
  readonly db: Database;
  readonly logs: Logs;
}

/** Beyond this a transaction takes no further group; one group may be larger. */
const GROUP_DELIVERIES_MAX = 1024;
/**
 * The log is looked at after so much text, a hundred short messages: a look costs as much as a few
 * of them.
 */
const LOOK_CHARACTERS = 32_768;
/** What a write beside the groups counts for at least. */
const WRITE_CHARACTERS = 2048;
const PROBE = "update meta set value = value + 1 where key = 'probe'";
const NO_HANDLE: Refusal = { kind: "disk", reason: "the database is closed after a failure of the disk" };

let path = "";
/**
 * None before the database is opened, and none after a failure of the disk until it is opened
 * again.
 */
let handle: Handle | undefined;
/**
 * What `handle` has to be, also when it is opened again; none before it was opened the first time.
 */
let files: FilesInPlace | undefined;
/**
 * Of a log that was cut off. Closing the last handle, SQLite would copy such a log into the
 * database.
 */
const abandoned: Handle[] = [];
/** Of the groups that came since the log was looked at. */
let characters = 0;

answerQuestions<WriterAsk>(
  (ask) => {
    switch (ask.do) {
      case "make":
        openForWriting(ask.path).close();
        return null;
      case "open":
        path = ask.path;
        files = undefined;
        return open(() => undefined);
      case "reopen":
        return open(syncAll);
      case "probe":
        return guarded(({ db }) => db.run(PROBE).changes);
      case "restart-wal":
        return guarded(({ db }) => checkpoint(db, "passive"));
      case "drop-old-index":
        return guarded(({ db }) => dropOldIndex(db));
      case "consumers":
        return guarded(({ db }) => {
          writeConsumers(db, ask);
          return wrote();
        });
      case "deliveries":
        return guarded(({ db }) => {
          writeDeliveries(db, JSON.parse(ask.writes) as DeliveryWrite[]);
          return wrote(ask.writes.length);
        });
      case "some-failures":
        return guarded(({ db }) => ({ ...changeFailures(db, ask), ...wrote() }));
      case "series":
        return guarded(({ db }) => ({ given: writeSeries(db, ask.write), ...wrote() }));
      case "claim":
        return guarded(({ db }) => ({ refused: claim(db, ask.names) }));
      case "close":
        close();
        return null;
    }
  },
  (first, next) => JSON.stringify(commit(gather(first, next))),
);

/** Everything that has arrived goes into one transaction, up to its limit. */
function gather(first: string, next: NextGroup): Group {
  const group = JSON.parse(first) as QueuedIntake[];
  characters += first.length;
  while (group.length < GROUP_DELIVERIES_MAX) {
    const more = next();
    if (more === undefined) break;
    characters += more.length;
    for (const intake of JSON.parse(more) as Group) group.push(intake);
  }
  return group;
}

function commit(group: Group): GroupReport {
  if (handle === undefined)
    return { results: group.map(() => NO_HANDLE), messages: 0, events: 0, seconds: 0, walPages: 0 };
  const startedAt = systemClock.elapsed();
  const before = displaced(handle, characters >= LOOK_CHARACTERS);
  const stored =
    before === undefined ? commitGroup(handle.db, handle.logs, group) : group.map(() => refusalFor(before));
  // After the commit's sync and before anybody is told: what is acknowledged is in the file that
  // has the name.
  const after = before ?? displaced(handle, false);
  const seconds = (systemClock.elapsed() - startedAt) / 1000;
  const results = after === undefined ? stored : stored.map((result) => refusedFor(result, after));
  if (results.some((result) => isRefusal(result) && result.kind === "disk")) giveUp(after);
  // What is stored and refused nevertheless counts: it is there if the file comes back.
  let messages = 0;
  let events = 0;
  for (const [index, result] of stored.entries()) {
    if (isRefusal(result)) continue;
    const first = group[index]?.messages.length ?? 0;
    for (let at = 0; at < result.length; at++) {
      if (at >= first) events += result[at] === "duplicate" ? 0 : 1;
      else if (result[at] === "created") messages++;
    }
  }
  return { results, messages, events, seconds, walPages: lookAtLog() };
}

function refusalFor({ reason }: Displaced): Refusal {
  return { kind: "disk", reason };
}

function refusedFor(result: Result, because: Displaced): Result {
  return isRefusal(result) ? result : refusalFor(because);
}

/**
 * Whether the handle's files have lost their names; looked at in full, also whether the log was cut
 * off. Other programs may truncate it by a checkpoint of SQLite's, so what it holds is looked at
 * only when it shrank.
 */
function displaced({ db }: Handle, inFull: boolean): Displaced | undefined {
  const bytesBefore = files?.logBytes ?? 0;
  const found = inFull ? files?.look() : files?.glance();
  if (found !== undefined || files === undefined || files.logBytes >= bytesBefore) return found;
  const { walPages } = checkpoint(db, "noop");
  return walPages > 0 && !holdsLog(path, files.logBytes, walPages) ? files.logWasCut() : undefined;
}

/** Pages in the log; 0 when it wasn't looked at. */
function lookAtLog(): number {
  if (handle === undefined || characters < LOOK_CHARACTERS) return 0;
  characters = 0;
  return checkpoint(handle.db, "noop").walPages;
}

function open(first: (db: Database) => void): OpenReport {
  const before = files?.look();
  giveUp(before);
  if (before !== undefined) throw new Error(before.reason);
  const db = openExisting(path);
  try {
    first(db);
    const upgrade = migrate(db, path);
    files = new FilesInPlace(path, files?.marks);
    files.check();
    handle = { db, logs: new Logs(db) };
    return {
      ...endOfLog(db),
      upgrade,
      files: files.marks,
      consumers: readConsumers(db),
      destinations: readDestinations(db),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * After a failure of the disk: everything that is visible is written and synced again by a whole
 * checkpoint. What the system's cache still shows of a failed sync is then on the disk before
 * anybody is told that it is stored.
 */
function syncAll(db: Database): void {
  if (checkpoint(db, "truncate").busy) throw new Error("a reader holds the write-ahead log");
  db.run(PROBE);
}

/**
 * A write beside the groups: when a file lost its name, or after a failure of the disk, the handle
 * is given up.
 */
function guarded<T>(write: (handle: Handle) => T): T {
  if (handle === undefined) throw new Error(NO_HANDLE.reason);
  let lost = displaced(handle, true);
  try {
    if (lost !== undefined) throw new Error(lost.reason);
    const written = write(handle);
    lost = displaced(handle, true);
    if (lost !== undefined) throw new Error(lost.reason);
    return written;
  } catch (error) {
    if (lost !== undefined || refusalOf(error).kind === "disk") giveUp(lost);
    throw error;
  }
}

/** After a write of so much text beside the groups; the least of them is a page of the log. */
function wrote(length = 0): WriteReport {
  characters += WRITE_CHARACTERS + length;
  return { walPages: lookAtLog() };
}

/**
 * Without its name the log dies with the process: what it holds is saved first. One that was cut is
 * left as it is.
 */
function giveUp(found: Displaced | undefined): void {
  if (handle !== undefined && found?.end === "-wal") {
    if (found.isRuined) {
      abandoned.push(handle);
      handle = undefined;
    } else save(handle.db);
  }
  close();
}

/** Waits for who reads an older state, as long as a handle does: it would keep the rest back. */
function save(db: Database): void {
  try {
    checkpoint(db, "full");
  } catch {
    // The next open tells what is wrong.
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
