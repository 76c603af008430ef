import { POSTGRES_CAPABILITIES } from "../databases/postgres.ts";
import { changesContract } from "./changes-contract.ts";
import { deliveriesContract } from "./deliveries-contract.ts";
import { eventKeysContract } from "./event-keys-contract.ts";
import { followContract } from "./follow-contract.ts";
import { maintenanceContract } from "./maintenance-contract.ts";
import { postgresDatabase } from "./postgres-database.ts";
import { postsContract } from "./posts-contract.ts";
import { sendersContract } from "./senders-contract.ts";
import { seriesContract } from "./series-contract.ts";
import { storeContract } from "./store-contract.ts";

for (const contract of [
  storeContract,
  postsContract,
  sendersContract,
  eventKeysContract,
  changesContract,
  followContract,
  deliveriesContract,
  seriesContract,
  maintenanceContract,
])
  contract("PostgreSQL", postgresDatabase, POSTGRES_CAPABILITIES);
