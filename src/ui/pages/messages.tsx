/** Messages, the latest first: live, searched, filtered, each with all that is known of it. */
import { getPage, type Schemas } from "../api.ts";
import { Export } from "../export.tsx";
import type { FilterField } from "../filter-bar.tsx";
import { Marked } from "../highlight.tsx";
import { compareKeys, isWithin } from "../instants.ts";
import { ListPage } from "../list/list-page.tsx";
import type { LiveSource } from "../list/live-list.ts";
import type { LogRecord } from "../live.ts";
import { filtersOf, type MessageFilters } from "../message/filters.ts";
import { FirstSteps } from "../message/first-steps.tsx";
import { MessageDrawer } from "../message/message-drawer.tsx";
import { excerpt } from "../occurrences.ts";
import type { Page } from "../page.ts";
import { route } from "../router.ts";
import { sourceOf } from "../source-of.ts";
import { Time } from "../time.tsx";

type Message = Schemas["Message"];

const FIELDS: readonly FilterField[] = [
  { name: "source", label: "Source", placeholder: "native" },
  { name: "type", label: "Type", placeholder: "text, image, …" },
  { name: "from", label: "Sender", placeholder: "+919876543210" },
  { name: "to", label: "Recipient", placeholder: "+14155550100" },
];
const COLUMNS = ["message_id", "from", "to", "ts", "text"] as const;
const ROW_HEIGHTS = { wide: 38, narrow: 64 };

export const messagesPage: Page = { id: "messages", title: "Messages", View: Messages };

function Messages() {
  const filters = filtersOf(route.value.parameters);
  const searched = filters.q ?? "";
  return (
    <ListPage
      class="messages"
      names={["message", "messages"]}
      search="Search messages"
      fields={FIELDS}
      filters={filters}
      sourceFor={() => sourceFor(filters)}
      openIdOf={idOf}
      columns={["Time", "Source", "From", "To", "Text"]}
      rowHeights={ROW_HEIGHTS}
      cells={(message) => <Cells message={message} searched={searched} />}
      firstSteps={<FirstSteps />}
      drawer={(id, close) => <MessageDrawer id={id} searched={searched} close={close} />}
      tools={(total) => (
        <Export
          name="messages"
          columns={COLUMNS}
          titles={{ csv: "CSV", ndjson: "NDJSON, a message a line" }}
          total={total}
          read={(query, signal) => getPage("/messages", { query: { ...filters, ...query }, signal })}
        />
      )}
    />
  );
}

function Cells({ message, searched }: { readonly message: Message; readonly searched: string }) {
  const { message_id, from, to, ts, text } = message;
  return (
    <>
      <span role="gridcell" class="cell-time">
        <Time at={ts} />
      </span>
      <span role="gridcell" class="cell-source">
        <span class="badge">{sourceOf(message_id)}</span>
      </span>
      <span role="gridcell" class="cell-from">
        <bdi>{from}</bdi>
      </span>
      <span role="gridcell" class="cell-to">
        <bdi>{to}</bdi>
      </span>
      <span role="gridcell" class="cell-text" dir="auto">
        {text === null ? (
          <span class="quiet">no text</span>
        ) : (
          <Marked text={excerpt(text, searched)} searched={searched} />
        )}
      </span>
    </>
  );
}

function sourceFor(filters: MessageFilters): LiveSource<Message> {
  const address = (given: string | undefined) =>
    given === undefined || !/^ ?\d+$/.test(given) ? given : `+${given.trim()}`;
  const [from, to] = [address(filters.from), address(filters.to)];
  const { source, type, since, until, q } = filters;
  return {
    idOf,
    compare: (one, other) => compareKeys(other, one),
    read: async (query, signal) => {
      const { answer, cursor } = await getPage("/messages", { query: { ...filters, ...query }, signal });
      return { data: answer.data, total: answer.total, cursor };
    },
    rowOf: (record) => {
      if (record.kind !== "message" || !isMessage(record)) return undefined;
      const matches =
        (source === undefined || source === record.source) &&
        (type === undefined || type === record.type) &&
        (from === undefined || from === record.from) &&
        (to === undefined || to === record.to) &&
        isWithin(record.ts, since, until);
      if (!matches) return undefined;
      // How a text is folded is the service's to know.
      return q === undefined ? record : "unknown";
    },
  };
}

function isMessage(record: LogRecord): record is LogRecord & Message {
  return record.message_id !== null && record.from !== undefined && record.to !== undefined;
}

function idOf({ message_id }: Message): string {
  return message_id;
}
