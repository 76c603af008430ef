/** A destination as clients see it: whether it is served, how far it is, and what waits. */
import { type Static, Type } from "typebox";
import { RECORD_KINDS } from "../../core/changes.ts";
import type { Destination, DestinationReport, FailureFigures } from "../../core/deliveries.ts";
import { type DestinationConfig, filterOf } from "../../core/destination-config.ts";
import type { Following } from "../following.ts";
import { type Lag, lagOf } from "../lag.ts";
import { nullable } from "../nullable.ts";
import type { Delivering } from "./delivering.ts";
import { sinkKindOf } from "./sinks.ts";

const Milliseconds = Type.Union([Type.Number(), Type.Null()]);

export const DestinationAnswer = Type.Object(
  {
    name: Type.String(),
    url: nullable(
      Type.String(),
      "Where it leads, without what may be secret: of https:// the host alone, of a broker no credentials; null for one that isn't in the configuration file.",
    ),
    filter: nullable(
      Type.Object({
        kinds: Type.Array(Type.Enum([...RECORD_KINDS])),
        sources: nullable(Type.Array(Type.String()), "Null: all."),
        from: nullable(Type.String(), "Null: anybody."),
        to: nullable(Type.String(), "Null: anybody."),
      }),
      "Which records it takes, as the configuration file says; null where the file has it no more.",
    ),
    state: Type.Enum(["ok", "down", "paused", "inactive"], {
      description: "`inactive`: it isn't in the configuration file; what belongs to it is kept.",
    }),
    reason: nullable(
      Type.String(),
      "Why it is down or paused; of one that is `ok`, why the last attempt failed, until another one succeeds.",
    ),
    since: nullable(Type.String(), "Since when it is in this state."),
    position: Type.String({ description: "Everything up to it was handed on, put aside, or left out." }),
    lag_records: Type.Integer({ description: "Records behind the position that match; exact up to 10,000." }),
    lag_is_bound: Type.Boolean({ description: "`lag_records` is a lower bound." }),
    lag_seconds: Type.Number({ description: "How long ago the oldest of them was received; 0 without one." }),
    put_aside: Type.Integer({ description: "Records that failed and are tried again." }),
    dead: Type.Integer({ description: "Records that are not tried again until somebody asks for it." }),
    next_attempt_at: nullable(
      Type.String(),
      "When something that waits is due; null where nothing is tried.",
    ),
    attempts: Type.Object(
      { success: Type.Integer(), failure: Type.Integer() },
      { description: "Since the process that serves it took it over." },
    ),
    answer_ms: Type.Object(
      { p50: Milliseconds, p99: Milliseconds },
      { description: "Of the last thousand attempts." },
    ),
  },
  {
    $id: "Destination",
    examples: [
      {
        name: "app",
        url: "https://app.example",
        filter: { kinds: ["message"], sources: null, from: null, to: null },
        state: "ok",
        reason: null,
        since: "2025-11-28T09:12:40.135Z",
        position: "5f0c1d9a03bb71c2.1204",
        lag_records: 2,
        lag_is_bound: false,
        lag_seconds: 0.18,
        put_aside: 1,
        dead: 0,
        next_attempt_at: "2025-11-28T10:35:31.377Z",
        attempts: { success: 1187, failure: 3 },
        answer_ms: { p50: 21, p99: 140 },
      },
    ],
  },
);

/** What is counted of a destination when somebody asks. */
interface CountedDestination {
  readonly state: "ok" | "down" | "paused" | "inactive";
  readonly report: DestinationReport | null;
  readonly figures: FailureFigures;
  readonly lag: Lag;
}

export async function countedDestination(
  following: Pick<Following, "store" | "clock">,
  delivering: Delivering,
  destination: Destination,
): Promise<CountedDestination> {
  const { name, position, paused } = destination;
  const config = delivering.configOf(name);
  const report = delivering.reportOf(destination);
  const filter = config === undefined ? {} : filterOf(config);
  const [figures, lag] = await Promise.all([
    following.store.deliveries.figures(name),
    lagOf(following, { position, filter }),
  ]);
  const state = config === undefined ? "inactive" : paused !== null ? "paused" : (report?.state ?? "ok");
  return { state, report, figures, lag };
}

export async function shownDestination(
  following: Following,
  delivering: Delivering,
  destination: Destination,
): Promise<Static<typeof DestinationAnswer>> {
  const { name, position, paused } = destination;
  const { state, report, figures, lag } = await countedDestination(following, delivering, destination);
  const config = delivering.configOf(name);
  return {
    name,
    url: config === undefined ? null : sinkKindOf(config).shown(config.url),
    filter: config === undefined ? null : shownFilter(config),
    state,
    reason: paused?.reason ?? (state === "inactive" ? null : (report?.reason ?? null)),
    since: paused?.since ?? report?.since ?? null,
    position,
    lag_records: lag.records,
    lag_is_bound: lag.isBound,
    lag_seconds: lag.seconds,
    put_aside: figures.waiting,
    dead: figures.dead,
    next_attempt_at:
      state === "inactive" || state === "paused" ? null : (report?.next_attempt_at ?? figures.nextAt ?? null),
    attempts: report?.attempts ?? { success: 0, failure: 0 },
    answer_ms: report?.answer_ms ?? { p50: null, p99: null },
  };
}

function shownFilter({ kinds, sources, from, to }: DestinationConfig) {
  return {
    kinds: [...kinds],
    sources: sources === undefined ? null : [...sources],
    from: from ?? null,
    to: to ?? null,
  };
}
