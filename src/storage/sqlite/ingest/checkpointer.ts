/**
 * The checkpointer's thread: copies the write-ahead log into the database while the writer goes on.
 * It never waits for the writer and never makes the writer wait; the log's end is left to the
 * writer's short last step.
 */
import type { Database } from "bun:sqlite";
import { closeSync, fdatasyncSync, openSync } from "node:fs";
import { type Checkpoint, checkpoint, openExisting, REST_PAGES_MAX } from "../connection/files.ts";
import { FilesInPlace } from "../connection/files-in-place.ts";
import { answerQuestions } from "../connection/thread-main.ts";
import type { CheckpointAsk } from "./protocol.ts";

const PASSES_MAX = 6;

let db: Database | undefined;
/** Nothing is copied into a file that another process may have opened under another name. */
let files: FilesInPlace | undefined;
/**
 * Of the database file. Closing it drops the locks of every connection of the process: it stays
 * open until the end.
 */
let descriptor: number | undefined;

answerQuestions<CheckpointAsk>((ask) => {
  switch (ask.do) {
    case "open":
      db?.close();
      db = openExisting(ask.path);
      files = new FilesInPlace(ask.path, files?.marks);
      descriptor ??= openSync(ask.path, "r");
      return null;
    case "checkpoint":
      if (db === undefined || descriptor === undefined) throw new Error("the checkpointer has no database");
      return copy(db, descriptor);
    case "close":
      db?.close();
      db = undefined;
      files = undefined;
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
      return null;
  }
});

/**
 * The writer goes on meanwhile: each pass leaves less for its last step, which stalls it. A pass
 * ends where the oldest snapshot of a reader or follower begins; one that can't copy anything is
 * the last. SQLite syncs the database only when nothing is left to copy, which is at the writer's
 * step; what a pass has written is therefore synced here.
 */
function copy(from: Database, descriptor: number): Checkpoint {
  let left = checkpoint(from, "noop");
  for (let pass = 0; pass < PASSES_MAX && left.remaining > REST_PAGES_MAX; pass++) {
    files?.check();
    const { copied } = checkpoint(from, "passive");
    if (copied === left.copied) break;
    fdatasyncSync(descriptor);
    left = checkpoint(from, "noop");
  }
  return left;
}
