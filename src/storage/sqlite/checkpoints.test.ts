/** Who copies the write-ahead log: the checkpointer on a real file, and what the writer is asked for. */

import type { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type Folder, newFolder } from "../../../tests/folder.ts";
import { Checkpoints } from "./checkpoints.ts";
import {
  CHECKPOINT_AT_PAGES,
  type Checkpoint,
  checkpoint,
  openForReading,
  openForWriting,
  REST_PAGES_MAX,
  WAL_PAGES_MAX,
} from "./files.ts";
import { migrate } from "./schema.ts";
import { Thread } from "./thread.ts";

let folder: Folder;
let path: string;
let writer: Database;
beforeEach(() => {
  folder = newFolder();
  path = join(folder.path, "messages.db");
  writer = openForWriting(path);
  migrate(writer, path);
  writer.run("create table pages (content blob)");
  checkpoint(writer, "truncate");
});
afterEach(() => {
  writer.close();
  folder.remove();
});

/** At least so many pages go into the log. */
function write(pages: number): void {
  writer.transaction(() => {
    for (let page = 0; page < pages; page++) writer.run("insert into pages values (zeroblob(4000))");
  })();
}

test("the checkpointer copies up to the oldest snapshot, and says what is left", async () => {
  const thread = new Thread("checkpointer", () => undefined);
  await thread.ask({ do: "open", path });
  write(1000);
  const reader = openForReading(path);
  reader.run("begin");
  reader.query("select count(*) from pages").get();
  const { walPages: seen } = checkpoint(writer, "noop");
  write(REST_PAGES_MAX + 500);
  const held = await thread.ask<Checkpoint>({ do: "checkpoint" });
  expect(held).toMatchObject({ copied: seen, remaining: held.walPages - seen });
  expect(held.remaining).toBeGreaterThan(REST_PAGES_MAX);
  expect(await thread.ask<Checkpoint>({ do: "checkpoint" })).toEqual(held);
  reader.run("rollback");
  expect(await thread.ask<Checkpoint>({ do: "checkpoint" })).toMatchObject({ remaining: 0 });
  reader.close();
  await thread.close();
});

/** What the writer is asked for when the checkpointer leaves this. */
async function askedOfWriter(
  left: Partial<Checkpoint> | Error,
): Promise<{ asked: string[]; failed: string[] }> {
  const asked: string[] = [];
  const failed: string[] = [];
  const checkpointer = {
    ask: async () => {
      if (left instanceof Error) throw left;
      return left;
    },
  } as unknown as Thread;
  const asking = { ask: async ({ do: what }: { do: string }) => void asked.push(what) } as unknown as Thread;
  const checkpoints = new Checkpoints(checkpointer, asking, (reason) => failed.push(reason));
  checkpoints.logHolds(CHECKPOINT_AT_PAGES - 1);
  await checkpoints.settled();
  expect(asked).toEqual([]);
  checkpoints.logHolds(CHECKPOINT_AT_PAGES);
  await checkpoints.settled();
  return { asked, failed };
}

test("the writer does the rest when it is short", async () => {
  const { asked } = await askedOfWriter({ walPages: CHECKPOINT_AT_PAGES, remaining: REST_PAGES_MAX });
  expect(asked).toEqual(["restart-wal"]);
});

test("the writer goes on while a snapshot holds much of the log back", async () => {
  const { asked } = await askedOfWriter({ walPages: WAL_PAGES_MAX - 1, remaining: REST_PAGES_MAX + 1 });
  expect(asked).toEqual([]);
});

test("the writer copies whatever is left before the log grows beyond all bounds", async () => {
  const { asked } = await askedOfWriter({ walPages: WAL_PAGES_MAX, remaining: WAL_PAGES_MAX });
  expect(asked).toEqual(["restart-wal"]);
});

test("a failure of the disk is told, a full disk is not", async () => {
  expect((await askedOfWriter(new Error("SQLITE_IOERR_FSYNC disk I/O error"))).failed).toHaveLength(1);
  expect((await askedOfWriter(new Error("SQLITE_FULL database or disk is full"))).failed).toEqual([]);
});
