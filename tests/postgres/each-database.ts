/** A database of its own for each test of a file, and the stores that a test opens in it. */
import { afterEach, beforeEach } from "bun:test";
import type { Store } from "../../src/core/store.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { newPostgresDatabase, type PostgresDatabase } from "./server.ts";

type Options = Parameters<typeof openForTest>[1];

interface EachDatabase {
  /** Of the test that runs. */
  readonly database: Pick<PostgresDatabase, "url" | "query">;
  /** Closed after the test, if it hasn't closed them by then. */
  readonly open: (options?: Options, url?: string) => Promise<Store>;
  readonly closeStores: () => Promise<void>;
}

export function databaseOfEachTest(withinMs: number): EachDatabase {
  let current: PostgresDatabase;
  const opened: Store[] = [];
  const closeStores = async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
  };
  beforeEach(async () => {
    current = await newPostgresDatabase();
  }, withinMs);
  afterEach(async () => {
    await closeStores();
    await current.drop();
  }, withinMs);
  return {
    database: {
      get url() {
        return current.url;
      },
      query: (...given) => current.query(...given),
    },
    open: async (options, url = current.url) => {
      const store = await openForTest({ engine: "postgres", url }, options);
      opened.push(store);
      return store;
    },
    closeStores,
  };
}
