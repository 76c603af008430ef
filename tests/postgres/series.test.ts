/** Numbers over time never look at the log. */
import { test } from "bun:test";
import { openForTest } from "../contract/open-for-test.ts";
import { readsNumbersWithoutLog } from "../series-without-log.ts";
import { newPostgresDatabase } from "./server.ts";

test("numbers are read, and requests added, where the log's tables aren't there", async () => {
  const database = await newPostgresDatabase();
  const store = await readsNumbersWithoutLog(
    () => openForTest({ engine: "postgres", url: database.url }),
    (from, to) => database.query(`alter table ${from} rename to ${to}`),
  );
  await store.close();
  await database.drop();
});
