/** The query of `GET /stats/series`: a range of whole steps, and what tells series apart. */
import { Type } from "typebox";
import { type FieldError, fieldError } from "../../core/field-errors.ts";
import { instantKey } from "../../core/instant.ts";
import { InstantParameter, queryReader, SourceParameter } from "../../core/page-parameters.ts";
import {
  KEPT_S,
  type SeriesLabel,
  type SeriesOf,
  type SeriesQuery,
  STEP_S,
  STEPS,
  type Step,
} from "../../core/series.ts";

const POINTS_MAX = 3000;
const SERIES_MAX = 1000;
/** Of all series together: JSON of some megabytes. */
const NUMBERS_MAX = 500_000;
const POINTS_DEFAULT: Readonly<Record<Step, number>> = { minute: 60, hour: 24, day: 30 };
/** Without a fraction of a second. */
const KEY_CHARACTERS = 19;

/** By what is counted, how series may be told apart; the first is the default. */
const BY: Readonly<Record<SeriesOf, Readonly<Record<string, readonly SeriesLabel[]>>>> = {
  records: { "source,kind": ["source", "what"], source: ["source"], kind: ["what"] },
  requests: { "source,result": ["source", "what"], source: ["source"], result: ["what"] },
};
const ALL_BY = [...new Set(Object.values(BY).flatMap((labels) => Object.keys(labels)))];

export const SeriesParameters = Type.Object({
  of: Type.Optional(
    Type.Enum(["records", "requests"], {
      type: "string",
      description:
        "Messages and events by when they were received, or webhook requests by what became of them.",
      default: "records",
    }),
  ),
  step: Type.Optional(
    Type.Enum([...STEPS], {
      type: "string",
      description: "What one number is about. Minutes are kept for 2 days, hours for 90, days for ever.",
      default: "minute",
    }),
  ),
  from: InstantParameter(
    "From the step that this instant is in; by default the last hour of minutes, day of hours or 30 days.",
  ),
  to: InstantParameter("Up to the step that this instant is in, or that ends with it; now by default."),
  by: Type.Optional(
    Type.Enum(ALL_BY, {
      type: "string",
      description:
        "What tells one series from another; what isn't named is added up. `source,kind` is the default, of requests " +
        "`source,result`.",
      examples: ["source"],
    }),
  ),
  source: SourceParameter,
});
const readQuery = queryReader(SeriesParameters, {});

type Asked = { readonly errors: readonly FieldError[] } | { readonly query: SeriesQuery };

/** `now` in milliseconds since 1970. */
export function seriesQuery(text: string, now: number): Asked {
  const { given, errors } = readQuery(text);
  if (errors.length > 0) return { errors };
  const of = (given["of"] ?? "records") as SeriesOf;
  const step = (given["step"] ?? "minute") as Step;
  const stepS = STEP_S[step];
  const name = given["by"] ?? Object.keys(BY[of])[0] ?? "";
  const by = BY[of][name];
  if (by === undefined) {
    const msg = `Series of ${of} take one of ${Object.keys(BY[of]).join(" | ")}`;
    return { errors: [fieldError("query", "by", "enum", msg, name)] };
  }
  const endsAt = given["to"] === undefined ? now / 1000 : endOf(given["to"]);
  const to = Math.ceil(endsAt / stepS) * stepS;
  const from =
    given["from"] === undefined
      ? to - POINTS_DEFAULT[step] * stepS
      : Math.floor(secondsOf(given["from"]) / stepS) * stepS;
  const points = (to - from) / stepS;
  const wrong = rangeMistake(step, { from, points, now: now / 1000 });
  if (wrong !== undefined)
    return { errors: [fieldError("query", "from", "out_of_range", wrong, given["from"] ?? null)] };
  const seriesMax = Math.min(SERIES_MAX, Math.floor(NUMBERS_MAX / points));
  const { source } = given;
  return { query: { of, step, from, to, by, seriesMax, ...(source !== undefined && { source }) } };
}

/** What one can do about it; undefined where the range can be shown. */
function rangeMistake(
  step: Step,
  { from, points, now }: { readonly from: number; readonly points: number; readonly now: number },
): string | undefined {
  if (points < 1) return "from should be before to";
  if (points > POINTS_MAX)
    return `It takes ${POINTS_MAX} ${step}s at most: ask for a shorter range${step === "day" ? "" : ", or a longer step"}`;
  if (from < now - KEPT_S[step] - STEP_S[step])
    return `${step}s are kept for ${KEPT_S[step] / STEP_S.day} days: ask for a later from, or a longer step`;
  return undefined;
}

/** Of more series than may be. */
export function tooManySeries({ seriesMax }: SeriesQuery): FieldError {
  const msg = `There are more than ${seriesMax} series: name less in by, or one source, or ask for a shorter range`;
  return fieldError("query", "by", "too_many", msg, null);
}

function secondsOf(instant: string): number {
  return Date.parse(`${instant.slice(0, KEY_CHARACTERS)}Z`) / 1000;
}

/** Behind a fraction of a second. */
function endOf(instant: string): number {
  return secondsOf(instant) + (instantKey(instant).length > KEY_CHARACTERS ? 1 : 0);
}
