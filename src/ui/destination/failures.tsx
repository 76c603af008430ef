/** What could not be handed on: by cause, the newest first, and tried again or dropped. */
import { useSignal } from "@preact/signals";
import { ActionButton } from "../action-button.tsx";
import { get, type Schemas, send } from "../api.ts";
import { tick } from "../clock.ts";
import { count, counted } from "../format.ts";
import { Problem } from "../problem.tsx";
import { addressOf, changeParameters, route } from "../router.ts";
import { Time } from "../time.tsx";
import { useLiveAnswer } from "../use-live-answer.ts";
import { CAUSE_NAMES, causeInWords } from "./causes.ts";
import { type Destination, records, whenNext } from "./state.ts";

type Failure = Schemas["Failure"];

const POLL_MS = 3000;
const PAGE_ROWS = 50;

interface FailuresProps {
  readonly destination: Destination;
  readonly again: () => void;
}

interface Filters {
  readonly state?: Failure["state"];
  readonly cause?: string;
  readonly from?: string;
}

export function Failures({ destination, again }: FailuresProps) {
  const { name } = destination;
  const filters = filtersOf(route.value.parameters);
  const pageIndex = useSignal(0);
  const said = useSignal("");
  const key = JSON.stringify([filters, pageIndex.value]);
  const {
    value,
    problem,
    isStale,
    again: readAgain,
  } = useLiveAnswer(key, POLL_MS, (signal) => readNewest(name, filters, pageIndex.value, signal));
  const filter = (changes: Readonly<Record<string, string | undefined>>) => {
    pageIndex.value = 0;
    said.value = "";
    changeParameters({ name, ...changes }, { replace: true });
  };
  const act = async (what: "retry" | "drop", body: object) => {
    const answer = await send("POST", `/destinations/{name}/failures/${what}`, {
      parameters: { name },
      body,
    });
    const { records: done } = answer as { readonly records: number };
    said.value = what === "retry" ? `${records(done)} tried again.` : `${records(done)} dropped.`;
    readAgain();
    again();
  };
  const isFiltered = Object.keys(filters).length > 0;
  /** The figures are those of other filters. */
  const isOther = value !== undefined && isStale;
  const { rows = [], total = 0 } = value ?? {};
  const first = pageIndex.value * PAGE_ROWS;
  return (
    <section class="part failures" aria-label="Failures">
      <header class="part-head">
        <h3>Failures</h3>
        <span role="status" class="quiet">
          {said.value}
        </span>
      </header>
      {problem !== "" && <Problem words={problem} retry={readAgain} />}
      {!isStale && total === 0 && !isFiltered && (
        <p class="quiet">
          {destination.reason === null
            ? "Nothing has failed that isn't delivered by now."
            : "A record that fails is listed here once another one is delivered, or when it is given up."}
        </p>
      )}
      {(total > 0 || isFiltered || isOther) && (
        <>
          <Filter filters={filters} filter={filter} />
          <div class="failures-bulk">
            <span>{isStale ? "\u00a0" : isFiltered ? `${records(total)} match` : records(total)}</span>
            {total > 0 && !isStale && (
              <>
                <Retry label="Try all again" total={total} act={() => act("retry", filters)} />
                <Drop label="Drop all" total={total} act={() => act("drop", filters)} />
              </>
            )}
          </div>
        </>
      )}
      <ol class={`failure-list${isStale ? " stale" : ""}`}>
        {rows.map((failure, index) => (
          <Row
            key={failure.position}
            failure={failure}
            isExplained={rows.findIndex(({ cause }) => cause === failure.cause) === index}
            act={act}
          />
        ))}
      </ol>
      {total > PAGE_ROWS && (
        <p class="failures-pages">
          <button type="button" disabled={pageIndex.value === 0} onClick={() => pageIndex.value--}>
            Newer
          </button>
          <span class="quiet">
            {count(first + 1)} to {count(Math.min(total, first + PAGE_ROWS))} of {count(total)}
          </span>
          <button type="button" disabled={first + PAGE_ROWS >= total} onClick={() => pageIndex.value++}>
            Earlier
          </button>
        </p>
      )}
    </section>
  );
}

function filtersOf(parameters: URLSearchParams): Filters {
  const state = parameters.get("state");
  const [cause, from] = [parameters.get("cause"), parameters.get("from")];
  return {
    ...((state === "waiting" || state === "dead") && { state }),
    ...(cause && { cause }),
    ...(from && { from }),
  };
}

/** The service lists them in the order of the log: the newest are at its end. */
async function readNewest(name: string, filters: Filters, pageIndex: number, signal: AbortSignal) {
  const read = (query: { readonly limit: number; readonly offset: number }) =>
    get("/destinations/{name}/failures", { parameters: { name }, query: { ...filters, ...query }, signal });
  const ahead = await read({ limit: PAGE_ROWS, offset: 0 });
  const end = Math.max(0, ahead.total - pageIndex * PAGE_ROWS);
  const offset = Math.max(0, end - PAGE_ROWS);
  if (end === 0) return { rows: [], total: ahead.total };
  const page = offset === 0 && end >= ahead.data.length ? ahead : await read({ limit: end - offset, offset });
  return { rows: page.data.toReversed(), total: ahead.total };
}

interface FilterProps {
  readonly filters: Filters;
  readonly filter: (changes: Readonly<Record<string, string | undefined>>) => void;
}

function Filter({ filters: { state, cause = "", from = "" }, filter }: FilterProps) {
  const causes = CAUSE_NAMES.includes(cause) || cause === "" ? CAUSE_NAMES : [...CAUSE_NAMES, cause];
  return (
    <form class="failures-filter" role="search" onSubmit={(event) => event.preventDefault()}>
      <select
        aria-label="State"
        value={state ?? ""}
        onChange={({ currentTarget }) => filter({ state: currentTarget.value || undefined })}
      >
        <option value="">Any state</option>
        <option value="waiting">Retrying</option>
        <option value="dead">Given up</option>
      </select>
      <select
        aria-label="Cause"
        value={cause}
        onChange={({ currentTarget }) => filter({ cause: currentTarget.value || undefined })}
      >
        <option value="">Any cause</option>
        {causes.map((each) => (
          <option key={each} value={each}>
            {causeInWords(each).title}
          </option>
        ))}
      </select>
      <input
        type="text"
        aria-label="Sender"
        placeholder="Any sender"
        spellcheck={false}
        autocomplete="off"
        defaultValue={from}
        onChange={({ currentTarget }) => filter({ from: currentTarget.value.trim() || undefined })}
      />
    </form>
  );
}

interface RowProps {
  readonly failure: Failure;
  /** Says what can be done: once for each cause on a page. */
  readonly isExplained: boolean;
  readonly act: (what: "retry" | "drop", body: object) => Promise<void>;
}

function Row({ failure, isExplained, act }: RowProps) {
  const {
    position,
    kind,
    message_id,
    state,
    attempts,
    last_status,
    cause,
    excerpt,
    last_at,
    next_at,
    replay,
  } = failure;
  const why = cause === null ? undefined : causeInWords(cause);
  const what = message_id ?? position;
  const isTried = last_at !== null;
  const body = { positions: [position] };
  return (
    <li class="failure">
      <div class="failure-head">
        <span class={`badge ${state === "dead" ? "bad" : isTried ? "warn" : ""}`}>
          {state === "dead" ? "given up" : isTried ? "retrying" : "waits"}
        </span>
        <strong>{why?.title ?? "Behind an earlier one of its sender"}</strong>
        {last_status !== null && <span class="mono">{last_status}</span>}
        <span class="failure-actions">
          <Retry name={`Try again: ${what}`} label="Try again" total={1} act={() => act("retry", body)} />
          <Drop name={`Drop ${what}`} label="Drop" total={1} act={() => act("drop", body)} />
        </span>
      </div>
      <p class="quiet failure-about">
        {kind === "message" && message_id !== null ? (
          <a href={addressOf("messages", { open: message_id })}>
            <bdi class="mono">{message_id}</bdi>
          </a>
        ) : (
          <>
            {kind} <bdi class="mono">{what}</bdi>
          </>
        )}
        {isTried && attempts > 0 && ` · ${counted(attempts, "attempt")}`}
        {last_at !== null && (
          <>
            {attempts > 0 ? ", last " : " · last tried "}
            <Time at={last_at} />
          </>
        )}
        {next_at !== null && `, ${whenNext(next_at, tick.value)}`}
        {replay !== null && ` · in the replay ${replay}`}
      </p>
      {isExplained && why !== undefined && <p>{why.advice}</p>}
      {excerpt !== null && excerpt !== "" && (
        <pre class="raw">
          <bdi>{excerpt}</bdi>
        </pre>
      )}
    </li>
  );
}

interface ActProps {
  readonly name?: string;
  readonly label: string;
  readonly total: number;
  readonly act: () => Promise<void>;
}

function Retry({ total, ...button }: ActProps) {
  return (
    <ActionButton {...button} class="link" question={`Try ${records(total)} again?`} verb="Try again">
      {total === 1 ? "It is sent once more" : "They are sent once more"}, as soon as the destination takes it,
      and attempts count from 1. What fails again follows the schedule of retries.
    </ActionButton>
  );
}

function Drop({ total, ...button }: ActProps) {
  return (
    <ActionButton {...button} class="link" question={`Drop ${records(total)}?`} verb="Drop" isFinal>
      {total === 1 ? "It is" : "They are"} never handed on to this destination, unless somebody replays that
      part of the log. Nothing is deleted: messages and events stay as they are.
    </ActionButton>
  );
}
