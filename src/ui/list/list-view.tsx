/**
 * The rows of a list on the screen: only those that are seen are in the document. Arrow keys, j and
 * k, Page Up and Down, Home and End move a selection, Enter opens it.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { count } from "../format.ts";
import { Icon } from "../icon.tsx";
import { useKeys } from "../keys.ts";
import { turnTimes } from "../time.tsx";
import type { LiveList } from "./live-list.ts";
import { ScrollSpace } from "./scroll-space.ts";

const OVERSCAN_ROWS = 6;
const REST_MS = 150;
/** So long after it turned, a wheel may still move the list. */
const WHEEL_MS = 400;

interface ListViewProps<Row> {
  readonly list: LiveList<Row>;
  /** For screen readers. */
  readonly label: string;
  readonly columns: readonly string[];
  /** In pixels, by whether the screen is narrow. */
  readonly rowHeights: { readonly wide: number; readonly narrow: number };
  readonly cells: (row: Row) => ComponentChildren;
  readonly openId: string | undefined;
  readonly openIdOf: (row: Row) => string;
  readonly open: (row: Row) => void;
  /** Where there are no rows. */
  readonly empty: ComponentChildren;
}

const narrow = window.matchMedia("(max-width: 700px)");

export function ListView<Row>(props: ListViewProps<Row>) {
  const { list, rowHeights, openIdOf, openId } = props;
  const box = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const space = useMemo(() => new ScrollSpace(), [list]);
  const viewport = useSignal(0);
  const scrolled = useSignal(0);
  const rowHeight = useSignal(narrow.matches ? rowHeights.narrow : rowHeights.wide);
  const selected = list.selected;
  const total = list.rows.total.value;
  list.rows.version.value;
  scrolled.value;
  space.resize((total ?? 0) * rowHeight.value, viewport.value);

  const draw = () => {
    list.isAtTop.value = space.top < rowHeight.value / 2;
    if (list.isAtTop.value && list.pending.value > 0) void list.toTop();
    scrolled.value++;
  };
  const goTo = (top: number) => {
    const element = box.current;
    if (element === null) return;
    element.scrollTop = space.moveTo(top);
    // Where the browser put it: it may have rounded.
    draw();
  };
  const select = (index: number) => {
    const last = (list.rows.total.value ?? 0) - 1;
    const at = Math.max(0, Math.min(index, last));
    selected.value = at;
    // From here the Tab key leads into the list and to what is open beside it.
    if (document.activeElement === document.body) box.current?.focus({ preventScroll: true });
    const top = at * rowHeight.value;
    if (top < space.top) goTo(top);
    else if (top + rowHeight.value > space.top + viewport.value) goTo(top + rowHeight.value - viewport.value);
    list.opensSelected = false;
    if (openId !== undefined) openSelected();
  };
  const openSelected = () => {
    const row = list.rows.row(selected.value);
    list.opensSelected = row === undefined && selected.value >= 0;
    if (row !== undefined) props.open(row);
  };
  const pageRows = () => Math.max(1, Math.floor(viewport.value / rowHeight.value) - 1);
  const step = (by: number) => () => {
    // A view that was sent begins with what it has open.
    const at = selected.value < 0 ? openIndex() : selected.value;
    select(at < 0 ? Math.floor(space.top / rowHeight.value) : at + by);
  };
  const openIndex = () => {
    for (let index = first; openId !== undefined && index <= last; index++) {
      const row = list.rows.row(index);
      if (row !== undefined && openIdOf(row) === openId) return index;
    }
    return -1;
  };
  useKeys([
    { keys: ["j", "ArrowDown"], does: "Next row", act: step(1) },
    { keys: ["k", "ArrowUp"], does: "Row before", act: step(-1) },
    { keys: ["PageDown"], does: "A screen down", act: () => step(pageRows())() },
    { keys: ["PageUp"], does: "A screen up", act: () => step(-pageRows())() },
    {
      keys: ["Home"],
      does: "First row, and what is new",
      act: () => void list.toTop().then(() => select(0)),
    },
    { keys: ["End"], does: "Last row", act: () => select(Number.MAX_SAFE_INTEGER) },
    { keys: ["Enter"], does: "Open the row", act: openSelected },
  ]);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = () => {
      viewport.value = element.clientHeight - (head.current?.offsetHeight ?? 0);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [total === 0]);
  useEffect(() => {
    const turned = () => {
      const first = space.top / rowHeight.value;
      rowHeight.value = narrow.matches ? rowHeights.narrow : rowHeights.wide;
      space.resize((list.rows.total.value ?? 0) * rowHeight.value, viewport.value);
      goTo(first * rowHeight.value);
    };
    narrow.addEventListener("change", turned);
    return () => narrow.removeEventListener("change", turned);
  }, [list]);
  useEffect(() => {
    list.onTop = () => goTo(0);
    box.current?.scrollTo(0, 0);
  }, [list]);

  const height = rowHeight.value;
  const first = Math.max(0, Math.floor(space.top / height) - OVERSCAN_ROWS);
  const last = Math.min((total ?? 0) - 1, Math.ceil((space.top + viewport.value) / height) + OVERSCAN_ROWS);
  useEffect(() => {
    if (viewport.value > 0 && last >= first) list.rows.want(first, last);
    if (list.opensSelected) openSelected();
  }, [list, first, last, list.rows.version.value]);

  const rest = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const wheeled = useRef(Number.NEGATIVE_INFINITY);
  const onScroll = ({ timeStamp }: Event) => {
    const element = box.current;
    if (element === null) return;
    space.barMoved(element.scrollTop, timeStamp - wheeled.current < WHEEL_MS);
    draw();
    clearTimeout(rest.current);
    rest.current = setTimeout(() => {
      if (Math.abs(space.barPlace - element.scrollTop) > 1) goTo(space.top);
    }, REST_MS);
  };

  const isShown = (index: number) => index >= first && index <= last;
  if (total === 0) return <div class="list-empty">{props.empty}</div>;
  const indexes = Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset);
  return (
    <div class="list">
      {list.pending.value > 0 && (
        <button type="button" class="pending" onClick={() => void list.toTop()}>
          <Icon name="up" /> {count(list.pending.value)} new
        </button>
      )}
      <div
        ref={box}
        class="list-scroll"
        role="grid"
        tabIndex={0}
        aria-label={props.label}
        aria-rowcount={total === undefined ? -1 : total + 1}
        aria-busy={total === undefined}
        aria-activedescendant={isShown(selected.value) ? `row-${selected.value}` : undefined}
        onScroll={onScroll}
        onWheel={({ timeStamp }) => {
          wheeled.current = timeStamp;
        }}
      >
        <div ref={head} role="row" class="list-head" aria-rowindex={1}>
          {props.columns.map((name) => (
            <span key={name} role="columnheader">
              {name === "Time" ? (
                <button type="button" class="link" title="Exact or relative" onClick={turnTimes}>
                  {name}
                </button>
              ) : (
                name
              )}
            </span>
          ))}
        </div>
        {total === undefined ? (
          <div role="rowgroup" class="list-space">
            <Skeletons height={height} />
          </div>
        ) : (
          <div role="rowgroup" class="list-space" style={{ height: `${space.barHeight}px` }}>
            {indexes.map((index) => {
              const row = list.rows.row(index);
              const id = row === undefined ? undefined : list.idOf(row);
              const isOpen = row !== undefined && openIdOf(row) === openId;
              return (
                <div
                  key={id ?? index}
                  id={`row-${index}`}
                  role="row"
                  tabIndex={-1}
                  aria-rowindex={index + 2}
                  aria-selected={index === selected.value}
                  class={`row${row === undefined ? " lacking" : ""}${isOpen ? " open" : ""}${id !== undefined && list.isFresh(id) ? " fresh" : ""}`}
                  style={{
                    height: `${height}px`,
                    transform: `translateY(${space.drawnAt(index * height)}px)`,
                  }}
                  onClick={() => {
                    selected.value = index;
                    openSelected();
                  }}
                >
                  {row === undefined ? <span role="gridcell" class="bone" /> : props.cells(row)}
                </div>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}

function Skeletons({ height }: { readonly height: number }) {
  const rows = Math.ceil(window.innerHeight / height);
  return (
    <>
      {Array.from({ length: rows }, (_, index) => (
        <div
          key={index}
          role="row"
          class="row lacking"
          style={{ height: `${height}px`, transform: `translateY(${index * height}px)` }}
        >
          <span role="gridcell" class="bone" />
        </div>
      ))}
    </>
  );
}
