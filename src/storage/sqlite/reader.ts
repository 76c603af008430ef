/** A reader's thread: answers queries one by one, so that no query delays an acknowledgement or a health check. */
import type { Database } from "bun:sqlite";
import { systemClock } from "../../lib/clock.ts";
import { openForReading } from "./files.ts";
import type { ReaderAsk } from "./protocol.ts";
import { Queries, TimeIsOver } from "./queries.ts";
import { answerQuestions } from "./thread-main.ts";

let db: Database | undefined;
let queries: Queries | undefined;

answerQuestions<ReaderAsk>((ask) => {
  switch (ask.do) {
    case "open":
      db = openForReading(ask.path);
      queries = new Queries(db, systemClock);
      return null;
    case "list":
      return inTime(ask.deadline).list(ask.query, ask.deadline);
    case "stats":
      return inTime(ask.deadline).stats(ask.deadline);
    case "count":
      return inTime(Number.POSITIVE_INFINITY).count();
    case "close":
      db?.close();
      db = undefined;
      queries = undefined;
      return null;
  }
});

/** A question that waited too long isn't begun: its answer has been given already. */
function inTime(deadline: number): Queries {
  if (queries === undefined) throw new Error("the reader has no database");
  if (systemClock.now() > deadline) throw new TimeIsOver("the read waited too long");
  return queries;
}
