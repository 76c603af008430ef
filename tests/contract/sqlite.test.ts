import type { IndexLimits } from "../../src/storage/sqlite/derived/followers.ts";
import { SQLITE_CAPABILITIES } from "../databases/sqlite.ts";
import { changesContract } from "./changes-contract.ts";
import { deliveriesContract } from "./deliveries-contract.ts";
import { eventKeysContract } from "./event-keys-contract.ts";
import { followContract } from "./follow-contract.ts";
import { maintenanceContract } from "./maintenance-contract.ts";
import { postsContract } from "./posts-contract.ts";
import { sendersContract } from "./senders-contract.ts";
import { seriesContract } from "./series-contract.ts";
import { sqliteDatabase } from "./sqlite-database.ts";
import { storeContract } from "./store-contract.ts";

const tiny: IndexLimits = {
  stepRows: { time: 3, senders: 2, search: 5, events: 2 },
  leafRows: 4,
  runRows: 3,
  runs: 2,
  runSenderRows: 2,
  waitingSenders: 3,
  segmentRows: 2,
  segmentRowsMax: 40,
  stretchRows: 3,
  shortRows: 3,
  lookupCost: 2,
  tailRows: 131_072,
};

maintenanceContract("SQLite", sqliteDatabase, SQLITE_CAPABILITIES);
eventKeysContract("SQLite", () => sqliteDatabase(), SQLITE_CAPABILITIES);
for (const contract of [storeContract, postsContract, sendersContract]) {
  contract("SQLite", () => sqliteDatabase(), SQLITE_CAPABILITIES);
  contract(
    "SQLite with tiny steps, leaves and segments",
    () => sqliteDatabase({ indexLimits: tiny }),
    SQLITE_CAPABILITIES,
  );
  contract(
    "SQLite that gives up its tail and scans",
    () => sqliteDatabase({ indexLimits: { ...tiny, tailRows: 1 } }),
    SQLITE_CAPABILITIES,
  );
}

// What follows the log is read from the log alone: the index's limits make no difference to it.
changesContract("SQLite", () => sqliteDatabase(), SQLITE_CAPABILITIES);
followContract("SQLite", () => sqliteDatabase());
seriesContract("SQLite", () => sqliteDatabase(), SQLITE_CAPABILITIES);
deliveriesContract("SQLite", () => sqliteDatabase(), SQLITE_CAPABILITIES);
