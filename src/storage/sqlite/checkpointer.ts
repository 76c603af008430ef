/**
 * The checkpointer's thread: copies the write-ahead log into the database while the writer goes on. It never waits
 * for the writer and never makes the writer wait; the log's end is left to the writer's short last step.
 */
import type { Database } from "bun:sqlite";
import { checkpoint, openForWriting } from "./files.ts";
import type { CheckpointAsk } from "./protocol.ts";
import { answerQuestions } from "./thread-main.ts";

let db: Database | undefined;

answerQuestions<CheckpointAsk>((ask) => {
  switch (ask.do) {
    case "open":
      db?.close();
      db = openForWriting(ask.path);
      return null;
    case "checkpoint":
      if (db === undefined) throw new Error("the checkpointer has no database");
      return { walPages: checkpoint(db, "passive").walPages };
    case "close":
      db?.close();
      db = undefined;
      return null;
  }
});
