/**
 * Opens a store as the service does, with small limits and a log that nobody reads; and maintenance
 * as commands do.
 */
import { openSync } from "node:fs";
import type { DatabaseUrl } from "../../src/core/database-url.ts";
import type { Maintenance } from "../../src/core/maintenance.ts";
import type { Store } from "../../src/core/store.ts";
import { randomId } from "../../src/lib/chance.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Log } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { openMaintenance, openStore, type StoreOptions } from "../../src/storage/open.ts";

const DEVICE_NULL = openSync("/dev/null", "w");

export function openForTest(url: DatabaseUrl, given: Partial<StoreOptions> = {}): Promise<Store> {
  return openStore(url, {
    queueRowsMax: 20_000,
    queueBytesMax: 1e8,
    queryTimeoutMs: 30_000,
    readThreads: 2,
    followerLagRowsMax: 65_536,
    clock: systemClock,
    newId: randomId,
    log: new Log({ level: "ERROR", bufferBytesMax: 1e6, clock: systemClock, fd: DEVICE_NULL }),
    metrics: new Metrics({ version: "test", runtime: "test" }),
    onFatal: (reason) => {
      throw new Error(reason);
    },
    ...given,
  });
}

export function maintainForTest(url: DatabaseUrl): Maintenance {
  return openMaintenance(url, { clock: systemClock, newId: randomId, onUpgrade: () => undefined });
}
