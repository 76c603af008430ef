/** SQLite as the contract's suite wants an engine. */
import type { IndexLimits } from "../../src/storage/sqlite/derived/followers.ts";
import { newSqlite } from "../databases/sqlite.ts";
import { maintainForTest, openForTest } from "./open-for-test.ts";
import type { TestDatabase } from "./store-contract.ts";

interface Seams {
  readonly followerLagRowsMax?: number;
  readonly indexLimits?: IndexLimits;
}

/** With tiny limits every seam between log, tail and index is crossed all the time. */
export async function sqliteDatabase(seams: Seams = {}): Promise<TestDatabase> {
  const database = await newSqlite();
  const url = { engine: "sqlite", path: database.path } as const;
  return {
    ...database,
    open: (limits) => openForTest(url, { ...seams, ...limits }),
    maintain: () => maintainForTest(url),
  };
}
