/** The embedded engine keeps the store's contract. */
import { sqliteDatabase } from "./sqlite-database.ts";
import { storeContract } from "./store-contract.ts";

storeContract("SQLite", sqliteDatabase);
