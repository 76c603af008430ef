/** A destination as tests configure it: everything is said, so that nothing depends on defaults. */
import type { DestinationConfig } from "../../src/core/destination-config.ts";
import type { About } from "../../src/follow/deliver/sink.ts";

export const SECRET = "a secret of the destination";

/** A schedule by which a record that fails is given up long after a test is over. */
export const FOR_LONG = Array.from({ length: 1000 }, () => 300);

/** Of an attempt that a sink gets directly. */
export const ABOUT: About = { source: "native", kind: "message", type: null, from: null, to: null };

export function destinationTo(url: string, more: Partial<DestinationConfig> = {}): DestinationConfig {
  return {
    ...{ name: "app", url, secrets: [SECRET], kinds: ["message"], sources: undefined },
    ...{ from: undefined, to: undefined, order: "sender", concurrency: 4, ratePerS: undefined },
    ...{ timeoutMs: 20_000, retryMs: [100, 100, 200, 400], start: "start", allowPrivate: true },
    options: {},
    ...more,
  };
}
