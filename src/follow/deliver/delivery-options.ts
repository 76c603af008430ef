/** What a delivery to one destination is made of. */
import type { DeliveryStore, Destination } from "../../core/deliveries.ts";
import type { DestinationConfig } from "../../core/destination-config.ts";
import type { OpenOriginal } from "../../core/source.ts";
import type { Log } from "../../observe/log.ts";
import type { Following } from "../following.ts";
import type { AttemptTally } from "./attempt-tally.ts";
import type { Sink } from "./sink.ts";

export interface DeliveryOptions {
  readonly config: DestinationConfig;
  /** As it was when its lease was taken. */
  readonly destination: Destination;
  readonly sink: Sink;
  readonly openOriginal: OpenOriginal;
  readonly following: Following;
  readonly deliveries: DeliveryStore;
  readonly tally: AttemptTally;
  readonly chance: () => number;
  readonly log: Log;
  /** Whether the lease is known to be ours now: a process that stood still finds it over. */
  readonly isHeld: () => boolean;
  /** Somebody else serves the destination: this one has stopped. */
  readonly onLost: () => void;
}
