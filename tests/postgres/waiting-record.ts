/** Deliveries as tests make them up: positions by number, and a record that waits. */
import type { DeliveryCommit, Failure } from "../../src/core/deliveries.ts";

export const AT = "2026-11-28T10:00:00.000Z";

export const positionAt = (seq: number) => `5f0c1d9a03bb71c2.${seq}`;

/** Of nobody's order, and due. */
export const waitingRecord = (seq: number, more: Partial<Failure> = {}): Failure => ({
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
  excerpt: null,
  first_at: AT,
  last_at: AT,
  next_at: AT,
  ...more,
});

/** A commit that moves from a record to the next one. */
export const moveBy = (seq: number): DeliveryCommit => ({
  from: positionAt(seq),
  to: positionAt(seq + 1),
  at: AT,
  insert: [],
  update: [],
  remove: [],
});
