/** Rows of failures for tests: plain ones with what a test cares about. */
import type { Failure } from "../src/core/deliveries.ts";

/** Of no log, and as one that a store doesn't look into. */
export const positionAt = (seq: number) => `5f0c1d9a03bb71c2.${seq}`;

/** Within the minute in which everything happens. */
export const second = (seconds: number) => `2026-11-28T10:00:${String(seconds).padStart(2, "0")}.000Z`;

/** A row that nobody's order holds up, due at second 10. */
export function failure(seq: number, more: Partial<Failure> = {}): Failure {
  return {
    seq,
    replay: "",
    position: positionAt(seq),
    kind: "message",
    source: "native",
    message_id: `m${seq}`,
    from: "+1",
    sender: "",
    state: "waiting",
    attempts: 1,
    last_status: 500,
    cause: "status",
    excerpt: "no",
    first_at: second(0),
    last_at: second(1),
    next_at: second(10),
    ...more,
  };
}
