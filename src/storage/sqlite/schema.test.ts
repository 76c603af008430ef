import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { type Folder, newFolder } from "../../../tests/folder.ts";
import { message } from "../../../tests/messages.ts";
import { StartRefused } from "../../core/errors.ts";
import { FOLD_VERSION } from "../../core/fold-table.ts";
import { openForWriting } from "./files.ts";
import { commitGroup } from "./group-commit.ts";
import { MessageLog } from "./message-log.ts";
import { migrate } from "./schema.ts";

let folder: Folder;
let path: string;
let db: Database;
beforeEach(() => {
  folder = newFolder();
  path = join(folder.path, "messages.db");
  db = openForWriting(path);
});
afterEach(() => {
  db.close();
  folder.remove();
});

const version = (value: string) => db.run("update meta set value = ? where key = 'fold_version'", [value]);
const metaKeys = () =>
  db
    .query<{ key: string }, []>("select key from meta order by key")
    .all()
    .map(({ key }) => key);
const folded = () =>
  db
    .query<{ folded: string | null }, []>("select folded from messages order by seq")
    .all()
    .map((row) => row.folded);

test("a new file gets the columns of the contract, and a second migration changes nothing", () => {
  migrate(db, path);
  const schema = () => db.query("select * from sqlite_schema").all();
  const columns = db.query<{ name: string; pk: number }, []>("pragma table_info(messages)").all();
  const names = columns.map(({ name }) => name);
  for (const name of ["message_id", "from_msisdn", "to_msisdn", "ts", "text", "created_at"])
    expect(names).toContain(name);
  expect(columns.filter(({ pk }) => pk > 0).map(({ name }) => name)).toEqual(["message_id"]);
  const before = schema();
  migrate(db, path);
  expect(schema()).toEqual(before);
});

test("the pragmas that the promise rests on are set", () => {
  const pragma = (name: string) =>
    Object.values(db.query<Record<string, unknown>, []>(`pragma ${name}`).get() ?? {})[0];
  expect([pragma("journal_mode"), pragma("synchronous"), pragma("wal_autocheckpoint")]).toEqual([
    "wal",
    2,
    0,
  ]);
});

test("text folded by another table is folded anew, in slices, and by this one not", () => {
  migrate(db, path);
  const log = new MessageLog(db);
  const messages = Array.from({ length: 11_000 }, (_, index) =>
    message(`m${index}`, { text: index % 10 === 0 ? null : `ΣΑΣ ${index}` }),
  );
  commitGroup(db, log, [{ createdAt: "", messages }]);
  log.close();
  const right = folded();
  db.run("update messages set folded = 'stale' where text is not null");
  migrate(db, path);
  expect(folded()[1]).toBe("stale");
  version("1.0.0");
  migrate(db, path);
  expect(folded()).toEqual(right);
  expect(metaKeys()).toEqual(["fold_version", "probe"]);
});

test("an interrupted folding goes on where it was", () => {
  migrate(db, path);
  const log = new MessageLog(db);
  commitGroup(db, log, [
    { createdAt: "", messages: ["a", "b", "c"].map((id) => message(id, { text: "ABC" })) },
  ]);
  log.close();
  db.run("update messages set folded = 'stale'");
  version("1.0.0");
  const [second] = db.query<{ rowid: number }, []>("select rowid from messages where message_id = 'b'").all();
  db.run("insert into meta values (?, ?)", [`refold_${FOLD_VERSION}`, String(second?.rowid)]);
  migrate(db, path);
  expect(folded()).toEqual(["stale", "stale", "abc"]);
});

test("a newer file and a stranger's are refused and left as they were", () => {
  migrate(db, path);
  db.run("pragma user_version = 99");
  expect(() => migrate(db, path)).toThrow(StartRefused);
  using theirs = new Database(join(folder.path, "theirs.db"));
  theirs.run("create table messages (id)");
  expect(() => migrate(theirs, "theirs.db")).toThrow(/another program/);
  expect(theirs.query("select name from sqlite_schema").all()).toEqual([{ name: "messages" }]);
});
