/** One destination: its state and why, its figures, what failed, and what is replayed. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { ActionButton } from "../action-button.tsx";
import { send } from "../api.ts";
import { tick } from "../clock.ts";
import { count, exactTime, milliseconds, relativeTime } from "../format.ts";
import { Icon } from "../icon.tsx";
import { addressOf } from "../router.ts";
import { reasonInWords } from "./causes.ts";
import { Failures } from "./failures.tsx";
import { Probe } from "./probe.tsx";
import { ReplayButton } from "./replay-form.tsx";
import { Replays } from "./replays.tsx";
import { behind, type Destination, rateOf, STATES, span, taken, whenNext } from "./state.ts";

interface DestinationProps {
  readonly destination: Destination;
  readonly perSecond: number | undefined;
  /** Asks the service how it stands now. */
  readonly again: () => void;
}

export function DestinationView({ destination, perSecond, again }: DestinationProps) {
  const { name, url, filter, state, reason, since, next_attempt_at } = destination;
  const { title, tone } = STATES[state];
  const isFailing = state === "ok" && reason !== null;
  /** How many records the replays have that were begun here. */
  const begun = useSignal<readonly number[]>([]);
  return (
    <section class="thread destination" aria-label={name} data-scrolls tabIndex={0}>
      <header class="destination-head">
        <a
          class="icon-button narrow-only"
          href={addressOf("destinations")}
          aria-label="Back to the destinations"
        >
          <Icon name="back" />
        </a>
        <div class="destination-name">
          <h2>
            {name} <span class={`badge ${tone}`}>{title}</span>
          </h2>
          {url !== null && <p class="mono quiet">{url}</p>}
          {filter !== null && <p class="quiet destination-takes">Takes {taken(filter)}</p>}
        </div>
        <div class="destination-actions">
          {(state === "down" || isFailing) && <Probe name={name} again={again} />}
          {state !== "inactive" && (
            <ReplayButton
              name={name}
              begun={(total) => {
                begun.value = [...begun.value, total];
              }}
            />
          )}
          <Actions destination={destination} again={again} />
        </div>
      </header>
      {state !== "ok" && (
        <div class={`notice ${tone}`}>
          <p>{whyOf(state, reason)}</p>
          {since !== null && state !== "inactive" && (
            <p class="notice-since" title={exactTime(since)}>
              {relativeTime(since, tick.value)}
            </p>
          )}
        </div>
      )}
      {isFailing && (
        <div class="notice warn">
          <p>{whyOf(state, reason)}</p>
          <p class="notice-since">
            {next_attempt_at === null
              ? "It is tried now."
              : `Next attempt ${relativeTime(next_attempt_at, tick.value)}.`}
          </p>
        </div>
      )}
      <Figures destination={destination} perSecond={perSecond} />
      <Replays destination={destination} begun={begun.value} />
      <Failures destination={destination} again={again} />
    </section>
  );
}

function whyOf(state: Destination["state"], reason: string | null): string {
  if (state === "inactive")
    return "It isn't in the configuration file, so nothing is sent to it. Put back, it goes on where it was.";
  const sentence = reason === null ? "" : reasonInWords(reason);
  if (state === "ok")
    return `${sentence} Nothing is lost: what failed is tried again by the schedule of retries, and all goes on by itself.`;
  return state === "down"
    ? `${sentence} Nothing is lost: one record at a time is tried, every minute at least, and all goes on by itself.`
    : `${sentence} What comes in waits in the log until somebody resumes it.`;
}

function Figures({ destination, perSecond }: Pick<DestinationProps, "destination" | "perSecond">) {
  const { lag_records, lag_seconds, put_aside, dead, attempts, answer_ms, next_attempt_at, state } =
    destination;
  return (
    <dl class="figures">
      {state !== "inactive" && (
        <Figure name="Behind" value={lag_records === 0 ? "0" : behind(destination)}>
          {lag_records === 0 ? "up to date" : `the oldest ${span(lag_seconds)} old`}
        </Figure>
      )}
      <Figure name="Rate" value={rateOf(perSecond) || "–"}>
        {count(attempts.success)} delivered, {count(attempts.failure)} failed
      </Figure>
      <Figure name="Answers" value={answer_ms.p50 === null ? "–" : milliseconds(answer_ms.p50)}>
        {answer_ms.p99 === null ? "none yet" : `99 % within ${milliseconds(answer_ms.p99)}`}
      </Figure>
      <Figure name="Retrying" value={count(put_aside)}>
        {state === "paused"
          ? "not before it is resumed"
          : next_attempt_at === null
            ? "nothing is due"
            : whenNext(next_attempt_at, tick.value)}
      </Figure>
      <Figure name="Given up" value={count(dead)} tone={dead > 0 ? "wrong" : ""}>
        {dead === 0 ? "none" : "until you retry or drop"}
      </Figure>
    </dl>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly tone?: string;
  readonly children: ComponentChildren;
}

function Figure({ name, value, tone = "", children }: FigureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={tone}>{value}</dd>
      <dd class="quiet">{children}</dd>
    </div>
  );
}

function Actions({ destination: { name, state }, again }: Pick<DestinationProps, "destination" | "again">) {
  const parameters = { name };
  const doing = (path: "pause" | "resume") => async () => {
    await send("POST", `/destinations/{name}/${path}`, { parameters });
    again();
  };
  return (
    <>
      {(state === "ok" || state === "down") && (
        <ActionButton label="Pause" question={`Pause ${name}?`} verb="Pause" act={doing("pause")}>
          Nothing is sent to it until somebody resumes it, also after a restart. Nothing is lost: what comes
          in waits in the log, and goes out then.
        </ActionButton>
      )}
      {state === "paused" && (
        <ActionButton
          label="Resume"
          class="primary"
          question={`Resume ${name}?`}
          verb="Resume"
          act={doing("resume")}
        >
          It goes on where it was, as fast as it takes what waits.
        </ActionButton>
      )}
      {state === "inactive" && (
        <ActionButton
          label="Forget"
          question={`Forget ${name}?`}
          verb="Forget"
          isFinal
          act={async () => {
            await send("DELETE", "/destinations/{name}", { parameters });
            window.location.hash = addressOf("destinations");
            again();
          }}
        >
          Its position and its failures are deleted. Configured again, it begins like a new one. The records
          stay in the log.
        </ActionButton>
      )}
    </>
  );
}
