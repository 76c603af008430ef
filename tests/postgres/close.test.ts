/** What a store says that is closed while it is still preparing itself. */
import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { Log } from "../../src/observe/log.ts";
import { SEARCH_INDEX } from "../../src/storage/postgres/connection/schema.ts";
import { newFolder } from "../folder.ts";
import { until } from "../until.ts";
import { databaseOfEachTest } from "./each-database.ts";
import { sessionOn } from "./server.ts";

const { database, open, closeStores } = databaseOfEachTest(120_000);

test("a store that is closed while it makes an index doesn't warn of it", async () => {
  await open();
  await closeStores();
  await database.query(`drop index if exists ${SEARCH_INDEX.name}`);
  const holder = sessionOn(database.url);
  // Which indexes that are made wait for, and nobody else.
  await holder.query("begin; lock table messages in share update exclusive mode");
  const folder = newFolder();
  const path = join(folder.path, "log");
  const fd = openSync(path, "w");
  const log = new Log({ level: "WARN", bufferBytesMax: 1e6, clock: systemClock, fd });
  await open({ log });
  await until("the index waits", async () => {
    const [waiting] = await database.query(
      "select 1 from pg_stat_activity where query ~ 'create index' and wait_event_type = 'Lock'",
    );
    return waiting !== undefined;
  });
  await closeStores();
  await log.flush(1000);
  expect(readFileSync(path, "utf8")).not.toContain("index");
  await holder.close();
  closeSync(fd);
  folder.remove();
}, 120_000);
