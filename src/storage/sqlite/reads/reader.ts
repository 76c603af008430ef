/**
 * A reader's thread: answers queries one by one, so that no query delays an acknowledgement or a
 * health check.
 */
import type { Database } from "bun:sqlite";
import { changesText } from "../../../core/record-text.ts";
import { systemClock } from "../../../lib/clock.ts";
import { type DamagedRow, inIndex } from "../connection/damage.ts";
import { TimeIsOver } from "../connection/deadline.ts";
import { openForReading } from "../connection/files.ts";
import { giveWay } from "../connection/priority.ts";
import { answerQuestions } from "../connection/thread-main.ts";
import { ChangeReader } from "./changes.ts";
import { FailureReader } from "./failures.ts";
import { MessageQueries } from "./message-queries.ts";
import type { ReaderAsk } from "./protocol.ts";
import { readSenders } from "./senders.ts";
import { readSeries } from "./series.ts";

/**
 * The collector by itself lets pile up what reads have taken from the files: beside ingest, two
 * readers had 280 MiB of it. So it is called after so many bytes, and a moment after the last read.
 */
const COLLECT_EVERY_BYTES = 4 * 1024 * 1024;
const COLLECT_EVERY_MS = 1000;
/** A reader that had nothing to do for so long gives up what it keeps for the next read. */
const FORGET_AFTER_MS = 10_000;

interface Handle {
  readonly db: Database;
  readonly queries: MessageQueries;
  readonly changes: ChangeReader;
  readonly failures: FailureReader;
}

let handle: Handle | undefined;
let bytesCollected = 0;
/** Since the last question. */
let idleMs = 0;

setInterval(() => {
  idleMs += COLLECT_EVERY_MS;
  if (idleMs === FORGET_AFTER_MS) handle?.queries.forget();
  if (idleMs === COLLECT_EVERY_MS || idleMs === FORGET_AFTER_MS) collect();
}, COLLECT_EVERY_MS).unref();

answerQuestions<ReaderAsk>((ask) => {
  switch (ask.do) {
    case "open": {
      close();
      giveWay();
      const db = openForReading(ask.path);
      inIndex(() => {
        db.run("attach ? as derived", [ask.index]);
        // From here on what else is asked of the log needn't read the other file's schema.
        db.query("select count(*) from derived.sqlite_schema").get();
      });
      const notice = (damagedRow: DamagedRow) => postMessage({ damagedRow });
      handle = {
        db,
        queries: new MessageQueries(db, systemClock, ask.limits, notice),
        changes: new ChangeReader(db, systemClock, notice),
        failures: new FailureReader(db, systemClock),
      };
      return null;
    }
    case "list":
      return inTime(ask.deadline).queries.list(ask.query, ask.deadline);
    case "stats":
      return inTime(ask.deadline).queries.stats(ask.deadline);
    case "list-senders":
      return inTime(ask.deadline).queries.senders(ask.query, ask.deadline);
    case "events":
      return inTime(ask.deadline).queries.events(ask.query, ask.deadline);
    case "message":
      return inTime(ask.deadline).queries.message(ask.messageId, ask.deadline);
    case "changes":
      return inTime(ask.deadline).changes.read(ask.query);
    case "changes-text":
      return changesText(inTime(ask.deadline).changes.read(ask.query), ask.query.bodies === true);
    case "changes-counts":
      return inTime(ask.deadline).changes.counts(ask.query);
    case "position":
      return inTime(ask.deadline).changes.positionAt(ask.beginning, ask.deadline);
    case "lag":
      return inTime(ask.deadline).changes.lag(ask.query) ?? null;
    case "failures":
      return inTime(ask.deadline).failures.answer(ask.question, ask.deadline);
    case "series":
      return readSeries(inTime(ask.deadline).db, ask.question);
    case "senders":
      return readSenders(inTime(ask.deadline).db, ask.messageIds);
    case "count":
      return inTime(Number.POSITIVE_INFINITY).queries.count();
    case "close":
      close();
      return null;
  }
});

function bytesRead(): number {
  return handle === undefined ? 0 : handle.queries.bytesRead + handle.changes.bytesRead;
}

function collect(): void {
  bytesCollected = bytesRead();
  Bun.gc(true);
}

/** After the answer is on its way. */
function collectMuch(): void {
  if (bytesRead() - bytesCollected > COLLECT_EVERY_BYTES) collect();
}

/**
 * Notes that there was a question. One that waited too long isn't begun: its answer has been given
 * already.
 */
function inTime(deadline: number): Handle {
  if (handle === undefined) throw new Error("the reader has no database");
  idleMs = 0;
  queueMicrotask(collectMuch);
  if (systemClock.now() > deadline) throw new TimeIsOver("the read waited too long");
  return handle;
}

function close(): void {
  handle?.db.close();
  handle = undefined;
  bytesCollected = 0;
}
