/**
 * Who copies the write-ahead log: the checkpointer on a real file, and what the writer is asked
 * for.
 */

import type { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type Folder, newFolder } from "../../../../tests/folder.ts";
import {
  CHECKPOINT_AT_PAGES,
  type Checkpoint,
  checkpoint,
  openForReading,
  openForWriting,
  REST_PAGES_MAX,
  WAL_PAGES_MAX,
} from "../connection/files.ts";
import { lockFile } from "../connection/lock.ts";
import { migrate } from "../connection/schema.ts";
import { Thread } from "../connection/thread.ts";
import { Checkpoints } from "./checkpoints.ts";
import { CHECKPOINTER_THREAD } from "./threads.ts";

let folder: Folder;
beforeEach(() => {
  folder = newFolder();
});
afterEach(() => folder.remove());

/** At least so many pages go into the log. */
function write(writer: Database, pages: number): void {
  writer.transaction(() => {
    for (let page = 0; page < pages; page++) writer.run("insert into pages values (zeroblob(4000))");
  })();
}

test("the checkpointer copies up to the oldest snapshot, and says what is left", async () => {
  const path = join(folder.path, "messages.db");
  const lock = lockFile(path);
  using writer = openForWriting(path);
  migrate(writer, path);
  writer.run("create table pages (content blob)");
  checkpoint(writer, "truncate");
  const thread = new Thread("checkpointer", CHECKPOINTER_THREAD, () => undefined);
  await thread.ask({ do: "open", path });
  write(writer, 1000);
  using reader = openForReading(path);
  reader.run("begin");
  reader.query("select count(*) from pages").get();
  const { walPages: seen } = checkpoint(writer, "noop");
  write(writer, REST_PAGES_MAX + 500);
  const held = await thread.ask<Checkpoint>({ do: "checkpoint" });
  expect(held).toMatchObject({ copied: seen, remaining: held.walPages - seen });
  expect(held.remaining).toBeGreaterThan(REST_PAGES_MAX);
  expect(await thread.ask<Checkpoint>({ do: "checkpoint" })).toEqual(held);
  reader.run("rollback");
  expect(await thread.ask<Checkpoint>({ do: "checkpoint" })).toMatchObject({ remaining: 0 });
  await thread.close();
  lock.release();
});

/**
 * Checkpoints of a log of which the checkpointer leaves so much at each attempt; the last one again
 * and again.
 */
function checkpoints(left: (number | Error)[]) {
  const asked: string[] = [];
  const failed: string[] = [];
  const checkpointer = {
    ask: async () => {
      asked.push("copy");
      const remaining = left.length > 1 ? left.shift() : left[0];
      if (remaining instanceof Error) throw remaining;
      return { remaining };
    },
  } as unknown as Thread;
  const asking = { ask: async ({ do: what }: { do: string }) => void asked.push(what) } as unknown as Thread;
  const withoutReads = async (work: () => Promise<void>) => {
    asked.push("hold");
    await work();
    asked.push("go on");
  };
  const onFailure = (reason: string) => void failed.push(reason);
  const subject = new Checkpoints({ checkpointer, writer: asking, withoutReads, onFailure });
  /** What is done when the log holds so many pages. */
  const done = async (pages: number) => {
    subject.logHolds(pages);
    await subject.settled();
    return asked.splice(0);
  };
  return { done, failed };
}

test("nothing is copied before the log holds enough", async () => {
  expect(await checkpoints([0]).done(CHECKPOINT_AT_PAGES - 1)).toEqual([]);
});

test("the writer does the rest when it is short", async () => {
  expect(await checkpoints([REST_PAGES_MAX]).done(CHECKPOINT_AT_PAGES)).toEqual(["copy", "restart-wal"]);
});

test("the writer goes on while a snapshot holds much of the log back", async () => {
  expect(await checkpoints([REST_PAGES_MAX + 1]).done(WAL_PAGES_MAX - 1)).toEqual(["copy"]);
});

test("reads are held back when the log can't start over by itself, until it can", async () => {
  const { done } = checkpoints([5000, 300, 0]);
  const expected = ["copy", "hold", "copy", "copy", "restart-wal", "go on"];
  expect(await done(WAL_PAGES_MAX)).toEqual(expected);
});

test("where that doesn't help, reads are held back once for each doubling of the log", async () => {
  const { done } = checkpoints([5000]);
  expect(await done(WAL_PAGES_MAX)).toContain("hold");
  expect(await done(2 * WAL_PAGES_MAX - 1)).toEqual(["copy"]);
  expect(await done(2 * WAL_PAGES_MAX)).toContain("hold");
  await done(1);
  expect(await done(WAL_PAGES_MAX)).toContain("hold");
});

test("a failure of the disk is told, a full disk is not", async () => {
  const broken = checkpoints([new Error("SQLITE_IOERR_FSYNC disk I/O error")]);
  await broken.done(CHECKPOINT_AT_PAGES);
  expect(broken.failed).toHaveLength(1);
  const full = checkpoints([new Error("SQLITE_FULL database or disk is full")]);
  await full.done(CHECKPOINT_AT_PAGES);
  expect(full.failed).toEqual([]);
});
