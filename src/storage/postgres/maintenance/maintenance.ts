/**
 * What can be done with a database on a server beside serving it. Messages are imported by way of a
 * file or a running Postern, and what is derived from them is recounted by a running one
 * (`Store.rebuildIndex`).
 */
import type { Maintenance } from "../../../core/maintenance.ts";
import type { OnUpgrade } from "../../../core/upgrade.ts";
import type { NewId } from "../../../lib/chance.ts";
import { exportLog } from "./export.ts";
import { openMigrationTarget } from "./migration-target.ts";

export function postgresMaintenance(url: string, newId: NewId, onUpgrade: OnUpgrade): Maintenance {
  return {
    // The server checks what it reads: damage ends an export as its error.
    exportLog: (since) => exportLog(url, since),
    openImport: undefined,
    openMigrationSource: undefined,
    openMigrationTarget: (log) => openMigrationTarget(url, log, { newId, onUpgrade }),
    index: undefined,
  };
}
