/** Events, the latest first: whatever sources sent that is no message. */
import { getPage, type Schemas } from "../api.ts";
import { EventDrawer } from "../event/event-drawer.tsx";
import { eventTone, eventWord } from "../event/event-words.ts";
import { providerErrors } from "../event/provider-errors.ts";
import { Export } from "../export.tsx";
import type { FilterField } from "../filter-bar.tsx";
import { beginOf, instantKey, isWithin } from "../instants.ts";
import { ListPage } from "../list/list-page.tsx";
import type { LiveSource } from "../list/live-list.ts";
import type { LogRecord } from "../live.ts";
import type { Page } from "../page.ts";
import { addressOf, route } from "../router.ts";
import { Time } from "../time.tsx";

type Kind = Schemas["Event"]["kind"];
/** As a row shows it: a page of bodies would be megabytes. */
interface Event
  extends Pick<Schemas["Event"], "seq" | "source" | "kind" | "event_key" | "message_id" | "ts"> {
  readonly type?: string | null;
  /** What the provider says went wrong. */
  readonly wrong: string | undefined;
}
type Filters = Readonly<
  Partial<Record<"q" | "source" | "type" | "message_id" | "since" | "until", string>>
> & {
  readonly kind?: Kind;
};

const KINDS: readonly Kind[] = [
  "status",
  "reaction",
  "edit",
  "delete",
  "echo",
  "callback",
  "system",
  "other",
];
const NAMES = ["q", "source", "kind", "type", "message_id", "since", "until"] as const;
const FIELDS: readonly FilterField[] = [
  { name: "kind", label: "Kind", options: KINDS },
  { name: "type", label: "Type", placeholder: "messages.status.delivered" },
  { name: "source", label: "Source" },
  { name: "message_id", label: "About the message" },
];
const COLUMNS = [
  ...(["seq", "ts", "created_at", "source", "kind", "type", "event_key", "message_id"] as const),
];
const ROW_HEIGHTS = { wide: 38, narrow: 64 };

export const eventsPage: Page = { id: "events", title: "Events", View: Events };

function Events() {
  const filters = filtersOf(route.value.parameters);
  return (
    <ListPage
      class="events"
      names={["event", "events"]}
      search="Search events"
      fields={FIELDS}
      filters={filters as Readonly<Record<string, string>>}
      sourceFor={() => sourceFor(filters)}
      openIdOf={({ seq, ts }) => `${seq}@${ts}`}
      columns={["Time", "Source", "Kind", "What", "About"]}
      rowHeights={ROW_HEIGHTS}
      cells={(event) => <Cells event={event} />}
      firstSteps={<FirstSteps />}
      drawer={(id, close) => <EventDrawer id={id} close={close} />}
      tools={(total) => (
        <Export
          name="events"
          columns={COLUMNS}
          titles={{ csv: "CSV, without bodies", ndjson: "NDJSON, an event a line" }}
          total={total}
          read={(query, signal) =>
            getPage("/events", { query: { ...filters, order: "asc", ...query }, signal })
          }
          lacksParts={(events) => events.some(({ body, body_base64: other }) => body == null && !other)}
        />
      )}
    />
  );
}

function FirstSteps() {
  return (
    <div class="first-steps">
      <h2>No event yet</h2>
      <p>
        Whatever a provider sends that is no message shows here: delivery statuses, reactions, edits, calls,
        orders. The native source has none. What each source brings is said on{" "}
        <a href={addressOf("sources")}>its page</a>.
      </p>
    </div>
  );
}

function Cells({ event }: { readonly event: Event }) {
  const tone = eventTone(event);
  return (
    <>
      <span role="gridcell" class="cell-time">
        <Time at={event.ts} />
      </span>
      <span role="gridcell" class="cell-source">
        <span class="badge">{event.source}</span>
      </span>
      <span role="gridcell" class="cell-kind quiet">
        {event.kind}
      </span>
      <span role="gridcell" class="cell-what">
        <span class={`badge ${tone}`}>{eventWord(event)}</span>
      </span>
      <span role="gridcell" class="cell-about">
        {event.wrong !== undefined && <span class="wrong">{event.wrong} </span>}
        <bdi class="mono quiet">{event.message_id ?? event.event_key}</bdi>
      </span>
    </>
  );
}

function filtersOf(parameters: URLSearchParams): Filters {
  const given = NAMES.flatMap((name) => {
    const value = parameters.get(name);
    return value ? [[name, value] as const] : [];
  });
  const since = beginOf(parameters.get("range") ?? "");
  return { ...Object.fromEntries(given), ...(since !== undefined && { since }) };
}

function sourceFor(filters: Filters): LiveSource<Event> {
  const { source, kind, type, message_id, since, until, q } = filters;
  return {
    idOf: ({ seq }) => String(seq),
    compare: (one, other) => compareKeys(other, one),
    read: async (query, signal) => {
      const { answer, cursor } = await getPage("/events", { query: { ...filters, ...query }, signal });
      return { data: answer.data.map(rowOf), total: answer.total, cursor };
    },
    rowOf: (record) => {
      if (record.kind === "message" || record.event_key === undefined) return undefined;
      const matches =
        (source === undefined || source === record.source) &&
        (kind === undefined || kind === record.kind) &&
        (type === undefined || type === record.type) &&
        (message_id === undefined || message_id === record.message_id) &&
        isWithin(record.ts, since, until);
      if (!matches) return undefined;
      // The stream has no bodies, in which the service searches and which say what went wrong.
      return q === undefined &&
        eventTone({ ...record, kind: record.kind, event_key: record.event_key }) !== "bad"
        ? ofRecord({ ...record, kind: record.kind, event_key: record.event_key })
        : "unknown";
    },
  };
}

function rowOf({ body, body_base64: _, ...event }: Schemas["Event"]): Event {
  const [first] = eventTone(event) === "bad" && body ? providerErrors(body) : [];
  return { ...event, wrong: first && [first.code, first.words].filter(Boolean).join(" ") };
}

function ofRecord(record: LogRecord & { readonly kind: Kind; readonly event_key: string }): Event {
  return { ...record, seq: Number(record.position.split(".").at(-1)), wrong: undefined };
}

function compareKeys(one: Event, other: Event): number {
  const [key, otherKey] = [instantKey(one.ts), instantKey(other.ts)];
  return key === otherKey ? one.seq - other.seq : key < otherKey ? -1 : 1;
}
