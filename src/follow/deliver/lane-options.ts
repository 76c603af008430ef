/** What lanes of one destination share. */
import type { Attempts } from "./attempts.ts";
import type { DeliveryOptions } from "./delivery-options.ts";

export interface LaneOptions
  extends Pick<DeliveryOptions, "config" | "following" | "deliveries" | "chance" | "log" | "onLost"> {
  readonly attempts: Attempts;
  /** Aborted when nothing more is begun. */
  readonly over: AbortSignal;
  readonly isDown: () => boolean;
  /** Whether one more may be sent now; it counts as sent when it may. */
  readonly mayTake: () => boolean;
  /** Told after each attempt. */
  readonly onLanded: () => void;
  /** Told when there may be something to do. */
  readonly onChange: () => void;
  readonly couldNot: (what: string, error: unknown) => void;
}
