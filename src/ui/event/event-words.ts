/** An event in a word or two, and how it is meant. */
import type { Schemas } from "../api.ts";

type Event = Pick<Schemas["Event"], "kind" | "event_key"> & { readonly type?: string | null };

const GOOD = /^(?:delivered|read|seen|played|accepted)$/;
const BAD = /fail|undeliver|reject|expired|bounce|error/i;

/** The provider's word where there is one: `delivered` rather than `status`. */
export function eventWord({ kind, event_key, type }: Event): string {
  const last = (type ?? /[:.]([a-z_]{3,24})(?:#\d+)?$/.exec(event_key)?.[1])?.split(".").at(-1);
  return last === undefined || last === "" ? kind : last;
}

export function eventTone(event: Event): "good" | "bad" | "plain" {
  const word = eventWord(event);
  return BAD.test(word) ? "bad" : GOOD.test(word) ? "good" : "plain";
}
