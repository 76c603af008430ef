/** Numbers over time never look at the log. */
import { Database } from "bun:sqlite";
import { test } from "bun:test";
import { openForTest } from "../contract/open-for-test.ts";
import { newSqlite } from "../databases/sqlite.ts";
import { readsNumbersWithoutLog } from "../series-without-log.ts";

test("numbers are read, and requests added, where the log's tables aren't there", async () => {
  const database = await newSqlite();
  const store = await readsNumbersWithoutLog(
    () => openForTest({ engine: "sqlite", path: database.path }),
    (from, to) => {
      using beside = new Database(database.path);
      beside.run(`alter table ${from} rename to ${to}`);
    },
  );
  await store.close();
  await database.drop();
});
