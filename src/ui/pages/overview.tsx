/** Overview: how the service is, what came in, and what needs a hand. */
import { useRef } from "preact/hooks";
import { get, type Schemas } from "../api.ts";
import { tick } from "../clock.ts";
import { bytes, count, counted, milliseconds, relativeTime } from "../format.ts";
import { byReason, growthOf, type Known, needsOf } from "../overview/needs.ts";
import { type Bucket, quantile, since } from "../overview/quantile.ts";
import { Traffic } from "../overview/traffic.tsx";
import type { Page } from "../page.ts";
import { Problem } from "../problem.tsx";
import { addressOf } from "../router.ts";
import { session } from "../session.ts";
import { Time } from "../time.tsx";
import { useLiveAnswer } from "../use-live-answer.ts";

export const overviewPage: Page = { id: "overview", title: "Overview", View: Overview };

const SERVICE_MS = 5000;
const OTHERS_MS = 15_000;
const SENDERS_MS = 60_000;
const REFUSALS = 200;
const REASONS_SHOWN = 6;
const NEED_ICONS = { bad: "!", warn: "!", note: "i" } as const;

function Overview() {
  const service = useLiveAnswer("service", SERVICE_MS, (signal) => get("/stats/service", { signal }));
  const others = useLiveAnswer("others", OTHERS_MS, readOthers);
  const problem = service.problem || others.problem;
  const again = () => {
    service.again();
    others.again();
  };
  const known =
    service.value !== undefined && others.value !== undefined
      ? { service: service.value, ...others.value, isOpen: session.value?.state === "open", now: tick.value }
      : undefined;
  return (
    <div class="page-scroll" tabIndex={0} role="group" aria-label="Overview">
      <div class="overview">
        {problem !== "" && <Problem words={problem} retry={again} />}
        <Needs known={known} />
        <Figures known={known} />
        <Traffic />
        <div class="overview-lists">
          <SourceList known={known} />
          <Reasons known={known} />
          <Senders />
        </div>
      </div>
    </div>
  );
}

async function readOthers(signal: AbortSignal) {
  const [sources, destinations, refusals, hours] = await Promise.all([
    get("/stats/sources", { signal }),
    get("/destinations", { signal }),
    get("/stats/refusals", { query: { limit: REFUSALS }, signal }),
    get("/stats/series", { query: { of: "requests", step: "hour", by: "source,result" }, signal }),
  ]);
  const refused = hours.series.filter(({ result }) => result === "invalid_signature");
  return {
    sources: sources.data,
    destinations: destinations.data,
    refusals: refusals.data,
    // The hour under way is no past.
    refusedBefore: Object.fromEntries(
      refused.map(({ source = "", counts }) => [source, counts.slice(0, -1)]),
    ),
  };
}

interface KnownProps {
  /** Undefined while it is on its way. */
  readonly known: Known | undefined;
}

function Needs({ known }: KnownProps) {
  const needs = known && needsOf(known);
  return (
    <section class="card needs" aria-labelledby="needs-title" aria-busy={needs === undefined}>
      <header class="card-head">
        <h2 id="needs-title">
          {needs?.length === 0 && <span class="dot good" aria-hidden="true" />}
          {needs === undefined
            ? "What needs a hand"
            : `${needs.length === 0 ? "Nothing needs" : "Needs"} a hand`}
        </h2>
        <span class="quiet">
          {known &&
            `Postern ${known.service.version}, started ${relativeTime(known.service.started_at, known.now)}`}
        </span>
      </header>
      {needs === undefined && <span class="bone" />}
      {needs !== undefined && needs.length > 0 && (
        <ul>
          {needs.map(({ tone, what, advice, place }) => (
            <li key={what} class={tone}>
              <span class="need-sign" aria-hidden="true">
                {NEED_ICONS[tone]}
              </span>
              <p>
                <strong>
                  <bdi>{what}</bdi>
                </strong>{" "}
                <span class="quiet">
                  <bdi>{advice}</bdi>
                </span>
              </p>
              {place !== undefined && (
                <a href={addressOf(place.page, place.parameters)} aria-label={`Open: ${what}`}>
                  Open
                </a>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** So many values tell more of now than all since the start. */
const RECENT_MIN = 20;

/** Of what came since the page was opened, once that is enough; else since the start. */
function useRecent(buckets: readonly Bucket[] | undefined): readonly Bucket[] | undefined {
  const first = useRef<readonly Bucket[] | undefined>(undefined);
  if (buckets === undefined) return undefined;
  first.current ??= buckets;
  const recent = since(first.current, buckets);
  return (recent.at(-1)?.count ?? 0) >= RECENT_MIN ? recent : buckets;
}

function Figures({ known }: KnownProps) {
  const latency = useRecent(known?.service.latency_ms);
  const commit = useRecent(known?.service.commit_seconds);
  const service = known?.service;
  const total = (of: "last_hour" | "last_day" | "refused_last_hour") =>
    known?.sources.reduce((sum, source) => sum + source[of], 0);
  const growth = known && growthOf(known);
  const free = service?.disk_free_bytes ?? undefined;
  const size = service?.disk_total_bytes ?? undefined;
  const stored = service && (service.database_bytes ?? 0) + service.index_bytes + service.wal_bytes;
  return (
    <dl class="figures" aria-busy={known === undefined}>
      <Figure
        name="Received, last hour"
        value={inCount(total("last_hour"))}
        more={ofDay(total("last_day"))}
      />
      <Figure
        name="Refused, last hour"
        value={inCount(total("refused_last_hour"))}
        more={known && "without a valid signature"}
      />
      <Figure
        name="Stored"
        value={service && count((service.messages ?? 0) + (service.events ?? 0))}
        more={service && `${count(service.messages ?? 0)} messages`}
      />
      <Figure name="Time to answer" value={ms(latency, 1)} more={latency && within(latency, 1)} />
      <Figure name="Time to commit" value={ms(commit, 1000)} more={commit && within(commit, 1000)} />
      <Figure
        name="Waiting"
        value={service && count(service.queue_rows)}
        more={service && `of ${count(service.queue_rows_max)} at most`}
      />
      <Figure
        name="Index behind"
        value={service && count(service.behind_rows)}
        more={service && (service.index_bytes > 0 ? `${bytes(service.index_bytes)} in all` : "")}
      />
      <Figure
        name="On the disk"
        value={stored === undefined ? undefined : bytes(stored)}
        more={
          service &&
          (free === undefined || size === undefined
            ? more(growth)
            : `${bytes(free)} left${growth === undefined ? "" : `, ${more(growth)}`}`)
        }
      />
    </dl>
  );
}

function Figure({
  name,
  value,
  more,
}: {
  readonly name: string;
  readonly value: string | undefined;
  readonly more?: string | undefined;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value ?? <span class="bone" />}</dd>
      <dd class="quiet">{more ?? "\u00a0"}</dd>
    </div>
  );
}

function more(bytesADay: number | undefined): string | undefined {
  return bytesADay === undefined ? undefined : `${bytes(bytesADay)} more a day`;
}

function inCount(value: number | undefined): string | undefined {
  return value === undefined ? undefined : count(value);
}

function ofDay(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${count(value)} in 24 hours`;
}

function within(buckets: readonly Bucket[], unit: number): string {
  return quantile(buckets, 0.5) === undefined ? "none yet" : `median; 99 % within ${ms(buckets, unit, 0.99)}`;
}

/** `unit`: milliseconds of one. */
function ms(buckets: readonly Bucket[] | undefined, unit: number, share = 0.5): string | undefined {
  if (buckets === undefined) return undefined;
  const found = quantile(buckets, share);
  return found === undefined ? "–" : milliseconds(found * unit);
}

function SourceList({ known }: KnownProps) {
  return (
    <section class="card" aria-labelledby="sources-title">
      <header class="card-head">
        <h2 id="sources-title">Sources</h2>
        <a href={addressOf("sources")}>All</a>
      </header>
      {known === undefined ? (
        <Bones />
      ) : (
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">Last</th>
              <th scope="col" class="number">
                Hour
              </th>
              <th scope="col" class="number">
                Day
              </th>
            </tr>
          </thead>
          <tbody>
            {known.sources.map((source) => (
              <tr key={source.source} class={source.configured ? "" : "quiet"}>
                <th scope="row">
                  <a href={addressOf("sources", { name: source.source })}>{source.source}</a>{" "}
                  {source.quiet && source.configured && <span class="badge warn">quiet</span>}
                </th>
                <td class="quiet">
                  <LastOf source={source} />
                </td>
                <td class="number">{count(source.last_hour)}</td>
                <td class="number">{count(source.last_day)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function LastOf({ source }: { readonly source: Schemas["SourceFigures"] }) {
  const last = [source.last_message_at, source.last_event_at]
    .flatMap((at) => at ?? [])
    .sort()
    .at(-1);
  return last === undefined ? <>never</> : <Time at={last} />;
}

function Reasons({ known }: KnownProps) {
  const reasons = known && byReason(known.refusals).slice(0, REASONS_SHOWN);
  return (
    <section class="card" aria-labelledby="reasons-title">
      <header class="card-head">
        <h2 id="reasons-title">Refused, by reason</h2>
        {reasons?.length !== 0 && <span class="quiet">of the newest {REFUSALS}</span>}
      </header>
      {reasons === undefined && <Bones />}
      {reasons?.length === 0 && <p class="card-none quiet">No request was refused.</p>}
      <ul class="reasons">
        {reasons?.map(({ reason, source, rows, last }) => (
          <li key={`${source} ${reason}`}>
            <span class="number">{count(rows)}</span>
            <p>
              <bdi>{reason}</bdi>
              <span class="quiet">
                <a href={addressOf("sources", { name: source })}>{source}</a>, last <Time at={last.at} /> from{" "}
                <bdi>{last.client}</bdi>
              </span>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Senders() {
  const { value, problem, again } = useLiveAnswer("senders", SENDERS_MS, (signal) =>
    get("/stats", { signal }),
  );
  return (
    <section class="card" aria-labelledby="senders-title">
      <header class="card-head">
        <h2 id="senders-title">Top senders</h2>
        {value !== undefined && <span class="quiet">of {counted(value.senders_count, "sender")}</span>}
      </header>
      {problem !== "" && <Problem words={problem} retry={again} />}
      {value === undefined && problem === "" && <Bones />}
      {value?.messages_per_sender.length === 0 && <p class="card-none quiet">No message yet.</p>}
      <ul class="top-senders">
        {value?.messages_per_sender.map(({ from, count: rows }) => (
          <li key={from}>
            <a href={addressOf("conversations", { from })}>
              <bdi>{from}</bdi>
            </a>
            <span class="number">{count(rows)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Bones() {
  return (
    <div class="bones" aria-busy="true">
      <span class="bone" />
      <span class="bone" />
      <span class="bone" />
    </div>
  );
}
