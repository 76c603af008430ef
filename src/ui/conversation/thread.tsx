/** What one sender wrote, the latest at the bottom, as it comes in. */
import { useSignal } from "@preact/signals";
import { Fragment } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { getPage, type Schemas } from "../api.ts";
import { counted, dayOf } from "../format.ts";
import { Icon } from "../icon.tsx";
import { compareKeys } from "../instants.ts";
import { liveBegun, onRecords } from "../live.ts";
import { Problem } from "../problem.tsx";
import { addressOf } from "../router.ts";
import { Time } from "../time.tsx";

type Message = Schemas["Message"];

const MESSAGES_AT_ONCE = 50;

interface ThreadProps {
  /** Another one is another thread: its key. */
  readonly from: string;
  readonly close: () => void;
}

export function Thread({ from, close }: ThreadProps) {
  /** From the earliest to the latest. */
  const rows = useSignal<readonly Message[] | undefined>(undefined);
  const total = useSignal(0);
  const cursor = useSignal<string | undefined>(undefined);
  /** The latest ones are asked for: what is earlier has to wait. */
  const isAnew = useSignal(false);
  const problem = useSignal("");
  const box = useRef<HTMLDivElement>(null);
  /** The question under way: the next one drops it. */
  const latest = useRef<AbortController | undefined>(undefined);
  /** Since the last ones were asked for: the answer may be older. */
  const heard = useRef<Message[]>([]);
  const read = async (after: string | undefined) => {
    latest.current?.abort();
    const abort = new AbortController();
    latest.current = abort;
    const { signal } = abort;
    if (after === undefined) {
      heard.current = [];
      isAnew.value = true;
    }
    try {
      await liveBegun();
      const query = {
        from,
        order: "desc",
        limit: MESSAGES_AT_ONCE,
        ...(after !== undefined && { cursor: after }),
      } as const;
      const { answer, cursor: next } = await getPage("/messages", { query, signal });
      const place = box.current;
      const below = place === null ? 0 : place.scrollHeight - place.scrollTop;
      const known = new Set(rows.value?.map((row) => row.message_id));
      // The latest ones may lead to those that are here, or lie far behind them.
      const joins = after !== undefined || answer.data.some((row) => known.has(row.message_id));
      if (after === undefined)
        total.value = answer.total + merged([...answer.data, ...heard.current]).length - answer.data.length;
      if (after !== undefined || !joins) cursor.value = next;
      rows.value = merged([...answer.data, ...((joins ? rows.value : undefined) ?? heard.current)]);
      isAnew.value = false;
      problem.value = "";
      if (after === undefined && joins) return;
      // What was seen stays where it was when earlier ones come above it.
      requestAnimationFrame(() =>
        place?.scrollTo(0, after === undefined ? place.scrollHeight : place.scrollHeight - below),
      );
    } catch (error) {
      if (!signal.aborted) problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  useEffect(() => {
    const stop = onRecords((what) => {
      if ("reset" in what) return void read(undefined);
      const { record } = what;
      const { message_id, to, text = null, ts } = record;
      if (record.kind !== "message" || record.from !== from || message_id === null || to === undefined)
        return;
      const row = { message_id, from, to, ts, text };
      heard.current.push(row);
      if (rows.value === undefined || rows.value.some((other) => other.message_id === message_id)) return;
      rows.value = merged([...rows.value, row]);
      total.value++;
    });
    void read(undefined);
    return () => {
      stop();
      latest.current?.abort();
    };
  }, []);
  const shown = rows.value;
  const last = shown?.at(-1)?.message_id;
  useLayoutEffect(() => {
    const place = box.current;
    if (place !== null && place.scrollHeight - place.scrollTop - place.clientHeight < 160)
      place.scrollTo(0, place.scrollHeight);
  }, [last]);
  return (
    <section class="thread" aria-label={`Conversation with ${from}`}>
      <header class="drawer-head">
        <button
          type="button"
          class="icon-button narrow-only"
          onClick={close}
          aria-label="Back to the senders"
        >
          <Icon name="back" />
        </button>
        <h2>
          <bdi>{from}</bdi>
        </h2>
        <span class="quiet">{shown !== undefined && counted(total.value, "message")}</span>
        <a href={addressOf("messages", { from })}>In Messages</a>
      </header>
      {problem.value !== "" && <Problem words={problem.value} retry={() => void read(undefined)} />}
      <div
        ref={box}
        class="thread-scroll"
        data-scrolls
        tabIndex={0}
        role="log"
        aria-label="Messages"
        aria-live="off"
      >
        {shown === undefined && problem.value === "" && (
          <div class="thread-bones" aria-busy="true">
            <span class="bone" />
            <span class="bone" />
            <span class="bone" />
          </div>
        )}
        {cursor.value !== undefined && !isAnew.value && (
          <p class="thread-more">
            <button type="button" onClick={() => void read(cursor.value)}>
              Earlier
            </button>
          </p>
        )}
        {shown?.map((row, index) => {
          const day = dayOf(row.ts);
          const isNewDay = index === 0 || dayOf(shown[index - 1]?.ts ?? "") !== day;
          return (
            <Fragment key={row.message_id}>
              {isNewDay && <p class="thread-day">{day}</p>}
              <a class="bubble" href={addressOf("messages", { from, open: row.message_id })}>
                <span class="bubble-text" dir="auto">
                  {row.text === null ? <span class="quiet">no text</span> : row.text}
                </span>
                <span class="bubble-time">
                  <Time at={row.ts} />
                  {row.to !== shown[index - 1]?.to && (
                    <>
                      {" "}
                      · to <bdi>{row.to}</bdi>
                    </>
                  )}
                </span>
              </a>
            </Fragment>
          );
        })}
      </div>
    </section>
  );
}

/** Each once, from the earliest to the latest. */
function merged(rows: readonly Message[]): readonly Message[] {
  return [...new Map(rows.map((row) => [row.message_id, row])).values()].sort(compareKeys);
}
