/** Destinations: how each one fares, and what can be done about it. */
import { useMemo } from "preact/hooks";
import { get } from "../api.ts";
import { now } from "../clock.ts";
import { DestinationView } from "../destination/destination-view.tsx";
import { FirstDestination } from "../destination/first-destination.tsx";
import { Rates } from "../destination/rates.ts";
import { type Destination, rateOf, STATES, troubleOf } from "../destination/state.ts";
import { useKeys } from "../keys.ts";
import type { Page } from "../page.ts";
import { Problem } from "../problem.tsx";
import { addressOf, route } from "../router.ts";
import { useLiveAnswer } from "../use-live-answer.ts";

/** Each answer counts what every destination is behind. */
const POLL_MS = 3000;

export const destinationsPage: Page = { id: "destinations", title: "Destinations", View: Destinations };

function Destinations() {
  const rates = useMemo(() => new Rates(), []);
  // The header says of every page whether the service is there.
  const { value, problem, again } = useLiveAnswer("", POLL_MS, async (signal) => {
    const { data } = await get("/destinations", { signal });
    for (const { name, attempts } of data) rates.note(name, attempts.success, now());
    return data;
  });
  const named = route.value.parameters.get("name") ?? undefined;
  const open = (name: string | undefined) => {
    if (name !== named) window.location.hash = addressOf("destinations", { name });
  };
  const shown = value?.find(({ name }) => name === named) ?? (named === undefined ? value?.[0] : undefined);
  const step = (by: number) => () => {
    const at = value?.findIndex(({ name }) => name === shown?.name) ?? -1;
    const next = value?.[Math.max(0, at + by)];
    if (next !== undefined) open(next.name);
  };
  useKeys([
    { keys: ["j", "ArrowDown"], does: "Next destination", act: step(1) },
    { keys: ["k", "ArrowUp"], does: "Destination before", act: step(-1) },
    { keys: ["Escape"], does: "Back to the destinations", act: () => open(undefined) },
  ]);
  if (value?.length === 0)
    return (
      <div class="list-empty">
        <FirstDestination />
      </div>
    );
  return (
    <div class={`conversations destinations${named === undefined ? "" : " has-thread"}`}>
      <section class="senders" aria-label="Destinations">
        <header class="drawer-head">
          <h2>Destinations</h2>
        </header>
        {problem !== "" && <Problem words={problem} retry={again} />}
        <div class="senders-scroll" tabIndex={0} role="group" aria-label="Destinations">
          {value === undefined && problem === "" && <Skeletons />}
          {value?.map((destination) => (
            <Row
              key={destination.name}
              destination={destination}
              perSecond={rates.perSecond(destination.name)}
              isOpen={destination.name === shown?.name}
            />
          ))}
        </div>
      </section>
      {shown !== undefined ? (
        <DestinationView
          key={shown.name}
          destination={shown}
          perSecond={rates.perSecond(shown.name)}
          again={again}
        />
      ) : (
        <p class="thread-none quiet">
          {value !== undefined && named !== undefined && `There is no destination ${named}.`}
        </p>
      )}
    </div>
  );
}

interface RowProps {
  readonly destination: Destination;
  readonly perSecond: number | undefined;
  readonly isOpen: boolean;
}

function Row({ destination, perSecond, isOpen }: RowProps) {
  const { name, state } = destination;
  return (
    <a
      class="sender"
      href={addressOf("destinations", { name })}
      aria-current={isOpen ? "true" : undefined}
      data-destination={name}
    >
      <span class="sender-name">{name}</span>
      <span class={`badge ${STATES[state].tone}`}>{STATES[state].title}</span>
      <span class={`sender-text${destination.dead > 0 ? " wrong" : ""}`}>
        {troubleOf(destination) || "up to date"}
      </span>
      <span class="sender-count">{state === "ok" && rateOf(perSecond)}</span>
    </a>
  );
}

function Skeletons() {
  return (
    <>
      {Array.from({ length: 4 }, (_, index) => (
        <div key={index} class="sender">
          <span class="bone" />
        </div>
      ))}
    </>
  );
}
