/** The contract's suite on PostgreSQL through a PgBouncer that gives each transaction another session. */
import { afterAll, beforeAll, describe } from "bun:test";
import { newPostgres } from "../databases/postgres.ts";
import { newPgbouncer, type OwnPgbouncer, PGBOUNCER } from "../postgres/own-pgbouncer.ts";
import { postgresServer } from "../postgres/server.ts";
import { changesContract } from "./changes-contract.ts";
import { openForTest } from "./open-for-test.ts";
import { postsContract } from "./posts-contract.ts";
import { storeContract, type TestDatabase } from "./store-contract.ts";

const START_MS = 60_000;

describe.skipIf(PGBOUNCER === undefined)("PgBouncer", () => {
  let pooler: OwnPgbouncer;
  beforeAll(async () => {
    pooler = await newPgbouncer((await postgresServer()).url);
  }, START_MS);
  afterAll(() => pooler.remove());

  async function pooledDatabase(): Promise<TestDatabase> {
    const database = await newPostgres();
    const url = pooler.through(database.url);
    return { ...database, open: (limits) => openForTest({ engine: "postgres", url }, limits) };
  }

  for (const contract of [storeContract, postsContract])
    contract("PostgreSQL through PgBouncer", pooledDatabase);
  changesContract("PostgreSQL through PgBouncer", pooledDatabase, { replicas: 2 });
});
