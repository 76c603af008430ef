/** Sources: what each one is, how its provider is told, and what became of its requests. */
import { get, type Schemas } from "../api.ts";
import { count } from "../format.ts";
import { useKeys } from "../keys.ts";
import type { Page } from "../page.ts";
import { Problem } from "../problem.tsx";
import { changeParameters, route } from "../router.ts";
import type { ShownSource } from "../source/shown-source.ts";
import { SourceDetail } from "../source/source-detail.tsx";
import { Time } from "../time.tsx";
import { useLiveAnswer } from "../use-live-answer.ts";

export const sourcesPage: Page = { id: "sources", title: "Sources", View: Sources };

const EVERY_MS = 5000;

function Sources() {
  const { value, problem, again } = useLiveAnswer("sources", EVERY_MS, read);
  const chosen = route.value.parameters.get("name") ?? undefined;
  const open = (name: string | undefined) =>
    changeParameters({ name }, { replace: chosen !== undefined && name !== undefined });
  const step = (by: number) => () => {
    const at = value?.findIndex(({ name }) => name === chosen) ?? -1;
    const next = value?.[Math.max(0, at + by)];
    if (next !== undefined) open(next.name);
  };
  useKeys([
    { keys: ["j", "ArrowDown"], does: "Next source", act: step(1) },
    { keys: ["k", "ArrowUp"], does: "Source before", act: step(-1) },
    { keys: ["Escape"], does: "Back to the sources", act: () => open(undefined) },
  ]);
  // Beside the list there is room for the first one; where there isn't, it stays out of sight.
  const shown = chosen === undefined ? value?.[0] : value?.find(({ name }) => name === chosen);
  return (
    <div class={`sources${chosen === undefined ? "" : " has-source"}`}>
      <section class="sources-list" aria-label="Sources">
        <header class="drawer-head">
          <h2>Sources</h2>
          <span class="quiet">{value !== undefined && count(value.length)}</span>
        </header>
        {problem !== "" && <Problem words={problem} retry={again} />}
        <div class="sources-scroll" tabIndex={0} role="group" aria-label="Sources">
          {value === undefined && problem === "" && <Bones />}
          {value?.map((each) => (
            <Row key={each.name} shown={each} isOpen={each === shown} open={() => open(each.name)} />
          ))}
          {value !== undefined && <More hasProvider={value.some(({ source }) => isProvider(source))} />}
        </div>
      </section>
      {shown !== undefined ? (
        <SourceDetail key={shown.name} shown={shown} close={() => open(undefined)} />
      ) : (
        <p class="sources-none quiet">
          {value !== undefined && (
            <>
              There is no source <bdi>{chosen}</bdi>.
            </>
          )}
        </p>
      )}
    </div>
  );
}

async function read(signal: AbortSignal): Promise<readonly ShownSource[]> {
  const [{ data: sources }, { data: figures }] = await Promise.all([
    get("/sources", { signal }),
    get("/stats/sources", { signal }),
  ]);
  const served = new Set(sources.map(({ name }) => name));
  return [
    ...sources.map((source) => ({
      ...{ name: source.name, source },
      figures: figures.find(({ source: name }) => name === source.name),
    })),
    ...figures
      .filter(({ source }) => !served.has(source))
      .map((each) => ({ name: each.source, source: undefined, figures: each })),
  ];
}

function isProvider(source: Schemas["Source"] | undefined): boolean {
  return source !== undefined && source.kind !== "native";
}

interface RowProps {
  readonly shown: ShownSource;
  readonly isOpen: boolean;
  readonly open: () => void;
}

function Row({ shown: { name, source, figures }, isOpen, open }: RowProps) {
  const last = [figures?.last_message_at, figures?.last_event_at]
    .flatMap((at) => at ?? [])
    .sort()
    .at(-1);
  return (
    <button type="button" class="source-row" aria-current={isOpen ? "true" : undefined} onClick={open}>
      <span class="source-name">
        <bdi>{name}</bdi>
        {figures?.quiet && source !== undefined && <span class="badge warn">quiet</span>}
        {(figures?.refused_last_hour ?? 0) > 0 && (
          <span class="badge bad">{count(figures?.refused_last_hour ?? 0)} refused</span>
        )}
      </span>
      <span class="quiet">{last === undefined ? "nothing yet" : <Time at={last} />}</span>
      <span class="quiet">{source === undefined ? "configured no more" : source.title}</span>
      <span class="quiet">{count(figures?.last_day ?? 0)} in 24 hours</span>
    </button>
  );
}

function More({ hasProvider }: { readonly hasProvider: boolean }) {
  return (
    <p class="sources-more quiet">
      {hasProvider ? "More providers are" : "Providers such as WhatsApp, Twilio or Stripe are"} configured in
      the file that <code>POSTERN_CONFIG</code> names; <code>postern presets</code> lists those that are known
      by name.
    </p>
  );
}

function Bones() {
  return (
    <>
      {Array.from({ length: 4 }, (_, index) => (
        <div key={index} class="source-row">
          <span class="bone" />
          <span />
          <span class="bone" />
        </div>
      ))}
    </>
  );
}
