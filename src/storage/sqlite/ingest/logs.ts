/**
 * The two writers of one log, which count its `seq` together, for whoever holds the file's lock.
 */
import type { Database } from "bun:sqlite";
import { MessageLog } from "./message-log.ts";
import { PostLog } from "./post-log.ts";

export class Logs {
  readonly messages: MessageLog;
  readonly posts: PostLog;

  constructor(db: Database) {
    this.messages = new MessageLog(db);
    this.posts = new PostLog(db, this.messages);
  }

  /** Frees the statements, so that the file can be closed. */
  close(): void {
    this.messages.close();
    this.posts.close();
  }
}
