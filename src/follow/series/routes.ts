/** `/stats/series`, `/stats/sources` and `/stats/refusals`: numbers over time, without a scan. */
import { type Static, Type } from "typebox";
import { InvalidAnswer } from "../../core/field-errors.ts";
import { IntegerParameter, numberIn, queryReader, SourceParameter } from "../../core/page-parameters.ts";
import { STEP_S, STEPS } from "../../core/series.ts";
import { json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";
import { RESULTS } from "../../observe/metrics.ts";
import { nullable } from "../nullable.ts";
import { SeriesParameters, seriesQuery, tooManySeries } from "./parameters.ts";
import { BUSY, iso, progressOf, type SeriesRoutesOptions } from "./progress.ts";
import { sourcesRoute } from "./sources-route.ts";

const SeriesAnswer = Type.Object(
  {
    of: Type.Enum(["records", "requests"]),
    step: Type.Enum([...STEPS]),
    complete_to: nullable(
      Type.String(),
      "What was received before it is in the numbers; null while nothing is.",
    ),
    behind: Type.Integer({
      format: "int64",
      description: "Records of the log, or requests of this process, that aren't in the numbers yet.",
    }),
    at: Type.Array(Type.String(), { description: "When each step begins." }),
    series: Type.Array(
      Type.Object({
        source: Type.Optional(Type.String()),
        kind: Type.Optional(Type.String({ description: "`message`, or what an event is." })),
        result: Type.Optional(Type.Enum([...RESULTS])),
        counts: Type.Array(Type.Integer({ format: "int64" }), {
          description: "As many as `at` has; 0 where there was nothing.",
        }),
      }),
      { description: "By source, then by kind or result (bytes); one that has nothing isn't there." },
    ),
  },
  {
    $id: "Series",
    examples: [
      {
        of: "records",
        step: "hour",
        complete_to: "2025-11-28T10:41:00.960Z",
        behind: 0,
        at: ["2025-11-28T09:00:00.000Z", "2025-11-28T10:00:00.000Z"],
        series: [
          { source: "native", kind: "message", counts: [312, 208] },
          { source: "wa", kind: "message", counts: [41, 0] },
          { source: "wa", kind: "status", counts: [118, 3] },
        ],
      },
    ],
  },
);
const RefusalList = Type.Object(
  {
    data: Type.Array(
      Type.Object({
        at: Type.String(),
        source: Type.String(),
        client: Type.String({ description: "The client's address." }),
        reason: Type.String({ description: "As in the log line." }),
        method: Type.String(),
        path: Type.String({ description: "Without the query." }),
      }),
    ),
  },
  {
    $id: "RefusalList",
    examples: [
      {
        data: [
          {
            at: "2025-11-28T10:12:09.376Z",
            source: "wa",
            client: "203.0.113.7",
            reason: "the header X-Hub-Signature-256 is missing",
            method: "POST",
            path: "/webhook/wa",
          },
        ],
      },
    ],
  },
);

const LIMITS = [1, 1000, 50] as const;
const RefusalParameters = Type.Object({
  source: SourceParameter,
  limit: IntegerParameter({ description: "Refusals at most.", minimum: 1, maximum: 1000, default: 50 }),
});
const readRefusals = queryReader(RefusalParameters, { limit: true });

export function seriesRoutes(options: SeriesRoutesOptions): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/stats/series",
      access: "token",
      listener: "read",
      doc: {
        id: "getSeries",
        tag: "Watch",
        summary: "Count over time",
        description:
          "Records by when they were received, by source and kind, or webhook requests by source and result, in steps of " +
          "minutes, hours or days of UTC. The numbers are kept as records come: an answer looks at no record. They are " +
          "up to date to a second or so (`complete_to`, `behind`). At most 3,000 steps, 1,000 series, and 500,000 numbers " +
          "an answer. Unknown parameters are ignored; of a repeated one the last counts.",
        parameters: SeriesParameters,
        exampleQuery: { step: "hour", by: "source" },
        answers: {
          200: { description: "The numbers.", schema: SeriesAnswer },
          422: { description: "A parameter can't be read, or it is too much.", schema: InvalidAnswer },
          503: BUSY,
        },
      },
      handle: (exchange) => series(options, exchange),
    },
    sourcesRoute(options),
    {
      method: "GET",
      path: "/stats/refusals",
      access: "token",
      listener: "read",
      doc: {
        id: "listRefusals",
        tag: "Watch",
        summary: "List refused requests",
        description:
          "The newest webhook requests that didn't prove their origin, newest first: 50 of each source are kept, of all " +
          "replicas. Nothing of what a request brought is among it: no body, no query, no signature.",
        parameters: RefusalParameters,
        exampleQuery: { limit: 10 },
        answers: {
          200: { description: "The refusals.", schema: RefusalList },
          422: { description: "A parameter can't be read.", schema: InvalidAnswer },
          503: BUSY,
        },
      },
      handle: (exchange) => refusals(options, exchange),
    },
  ];
}

async function series(options: SeriesRoutesOptions, { query: text }: Exchange): Promise<Response> {
  const { store, clock } = options.following;
  const asked = seriesQuery(text, clock.now());
  if ("errors" in asked) return json(422, { detail: asked.errors });
  const { query } = asked;
  const progress = await progressOf(options, query.of);
  const found = await store.series.read(query);
  if (found === undefined) return json(422, { detail: [tooManySeries(query)] });
  const { of, step, from, to } = query;
  const stepS = STEP_S[step];
  return json(200, {
    of,
    step,
    ...progress,
    at: Array.from({ length: (to - from) / stepS }, (_, index) => iso((from + index * stepS) * 1000)),
    series: found.map(({ source, what, counts }) => ({
      ...(source !== null && { source }),
      ...(what !== null && { [of === "records" ? "kind" : "result"]: what }),
      counts: [...counts],
    })) as Static<typeof SeriesAnswer>["series"],
  } satisfies Static<typeof SeriesAnswer>);
}

async function refusals({ following }: SeriesRoutesOptions, { query }: Exchange): Promise<Response> {
  const parameters = readRefusals(query);
  const limit = numberIn(parameters, "limit", LIMITS);
  const { given, errors } = parameters;
  if (errors.length > 0) return json(422, { detail: errors });
  const { source } = given;
  const data = await following.store.series.refusals({ limit, ...(source !== undefined && { source }) });
  return json(200, { data: [...data] } satisfies Static<typeof RefusalList>);
}
