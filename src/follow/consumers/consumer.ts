/** A consumer as clients see it: what it wants, where it stands, and how far it is behind. */
import { type Static, Type } from "typebox";
import { RECORD_KINDS } from "../../core/changes.ts";
import type { Consumer } from "../../core/consumers.ts";
import type { Following } from "../following.ts";
import { lagOf } from "../lag.ts";
import { nullable } from "../nullable.ts";

/** As names of sources are. */
const NAME = /^[a-z][a-z0-9-]{0,31}$/;

export const NAME_RULE = "A name is 1 to 32 lower-case letters, digits and -, and begins with a letter";

export const ConsumerAnswer = Type.Object(
  {
    name: Type.String(),
    kinds: Type.Array(Type.Enum([...RECORD_KINDS])),
    source: nullable(Type.String(), "Null: of any source."),
    from: nullable(Type.String(), "Null: from anybody."),
    to: nullable(Type.String(), "Null: to anybody."),
    position: Type.String({ description: "Everything up to it is acknowledged." }),
    lag_records: Type.Integer({
      description: "Records behind the position that match; exact up to 10,000.",
    }),
    lag_is_bound: Type.Boolean({ description: "`lag_records` is a lower bound." }),
    lag_seconds: Type.Number({ description: "How long ago the oldest of them was received; 0 without one." }),
    acknowledged_at: nullable(Type.String(), "When it was last acknowledged; null before the first time."),
  },
  {
    $id: "Consumer",
    examples: [
      {
        name: "orders",
        kinds: ["message"],
        source: null,
        from: null,
        to: null,
        position: "5f0c1d9a03bb71c2.1204",
        lag_records: 2,
        lag_is_bound: false,
        lag_seconds: 2.583,
        acknowledged_at: "2025-11-28T10:00:01.102Z",
      },
    ],
  },
);

export const NamePath = Type.Object({
  name: Type.String({ description: NAME_RULE, examples: ["orders"] }),
});

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** As it is shown. */
export async function shownConsumer(
  following: Following,
  consumer: Consumer,
): Promise<Static<typeof ConsumerAnswer>> {
  const { name, filter, position, acknowledgedAt } = consumer;
  const { records, isBound, seconds } = await lagOf(following, consumer);
  return {
    name,
    kinds: [...filter.kinds],
    source: filter.sources?.[0] ?? null,
    from: filter.from ?? null,
    to: filter.to ?? null,
    position,
    lag_records: records,
    lag_is_bound: isBound,
    lag_seconds: seconds,
    acknowledged_at: acknowledgedAt,
  };
}
