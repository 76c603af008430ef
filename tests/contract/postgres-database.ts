/** PostgreSQL as the contract's suite wants an engine. */
import { newPostgres } from "../databases/postgres.ts";
import { maintainForTest, openForTest } from "./open-for-test.ts";
import type { TestDatabase } from "./store-contract.ts";

export async function postgresDatabase(): Promise<TestDatabase> {
  const database = await newPostgres();
  const url = { engine: "postgres", url: database.url } as const;
  return {
    ...database,
    open: (limits) => openForTest(url, limits),
    maintain: () => maintainForTest(url),
  };
}
