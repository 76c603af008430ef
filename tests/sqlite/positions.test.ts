/** What a follower is told when the file is another one than it was. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LogRecord } from "../../src/core/log-record.ts";
import { parsePosition } from "../../src/core/position.ts";
import type { Store } from "../../src/core/store.ts";
import { maintainForTest, openForTest } from "../contract/open-for-test.ts";
import { type Folder, newFolder } from "../folder.ts";
import { message } from "../messages.ts";

let folder: Folder;
let path: string;
beforeEach(() => {
  folder = newFolder();
  path = join(folder.path, "messages.db");
});
afterEach(() => folder.remove());

async function withStore<T>(work: (store: Store) => Promise<T>, file = path): Promise<T> {
  const store = await openForTest({ engine: "sqlite", path: file });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Stores them, and returns the position of the last. */
const append = (...ids: string[]) =>
  withStore(async (store) => {
    await store.append({ messages: ids.map((id) => message(id)) });
    return store.positionAt("now");
  });

/** What a follower gets from there; "lost" where it is told. */
async function follow(position: string, file = path): Promise<"lost" | (string | null)[]> {
  const { seq = 0, mark = "" } = parsePosition(position) ?? {};
  const { isLost, records } = await withStore(
    (store) => store.changes({ after: seq, mark, limit: 100 }),
    file,
  );
  return isLost ? "lost" : records.map(({ message_id }) => message_id);
}

/** As a file is put back: what stands beside it goes. */
function putBack(copy: string): void {
  for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
  copyFileSync(copy, path);
}

test("a file that was put back from a copy tells who had come further, also when it has grown again", async () => {
  const kept = await append("a", "b");
  const consumers = { filter: { kinds: ["message"] as const }, name: "c", position: kept };
  await withStore((store) => store.consumers.create(consumers));
  const copy = join(folder.path, "copy.db");
  copyFileSync(path, copy);
  const further = await append("c", "d");
  await withStore((store) => store.consumers.seek("c", further));
  putBack(copy);
  expect(await follow(further)).toBe("lost");
  expect(await follow(kept)).toEqual([]);
  await append("c", "e");
  expect(await follow(further)).toBe("lost");
  expect(await follow(kept)).toEqual(["c", "e"]);
  expect(await withStore((store) => store.consumers.find("c"))).toMatchObject({ position: kept });
});

test("a new file is another log", async () => {
  const before = await append("a");
  const start = await withStore((store) => store.positionAt("start"));
  rmSync(path);
  await append("a");
  expect(await follow(before)).toBe("lost");
  expect(await follow(start)).toBe("lost");
});

test("an import into a new file is another log, and one into the same file comes behind what is there", async () => {
  const before = await append("a", "b");
  const records: LogRecord[] = [];
  for await (const slice of maintainForTest({ engine: "sqlite", path }).exportLog(0)) records.push(...slice);
  const importInto = async (file: string, ids: readonly string[]) => {
    const opened = await maintainForTest({ engine: "sqlite", path: file }).openImport?.();
    for (const [index, id] of ids.entries())
      await opened?.append({
        message: message(id),
        seq: index + 1,
        createdAt: (records[index] as { created_at: string }).created_at,
      });
    await opened?.commit();
    await opened?.close();
  };
  const other = join(folder.path, "other.db");
  await importInto(other, ["a", "b"]);
  expect(await follow(before, other)).toBe("lost");
  await importInto(path, ["x", "y"]);
  expect(await follow(before)).toEqual(["x", "y"]);
});

test("rows at the end that were deleted by hand are told, also when others have taken their numbers", async () => {
  const kept = await append("a");
  const lost = await append("b", "c");
  const db = new Database(path);
  db.run("delete from messages where message_id in ('b', 'c')");
  db.close();
  expect(await follow(lost)).toBe("lost");
  await append("d", "e");
  expect(await follow(lost)).toBe("lost");
  expect(await follow(kept)).toEqual(["d", "e"]);
});

test("a row in the middle that was deleted by hand is told to who stood there, and nobody else", async () => {
  const first = await append("a");
  const second = await append("b");
  const third = await append("c");
  const db = new Database(path);
  db.run("delete from messages where message_id = 'b'");
  db.close();
  expect(await follow(first)).toEqual(["c"]);
  expect(await follow(second)).toBe("lost");
  expect(await follow(third)).toEqual([]);
});
