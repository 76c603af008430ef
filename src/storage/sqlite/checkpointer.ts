/**
 * The checkpointer's thread: copies the write-ahead log into the database while the writer goes on. It never waits
 * for the writer and never makes the writer wait; the log's end is left to the writer's short last step.
 */
import type { Database } from "bun:sqlite";
import { checkpoint, openForWriting } from "./files.ts";
import type { CheckpointAsk } from "./protocol.ts";
import { answerQuestions } from "./thread-main.ts";

const PASSES_MAX = 6;
const REST_PAGES = 200;

let db: Database | undefined;

answerQuestions<CheckpointAsk>((ask) => {
  switch (ask.do) {
    case "open":
      db?.close();
      db = openForWriting(ask.path);
      return null;
    case "checkpoint":
      if (db === undefined) throw new Error("the checkpointer has no database");
      copy(db);
      return null;
    case "close":
      db?.close();
      db = undefined;
      return null;
  }
});

/** The writer goes on meanwhile: each pass leaves less for its last step, which stalls it. */
function copy(from: Database): void {
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    checkpoint(from, "passive");
    if (checkpoint(from, "noop").remaining <= REST_PAGES) return;
  }
}
