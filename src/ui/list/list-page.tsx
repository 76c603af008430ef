/** A page that is a list with filters above it, and beside it what is open. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { FilterBar, type FilterField } from "../filter-bar.tsx";
import { count } from "../format.ts";
import { useKeys } from "../keys.ts";
import { Problem } from "../problem.tsx";
import { changeParameters, route } from "../router.ts";
import { ListView } from "./list-view.tsx";
import type { LiveList, LiveSource } from "./live-list.ts";
import { useLiveList } from "./use-live-list.ts";

interface ListPageProps<Row> {
  /** Of one row and of several. */
  readonly names: readonly [one: string, several: string];
  readonly search: string;
  readonly fields: readonly FilterField[];
  /** What is asked for; another one is another list. */
  readonly filters: Readonly<Record<string, string>>;
  readonly sourceFor: () => LiveSource<Row>;
  /** In the address, of the row that is open. */
  readonly openIdOf: (row: Row) => string;
  readonly columns: readonly string[];
  readonly rowHeights: { readonly wide: number; readonly narrow: number };
  readonly cells: (row: Row) => ComponentChildren;
  /** Where nothing is stored yet. */
  readonly firstSteps: ComponentChildren;
  readonly drawer: (openId: string, close: () => void) => ComponentChildren;
  readonly class: string;
  /** More of the bar. */
  readonly tools?: (total: number | undefined) => ComponentChildren;
}

export function ListPage<Row>(props: ListPageProps<Row>) {
  const { names, filters } = props;
  const openId = route.value.parameters.get("open") ?? undefined;
  const listed = useRef<LiveList<Row> | undefined>(undefined);
  const isRead = openId !== undefined || listed.current?.isAtTop.peek() === false;
  const { list, isStale } = useLiveList(useQuestion(filters, isRead), props.sourceFor);
  listed.current = list;
  const total = list?.rows.total.value;
  const open = (id: string | undefined) =>
    changeParameters({ open: id }, { replace: openId !== undefined && id !== undefined });
  const close = () => open(undefined);
  useKeys([{ keys: ["Escape"], does: "Close what is open", act: close }]);
  useEffect(() => {
    if (openId === undefined)
      document.querySelector<HTMLElement>(".list-scroll")?.focus({ preventScroll: true });
  }, [openId === undefined]);
  return (
    <div class={`split ${props.class}${openId === undefined ? "" : " has-drawer"}`}>
      <section class="split-list" aria-label={names[1]}>
        <FilterBar
          search={props.search}
          fields={props.fields}
          counted={total === undefined ? "" : `${count(total)} ${names[total === 1 ? 0 : 1]}`}
        >
          {props.tools?.(total)}
        </FilterBar>
        {list?.rows.error.value !== undefined && (
          <Problem words={list.rows.error.value} retry={() => void list.reload()} />
        )}
        {list !== undefined && (
          <ListView
            list={list}
            label={`${names[1]}, the latest first`}
            columns={props.columns}
            rowHeights={props.rowHeights}
            openId={openId}
            openIdOf={props.openIdOf}
            open={(row) => open(props.openIdOf(row))}
            cells={props.cells}
            empty={
              isStale ? undefined : Object.keys(filters).length > 0 ? (
                <NoMatch name={names[0]} filters={filters} />
              ) : (
                props.firstSteps
              )
            }
          />
        )}
      </section>
      {openId !== undefined && props.drawer(openId, close)}
    </div>
  );
}

/** A span of time moves on by the minute, but not under somebody who reads what it has. */
function useQuestion(filters: ListPageProps<unknown>["filters"], isRead: boolean): string {
  const { parameters } = route.value;
  const { since, ...others } = filters;
  const given = JSON.stringify([others, parameters.get("range") ?? since]);
  const asked = useRef({ given: "", question: "" });
  if (asked.current.given !== given || !isRead) asked.current = { given, question: JSON.stringify(filters) };
  return asked.current.question;
}

function NoMatch({ name, filters }: { readonly name: string; readonly filters: object }) {
  const all = [...Object.keys(filters), "range"].map((each) => [each, undefined] as const);
  return (
    <div class="no-match">
      <p>No {name} matches.</p>
      <button type="button" onClick={() => changeParameters(Object.fromEntries(all))}>
        Show all
      </button>
    </div>
  );
}
