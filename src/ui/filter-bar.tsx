/**
 * What a list is cut by: search, filters and a span of time. All of it stands in the address, and
 * nowhere else.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { debounced } from "./clock.ts";
import { Icon } from "./icon.tsx";
import { ofField, RANGES, toField } from "./instants.ts";
import { useKeys } from "./keys.ts";
import { Menu } from "./menu.tsx";
import { changeParameters, route } from "./router.ts";
import { sourceNames } from "./source-of.ts";

const TYPING_MS = 120;

export interface FilterField {
  /** In the address, and for the API. */
  readonly name: string;
  readonly label: string;
  readonly placeholder?: string;
  /** Where only these are possible. */
  readonly options?: readonly string[];
}

interface FilterBarProps {
  /** The search field's name; without it there is none. */
  readonly search?: string;
  readonly fields: readonly FilterField[];
  /** How many rows there are, in words. */
  readonly counted: string;
  readonly children?: ComponentChildren;
}

export function FilterBar({ search, fields, counted, children }: FilterBarProps) {
  const { parameters } = route.value;
  const given = fields.filter(({ name }) => parameters.has(name));
  return (
    <div class="filters" role="search">
      <div class="filters-row">
        {search !== undefined && <SearchField label={search} />}
        <Spans />
        <Menu
          label={
            <>
              <Icon name="filter" /> <span class="wide-only">Filter</span>
            </>
          }
          title="Filter"
        >
          {(close) => <Fields fields={fields} close={close} />}
        </Menu>
        {children}
        <span class="counted" role="status">
          {counted}
        </span>
      </div>
      {given.length > 0 && (
        <ul class="chips" aria-label="Filters">
          {given.map(({ name, label }) => (
            <li key={name}>
              <span>
                {label} <bdi>{parameters.get(name)}</bdi>
              </span>
              <button
                type="button"
                aria-label={`Remove the filter ${label}`}
                onClick={() => changeParameters({ [name]: undefined })}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
          <li>
            <button
              type="button"
              class="link"
              onClick={() => changeParameters(Object.fromEntries(given.map(({ name }) => [name, undefined])))}
            >
              Clear
            </button>
          </li>
        </ul>
      )}
    </div>
  );
}

/** `q` of the address. */
export function SearchField({ label }: { readonly label: string }) {
  const input = useRef<HTMLInputElement>(null);
  const search = useMemo(
    () => debounced(TYPING_MS, (q: string) => changeParameters({ q: q || undefined }, { replace: true })),
    [],
  );
  const given = route.value.parameters.get("q") ?? "";
  useEffect(() => {
    // What the address says counts, unless somebody is typing.
    if (input.current !== null && document.activeElement !== input.current) input.current.value = given;
  }, [given]);
  useEffect(() => search.cancel, []);
  useKeys([{ keys: ["/"], does: "Search", act: () => input.current?.select() }]);
  return (
    <label class="search">
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        aria-label={label}
        placeholder={label}
        defaultValue={given}
        spellcheck={false}
        autocomplete="off"
        onInput={({ currentTarget }) => search(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" && event.key !== "Enter") return;
          // A browser would empty the field, and leave the list as it is.
          event.preventDefault();
          event.stopPropagation();
          event.currentTarget.blur();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

function Spans() {
  const { parameters } = route.value;
  const [range, since, until] = ["range", "since", "until"].map((name) => parameters.get(name) ?? "");
  const title = RANGES[range ?? ""]?.title ?? (since || until ? "Chosen times" : "Any time");
  const set = (changes: Readonly<Record<string, string | undefined>>) =>
    changeParameters({ range: undefined, since: undefined, until: undefined, ...changes });
  return (
    <Menu label={title} class="spans">
      {(close) => (
        <>
          {["", ...Object.keys(RANGES)].map((each) => (
            <button
              key={each}
              type="button"
              class="choice"
              aria-pressed={each === range && !since && !until}
              onClick={() => {
                set({ range: each || undefined });
                close();
              }}
            >
              {RANGES[each]?.title ?? "Any time"}
            </button>
          ))}
          <form
            class="fields"
            onSubmit={(event) => {
              event.preventDefault();
              const form = new FormData(event.currentTarget);
              set({
                since: ofField(String(form.get("since") ?? "")),
                until: ofField(String(form.get("until") ?? "")),
              });
              close();
            }}
          >
            <label>
              From
              <input type="datetime-local" name="since" defaultValue={toField(since ?? "")} />
            </label>
            <label>
              Until
              <input type="datetime-local" name="until" defaultValue={toField(until ?? "")} />
            </label>
            <button type="submit" class="primary">
              Apply
            </button>
          </form>
        </>
      )}
    </Menu>
  );
}

function Fields({ fields, close }: { readonly fields: readonly FilterField[]; readonly close: () => void }) {
  const { parameters } = route.value;
  const form = useRef<HTMLFormElement>(null);
  const names = useSignal(fields.map(({ name }) => name));
  return (
    <form
      ref={form}
      class="fields"
      onSubmit={(event) => {
        event.preventDefault();
        const given = new FormData(event.currentTarget);
        changeParameters(
          Object.fromEntries(
            names.value.map((name) => [name, String(given.get(name) ?? "").trim() || undefined]),
          ),
        );
        close();
      }}
    >
      {fields.map(({ name, label, placeholder, options }) => (
        <label key={name}>
          {label}
          {options === undefined ? (
            <input
              name={name}
              defaultValue={parameters.get(name) ?? ""}
              placeholder={placeholder}
              spellcheck={false}
              autocomplete="off"
              type="text"
              list={`known-${name}`}
            />
          ) : (
            <select name={name} value={parameters.get(name) ?? ""}>
              <option value="">Any</option>
              {options.map((option) => (
                <option key={option}>{option}</option>
              ))}
            </select>
          )}
        </label>
      ))}
      <datalist id="known-source">
        {sourceNames.value?.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <button type="submit" class="primary">
        Apply
      </button>
    </form>
  );
}
