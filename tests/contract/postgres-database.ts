/** PostgreSQL as the contract's suite wants an engine. */
import { newPostgres } from "../databases/postgres.ts";
import { openForTest } from "./open-for-test.ts";
import type { TestDatabase } from "./store-contract.ts";

export async function postgresDatabase(): Promise<TestDatabase> {
  const database = await newPostgres();
  return {
    ...database,
    open: (limits) => openForTest({ engine: "postgres", url: database.url }, limits),
  };
}
