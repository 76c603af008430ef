/** What came in over time, by source, kind or outcome. */
import { get, type Schemas } from "../api.ts";
import { now } from "../clock.ts";
import { dayOfUtc, minuteOf } from "../format.ts";
import { Problem } from "../problem.tsx";
import { changeParameters, route } from "../router.ts";
import { useLiveAnswer } from "../use-live-answer.ts";
import { Chart } from "./chart.tsx";
import { type By, chartSeries } from "./chart-data.ts";

interface Shown {
  readonly title: string;
  readonly step: Schemas["Series"]["step"];
  /** So many steps are one bar. */
  readonly group: number;
  readonly per: string;
  /** Every so many bars a label, where it fits. */
  readonly rounds: readonly number[];
  readonly everyMs: number;
}
type Span = "hour" | "day" | "month";

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
const DAY_MS = 86_400_000;
const SPANS: Readonly<Record<Span, Shown>> = {
  hour: { title: "Hour", step: "minute", group: 1, per: "a minute", rounds: [5, 10, 15, 30], everyMs: 5000 },
  day: {
    title: "Day",
    step: "minute",
    group: 15,
    per: "in 15 minutes",
    rounds: [8, 12, 24, 48],
    everyMs: 30_000,
  },
  month: {
    title: "30 days",
    step: "day",
    group: 1,
    per: "a day (UTC)",
    rounds: [1, 2, 5, 10],
    everyMs: 60_000,
  },
};
const BYS: Readonly<Record<By, string>> = { source: "Source", kind: "Kind", result: "Outcome" };
const OUTCOMES: Readonly<Record<string, string>> = {
  ok: "stored",
  duplicate: "there already",
  invalid_signature: "refused",
  validation_error: "invalid",
  overloaded: "told to come again",
  error: "failed",
};

export function Traffic() {
  const { parameters } = route.value;
  const span = known<Span>(SPANS, parameters.get("span"), "hour");
  const by = known<By>(BYS, parameters.get("by"), "source");
  const { per, group, everyMs } = SPANS[span];
  const { value, problem, isStale, again } = useLiveAnswer(`${span} ${by}`, everyMs, (signal) =>
    read(span, by, signal),
  );
  const what = by === "result" ? "Requests" : "Messages and events";
  return (
    <section class="card traffic" aria-labelledby="traffic-title">
      <header class="card-head">
        <h2 id="traffic-title">
          {what} <span class="quiet">{per}</span>
        </h2>
        <Choices name="by" label="By" choices={BYS} chosen={by} />
        <Choices name="span" label="Time" choices={titles} chosen={span} />
      </header>
      {problem !== "" && <Problem words={problem} retry={again} />}
      {value === undefined ? (
        <div class="chart-wait" aria-busy="true" />
      ) : (
        <div class={isStale ? "stale" : ""}>
          <Chart
            key={value.by}
            title={`${what} ${SPANS[value.span].per}`}
            labels={value.at
              .filter((_, index) => index % SPANS[value.span].group === 0)
              .map((at) => labelOf(at, value.span))}
            rounds={SPANS[value.span].rounds}
            phase={phaseOf(value.at[0] ?? "", value.span)}
            series={chartSeries(value.series, value.by, SPANS[value.span].group)}
            wordOf={(name) => OUTCOMES[name] ?? name}
          />
        </div>
      )}
      {value !== undefined && value.series.length === 0 && !isStale && (
        <p class="chart-none quiet">Nothing came in this {group === 15 ? "day" : span}.</p>
      )}
    </section>
  );
}

const titles = Object.fromEntries(
  Object.entries(SPANS).map(([name, { title }]) => [name, title]),
) as Readonly<Record<Span, string>>;

async function read(span: Span, by: By, signal: AbortSignal) {
  const { step, group } = SPANS[span];
  // Whole quarters of an hour, the one under way at the end.
  const from =
    group === 1
      ? undefined
      : new Date((Math.floor(now() / QUARTER_MS) + 1) * QUARTER_MS - DAY_MS).toISOString();
  const query = {
    ...{ step, by },
    of: by === "result" ? ("requests" as const) : ("records" as const),
    ...(from !== undefined && { from }),
  };
  const { at, series } = await get("/stats/series", { query, signal });
  return { at, series, span, by };
}

function labelOf(at: string, span: Span): string {
  if (span === "month") return dayOfUtc(at);
  return minuteOf(at);
}

/** How many bars after a round hour, or midnight, the first one is. */
function phaseOf(at: string, span: Span): number {
  const first = new Date(at);
  if (span === "hour") return first.getMinutes();
  return span === "day" ? first.getHours() * 4 + Math.floor(first.getMinutes() / 15) : 0;
}

interface ChoicesProps<Name extends string> {
  /** In the address. */
  readonly name: string;
  readonly label: string;
  readonly choices: Readonly<Record<Name, string>>;
  readonly chosen: Name;
}

function Choices<Name extends string>({ name, label, choices, chosen }: ChoicesProps<Name>) {
  return (
    <div class="choices" role="group" aria-label={label}>
      {(Object.keys(choices) as Name[]).map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === chosen}
          onClick={() => changeParameters({ [name]: each }, { replace: true })}
        >
          {choices[each]}
        </button>
      ))}
    </div>
  );
}

function known<Name extends string>(
  choices: Readonly<Record<Name, unknown>>,
  given: string | null,
  otherwise: Name,
): Name {
  return given !== null && Object.hasOwn(choices, given) ? (given as Name) : otherwise;
}
