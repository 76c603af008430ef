/** A destination as tests configure it: everything is said, so that nothing depends on defaults. */
import type { DestinationConfig } from "../../src/core/destination-config.ts";

export const SECRET = "a secret of the destination";

export function destinationTo(url: string, more: Partial<DestinationConfig> = {}): DestinationConfig {
  return {
    ...{ name: "app", url, secrets: [SECRET], kinds: ["message"], sources: undefined },
    ...{ from: undefined, to: undefined, order: "sender", concurrency: 4, ratePerS: undefined },
    ...{ timeoutMs: 2000, retryMs: [100, 100, 200, 400], start: "start", allowPrivate: true },
    ...more,
  };
}
