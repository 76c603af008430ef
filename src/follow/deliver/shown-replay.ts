/** A replay as clients see it: what it hands on, and how far it is. */
import { type Static, Type } from "typebox";
import { RECORD_KINDS } from "../../core/changes.ts";
import type { Replay } from "../../core/deliveries.ts";
import { rateText } from "../../lib/rate.ts";
import type { Following } from "../following.ts";
import { nullable } from "../nullable.ts";

export const ReplayAnswer = Type.Object(
  {
    id: Type.String(),
    position: Type.String({ description: "Everything up to it was handed on, put aside, or left out." }),
    until: Type.String({ description: "Where it ends." }),
    kinds: Type.Array(Type.Enum([...RECORD_KINDS])),
    source: Type.Union([Type.Array(Type.String()), Type.Null()], {
      description: "Names of sources; null: of any.",
    }),
    from: nullable(Type.String(), "Null: from anybody."),
    to: nullable(Type.String(), "Null: to anybody."),
    rate: Type.String({ examples: ["200/s"] }),
    new_ids: Type.Boolean(),
    records: Type.Integer({ description: "How many there were when it began." }),
    done: Type.Integer({ description: "Of these, how many are handed on or put aside." }),
    created_at: Type.String(),
  },
  {
    $id: "Replay",
    examples: [
      {
        id: "rp_019ac9d5e7b4f02c",
        position: "5f0c1d9a03bb71c2.1204",
        until: "5f0c1d9a77d01e35.2960",
        kinds: ["message"],
        source: null,
        from: null,
        to: null,
        rate: "200/s",
        new_ids: false,
        records: 1756,
        done: 412,
        created_at: "2025-11-28T10:40:00.020Z",
      },
    ],
  },
);
export async function shownReplay(
  following: Following,
  replay: Replay,
): Promise<Static<typeof ReplayAnswer>> {
  const { id, position, until, filter, rate, newIds, records, done, createdAt } = replay;
  return {
    ...{ id, position, until: await positionAt(following, until) },
    kinds: [...(filter.kinds ?? RECORD_KINDS)],
    source: filter.sources === undefined ? null : [...filter.sources],
    ...{ from: filter.from ?? null, to: filter.to ?? null },
    ...{ rate: rateText(rate), new_ids: newIds, records, done, created_at: createdAt },
  };
}

/** The position of the record with this number. */
async function positionAt({ store }: Following, seq: number): Promise<string> {
  if (seq === 0) return store.positionAt("start");
  return (await store.changes({ after: seq - 1, limit: 1 })).position;
}
