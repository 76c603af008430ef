/** `GET /stats/sources`: what each source has brought of late, and whether one has gone quiet. */
import { type Static, Type } from "typebox";
import { type Series, type SeriesStore, STEP_S, type Step } from "../../core/series.ts";
import { json } from "../../lib/response.ts";
import type { Route } from "../../lib/route.ts";
import { nullable } from "../nullable.ts";
import { BUSY, progressOf, type SeriesRoutesOptions } from "./progress.ts";
import { HOURS, isQuiet, usualPerHour } from "./quiet.ts";

const Count = (description: string) => Type.Integer({ format: "int64", description });
const SourceFigures = Type.Object(
  {
    source: Type.String(),
    configured: Type.Boolean({ description: "Whether it is served now; numbers stay when it isn't." }),
    last_message_at: nullable(Type.String(), "When its last message was received."),
    last_event_at: nullable(Type.String(), "When its last event was received."),
    last_hour: Count("Messages and events of the last 60 minutes, the one under way among them."),
    last_day: Count("Of the last 24 hours, the one under way among them."),
    last_7_days: Count("Of the last 168 hours."),
    refused_last_hour: Count("Requests that didn't prove their origin, as `last_hour`."),
    usual_per_hour: nullable(
      Type.Number(),
      "The median of this hour in the four weeks before, or those that it has; null in its first week.",
    ),
    quiet: Type.Boolean({
      description:
        "It has been silent for two whole hours or more, for which its own past gives no reason: the same hours of each " +
        "of the four weeks before brought 20 records or more. False for a source with less than two such weeks, with " +
        "fewer than 50 records a day, and after four weeks of silence.",
    }),
  },
  {
    $id: "SourceFigures",
    examples: [
      {
        source: "wa",
        configured: true,
        last_message_at: "2025-11-28T10:00:00.731Z",
        last_event_at: "2025-11-28T10:00:02.518Z",
        last_hour: 44,
        last_day: 1630,
        last_7_days: 11204,
        refused_last_hour: 1,
        usual_per_hour: 52,
        quiet: false,
      },
    ],
  },
);
const SourceList = Type.Object(
  {
    complete_to: nullable(Type.String({ examples: ["2025-11-28T10:41:00.960Z"] }), "As for `/stats/series`."),
    behind: Type.Integer({ format: "int64", description: "As for `/stats/series`.", examples: [0] }),
    data: Type.Array(SourceFigures, { description: "By name (bytes)." }),
  },
  { $id: "SourceList" },
);
type Figures = Static<typeof SourceFigures>;

const MINUTES = 60;
const DAY_H = 24;
const WEEK_H = 7 * DAY_H;
/** Names of sources are bounded by configuration, over time too. */
const SOURCES_MAX = 10_000;
const REFUSED = "invalid_signature";
const HOUR_MS = 3_600_000;

export function sourcesRoute(options: SeriesRoutesOptions): Route {
  return {
    method: "GET",
    path: "/stats/sources",
    access: "token",
    listener: "read",
    doc: {
      id: "listSources",
      tag: "Watch",
      summary: "What sources bring",
      description:
        "For each source that is served or has ever brought anything: its last message and event, how much came of late, " +
        "and whether it has gone quiet compared with its own past. From the numbers over time: no record is looked at.",
      answers: { 200: { description: "The sources.", schema: SourceList }, 503: BUSY },
    },
    handle: async () => json(200, await sourcesOf(options)),
  };
}

async function sourcesOf(options: SeriesRoutesOptions): Promise<Static<typeof SourceList>> {
  const { store, clock } = options.following;
  const now = clock.now();
  const progress = await progressOf(options, "records");
  const { complete_to: completeTo, behind } = progress;
  const last = await store.series.lastRecords();
  const records = { of: "records", by: ["source"] } as const;
  const hours = await countsBy(store.series, records, { step: "hour", points: HOURS, now });
  const minutes = await countsBy(store.series, records, { step: "minute", points: MINUTES, now });
  const requests = { of: "requests", by: ["source", "what"] } as const;
  const results = await countsBy(store.series, requests, { step: "minute", points: MINUTES, now });
  // What isn't counted yet is no silence.
  const isCounted = behind === 0 || (completeTo !== null && Date.parse(completeTo) > now - HOUR_MS);
  const served = new Set(options.names());
  const names = new Set([...served, ...last.map(({ source }) => source), ...requested(results)]);
  const data = [...names].toSorted().map((source): Figures => {
    const ofHours = hours.find((each) => each.source === source)?.counts ?? [];
    const at = (isWanted: (what: string) => boolean) =>
      last
        .filter((each) => each.source === source && isWanted(each.what))
        .map((each) => each.at)
        .sort()
        .at(-1) ?? null;
    return {
      source,
      configured: served.has(source),
      last_message_at: at((what) => what === "message"),
      last_event_at: at((what) => what !== "message"),
      last_hour: total(minutes.find((each) => each.source === source)?.counts),
      last_day: total(ofHours.slice(-DAY_H)),
      last_7_days: total(ofHours.slice(-WEEK_H)),
      refused_last_hour: total(
        results.find((each) => each.source === source && each.what === REFUSED)?.counts,
      ),
      usual_per_hour: usualPerHour(ofHours),
      quiet: isCounted && isQuiet(ofHours),
    };
  });
  return { ...progress, data };
}

interface Range {
  readonly step: Step;
  readonly points: number;
  readonly now: number;
}

/** The last so many steps, the one under way at the end. */
async function countsBy(
  store: Pick<SeriesStore, "read">,
  what: Pick<Parameters<SeriesStore["read"]>[0], "of" | "by">,
  { step, points, now }: Range,
): Promise<readonly Series[]> {
  const stepS = STEP_S[step];
  const to = (Math.floor(now / 1000 / stepS) + 1) * stepS;
  return (await store.read({ ...what, step, from: to - points * stepS, to, seriesMax: SOURCES_MAX })) ?? [];
}

function requested(results: readonly Series[]): readonly string[] {
  return results.flatMap(({ source }) => source ?? []);
}

function total(counts: readonly number[] = []): number {
  return counts.reduce((sum, rows) => sum + rows, 0);
}
