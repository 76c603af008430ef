/** Conversations: senders by their last messages, and what one of them wrote. */
import { useEffect } from "preact/hooks";
import { getPage, type Schemas } from "../api.ts";
import { Thread } from "../conversation/thread.tsx";
import { SearchField } from "../filter-bar.tsx";
import { count } from "../format.ts";
import { compareKeys } from "../instants.ts";
import { useKeys } from "../keys.ts";
import { ListView } from "../list/list-view.tsx";
import type { LiveSource } from "../list/live-list.ts";
import { useLiveList } from "../list/use-live-list.ts";
import { FirstSteps } from "../message/first-steps.tsx";
import { excerpt } from "../occurrences.ts";
import type { Page } from "../page.ts";
import { Problem } from "../problem.tsx";
import { changeParameters, route } from "../router.ts";
import { Time } from "../time.tsx";

type Sender = Schemas["Sender"];

const LINE_CHARS = 200;
const ROW_HEIGHTS = { wide: 60, narrow: 60 };

export const conversationsPage: Page = { id: "conversations", title: "Conversations", View: Conversations };

function Conversations() {
  const { parameters } = route.value;
  const q = parameters.get("q") ?? undefined;
  const from = parameters.get("from") ?? undefined;
  const { list, isStale } = useLiveList(q ?? "", () => sourceFor(q));
  const open = (sender: string | undefined) =>
    changeParameters({ from: sender }, { replace: from !== undefined && sender !== undefined });
  useKeys([{ keys: ["Escape"], does: "Back to the senders", act: () => open(undefined) }]);
  const version = list?.rows.version.value;
  useEffect(() => {
    // Whoever is open may have moved; by now it may be another one.
    const opened = route.peek().parameters.get("from");
    const at = opened === null ? -1 : (list?.rows.indexInHead(opened) ?? -1);
    if (list !== undefined && at >= 0 && !list.opensSelected) list.selected.value = at;
  }, [list, version, from]);
  const total = list?.rows.total.value;
  if (total === 0 && !isStale && q === undefined && from === undefined)
    return (
      <div class="list-empty">
        <FirstSteps />
      </div>
    );
  return (
    <div class={`conversations${from === undefined ? "" : " has-thread"}`}>
      <section class="senders" aria-label="Senders">
        <div class="filters" role="search">
          <div class="filters-row">
            <SearchField label="Search senders" />
            <span class="counted" role="status">
              {total === undefined ? "" : `${count(total)} ${total === 1 ? "sender" : "senders"}`}
            </span>
          </div>
        </div>
        {list?.rows.error.value !== undefined && (
          <Problem words={list.rows.error.value} retry={() => void list.reload()} />
        )}
        {list !== undefined && (
          <ListView
            list={list}
            label="Senders, whoever wrote last first"
            columns={["Sender", "Last"]}
            rowHeights={ROW_HEIGHTS}
            openId={from}
            openIdOf={idOf}
            open={(sender) => open(sender.from)}
            cells={(sender) => <Cells sender={sender} />}
            empty={!isStale && <p>No sender matches.</p>}
          />
        )}
      </section>
      {from === undefined ? (
        <p class="thread-none quiet">Choose a sender to read what they wrote.</p>
      ) : (
        <Thread key={from} from={from} close={() => open(undefined)} />
      )}
    </div>
  );
}

function Cells({ sender }: { readonly sender: Sender }) {
  const { text, ts } = sender.last_message;
  return (
    <>
      <span role="gridcell" class="sender-cell">
        <span class="sender-name">
          <bdi>{sender.from}</bdi>
        </span>
        <span class="sender-text" dir="auto">
          {text === null ? "no text" : excerpt(text, "").slice(0, LINE_CHARS)}
        </span>
      </span>
      <span role="gridcell" class="sender-cell">
        <span class="sender-time">
          <Time at={ts} />
        </span>
        <span class="sender-count">{count(sender.count)}</span>
      </span>
    </>
  );
}

function sourceFor(q: string | undefined): LiveSource<Sender> {
  return {
    idOf,
    compare: (one, other) => compareKeys(other.last_message, one.last_message),
    rowsMove: true,
    read: async (query, signal) => {
      const { answer, cursor } = await getPage("/senders", {
        query: { ...query, ...(q !== undefined && { q }) },
        signal,
      });
      return { data: answer.data, total: answer.total, cursor };
    },
    // Where the sender stood before, and how many messages it has, is the service's to know.
    rowOf: ({ kind, from }) =>
      kind === "message" && from?.toLowerCase().includes((q ?? "").toLowerCase()) ? "unknown" : undefined,
  };
}

function idOf({ from }: Sender): string {
  return from;
}
