/** One event with all that is known of it. */
import { ApiError, getPage, type Schemas } from "../api.ts";
import { Drawer, Field } from "../drawer.tsx";
import { Body } from "../message/body.tsx";
import { CameIn } from "../message/came-in.tsx";
import { addressOf } from "../router.ts";
import { FullTime } from "../time.tsx";
import { useAnswer } from "../use-answer.ts";
import { eventTone, eventWord } from "./event-words.ts";
import { ProviderErrors } from "./provider-errors-view.tsx";

type Event = Schemas["Event"];

interface EventDrawerProps {
  /** Its `seq`, `@` and its instant: by that it is found. */
  readonly id: string;
  readonly close: () => void;
}

export function EventDrawer({ id, close }: EventDrawerProps) {
  const { value: event, problem, isStale, again } = useAnswer(id, (signal) => find(id, signal));
  return (
    <Drawer
      title="Event"
      close={close}
      problem={problem}
      again={again}
      isLoading={event === undefined || (isStale && problem !== "")}
      shows={id}
    >
      {event !== undefined && (
        <div class={isStale ? "stale" : ""}>
          <p class="event-title">
            <span class={`badge ${eventTone(event)}`}>{eventWord(event)}</span>
          </p>
          {event.body && eventTone(event) === "bad" && (
            <div class="event-errors">
              <ProviderErrors body={event.body} />
            </div>
          )}
          <dl class="fields-of">
            <Field name="Kind">
              <a href={addressOf("events", { kind: event.kind })}>{event.kind}</a>
            </Field>
            <Field name="Happened">
              <FullTime at={event.ts} />
            </Field>
            <Field name="Received">
              <FullTime at={event.created_at} />
            </Field>
            <Field name="Source">
              <a href={addressOf("events", { source: event.source })}>{event.source}</a>
            </Field>
            {event.message_id !== null && (
              <Field name="About" copied={event.message_id}>
                <a class="mono" href={addressOf("messages", { open: event.message_id })}>
                  <bdi>{event.message_id}</bdi>
                </a>
              </Field>
            )}
            <Field name="Key" copied={event.event_key}>
              <bdi class="mono">{event.event_key}</bdi>
            </Field>
            <Field name="Log number">
              <span class="mono">{event.seq}</span>
            </Field>
          </dl>
          <Body body={event} />
          <CameIn seq={event.seq} />
        </div>
      )}
    </Drawer>
  );
}

/** Among those of its instant: there is no other way to one event. */
async function find(id: string, signal: AbortSignal): Promise<Event> {
  const [, seq, since = ""] = /^(\d+)@(.+)$/.exec(id) ?? [];
  let after: string | undefined;
  do {
    const query = {
      ...({ since, order: "asc", limit: 100 } as const),
      ...(after !== undefined && { cursor: after }),
    };
    const { answer, cursor } = await getPage("/events", { query, signal });
    const found = answer.data.find((event) => String(event.seq) === seq);
    if (found !== undefined) return found;
    // An instant to the second may be that of thousands.
    after = answer.data.at(-1)?.ts === since ? cursor : undefined;
  } while (after !== undefined);
  throw new ApiError(404, "There is no such event.");
}
