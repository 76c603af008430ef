/** The log line of an upgrade, of either engine. */
import type { Upgrade } from "../core/upgrade.ts";
import type { Log } from "../observe/log.ts";

export function tellUpgrade(log: Pick<Log, "info">, upgrade: Upgrade): void {
  const isMadeAnew = upgrade.file !== undefined && upgrade.ms === undefined;
  log.info(isMadeAnew ? "an index of an earlier version is made anew" : "schema upgraded", { ...upgrade });
}
