import { changesContract } from "./changes-contract.ts";
import { postgresDatabase } from "./postgres-database.ts";
import { postsContract } from "./posts-contract.ts";
import { storeContract } from "./store-contract.ts";

for (const contract of [storeContract, postsContract]) contract("PostgreSQL", postgresDatabase);
changesContract("PostgreSQL", postgresDatabase, { replicas: 2 });
