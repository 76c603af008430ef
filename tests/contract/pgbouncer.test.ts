/**
 * The contract's suite on PostgreSQL through a PgBouncer that gives each transaction another
 * session.
 */
import { afterAll, beforeAll, describe } from "bun:test";
import { newPostgres, POSTGRES_CAPABILITIES } from "../databases/postgres.ts";
import { newPgbouncer, type OwnPgbouncer, PGBOUNCER } from "../postgres/own-pgbouncer.ts";
import { postgresServer } from "../postgres/server.ts";
import { changesContract } from "./changes-contract.ts";
import { deliveriesContract } from "./deliveries-contract.ts";
import { followContract } from "./follow-contract.ts";
import { maintenanceContract } from "./maintenance-contract.ts";
import { maintainForTest, openForTest } from "./open-for-test.ts";
import { postsContract } from "./posts-contract.ts";
import { storeContract, type TestDatabase } from "./store-contract.ts";

const START_MS = 120_000;

describe.skipIf(PGBOUNCER === undefined)("PgBouncer", () => {
  let pooler: OwnPgbouncer;
  beforeAll(async () => {
    pooler = await newPgbouncer((await postgresServer()).url);
  }, START_MS);
  afterAll(() => pooler.remove());

  async function pooledDatabase(): Promise<TestDatabase> {
    const database = await newPostgres();
    const url = { engine: "postgres", url: pooler.through(database.url) } as const;
    return {
      ...database,
      open: (limits) => openForTest(url, limits),
      maintain: () => maintainForTest(url),
    };
  }

  for (const contract of [
    storeContract,
    postsContract,
    changesContract,
    followContract,
    deliveriesContract,
    maintenanceContract,
  ])
    contract("PostgreSQL through PgBouncer", pooledDatabase, POSTGRES_CAPABILITIES);
});
