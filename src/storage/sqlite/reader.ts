/** A reader's thread: answers queries one by one, so that no query delays an acknowledgement or a health check. */
import type { Database } from "bun:sqlite";
import { systemClock } from "../../lib/clock.ts";
import { openForReading } from "./files.ts";
import { giveWay } from "./priority.ts";
import type { ReaderAsk } from "./protocol.ts";
import { Queries } from "./queries.ts";
import { TimeIsOver } from "./scan.ts";
import { answerQuestions } from "./thread-main.ts";

/** The collector by itself lets the sets of a search pile up: under load they were a fifth of the process's memory. */
const COLLECT_EVERY_MS = 1000;

interface Handle {
  readonly db: Database;
  readonly queries: Queries;
}

let handle: Handle | undefined;
let answered = false;

setInterval(() => {
  if (answered) Bun.gc(true);
  answered = false;
}, COLLECT_EVERY_MS).unref();

answerQuestions<ReaderAsk>((ask) => {
  switch (ask.do) {
    case "open": {
      close();
      giveWay();
      const db = openForReading(ask.path);
      db.run("attach ? as derived", [ask.index]);
      handle = { db, queries: new Queries(db, systemClock, ask.limits) };
      return null;
    }
    case "list":
      return inTime(ask.deadline).list(ask.query, ask.deadline);
    case "stats":
      return inTime(ask.deadline).stats(ask.deadline);
    case "events":
      return inTime(ask.deadline).events(ask.query, ask.deadline);
    case "message":
      return inTime(ask.deadline).message(ask.messageId, ask.deadline);
    case "count":
      return inTime(Number.POSITIVE_INFINITY).count();
    case "close":
      close();
      return null;
  }
});

/** Notes that there was a question. One that waited too long isn't begun: its answer has been given already. */
function inTime(deadline: number): Queries {
  if (handle === undefined) throw new Error("the reader has no database");
  answered = true;
  if (systemClock.now() > deadline) throw new TimeIsOver("the read waited too long");
  return handle.queries;
}

function close(): void {
  handle?.db.close();
  handle = undefined;
}
