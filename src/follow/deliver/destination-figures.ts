/** How each destination stands, for metrics; whichever process serves it. */
import type { Destination } from "../../core/deliveries.ts";
import type { Log } from "../../observe/log.ts";
import type { DestinationFigures } from "../../observe/metrics.ts";
import { FiguresByName } from "../figures-by-name.ts";
import type { Following } from "../following.ts";
import type { Delivering } from "./delivering.ts";
import { countedDestination } from "./shown-destination.ts";

export function destinationFigures(
  following: Following,
  delivering: Delivering,
  log: Pick<Log, "debug">,
): FiguresByName<Destination, DestinationFigures> {
  return new FiguresByName({
    ...{ following, log, failed: "the destinations' figures could not be counted" },
    list: () => following.store.deliveries.list(),
    count: async (destination) => {
      const { state, lag, figures } = await countedDestination(following, delivering, destination);
      const { waiting, dead, nextAt } = figures;
      const overdueMs = nextAt === undefined ? 0 : following.clock.now() - Date.parse(nextAt);
      const isServed = state !== "inactive";
      return {
        ...{ state, putAside: waiting, dead },
        lag: isServed ? lag : undefined,
        overdueSeconds: isServed ? Math.max(0, overdueMs) / 1000 : undefined,
      };
    },
  });
}
