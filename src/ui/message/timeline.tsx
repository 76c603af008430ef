/** What happened to a message, in order, and what the provider says went wrong. */
import { useMemo } from "preact/hooks";
import type { Schemas } from "../api.ts";
import { eventTone, eventWord } from "../event/event-words.ts";
import { ProviderErrors } from "../event/provider-errors-view.tsx";
import { addressOf } from "../router.ts";
import { Time } from "../time.tsx";

type Event = Schemas["Event"];

export function Timeline({
  events,
  messageId,
}: {
  readonly events: readonly Event[];
  readonly messageId: string;
}) {
  if (events.length === 0) return null;
  return (
    <section class="part">
      <header class="part-head">
        <h3>What happened</h3>
        <a href={addressOf("events", { message_id: messageId })}>As events</a>
      </header>
      <ol class="timeline">
        {events.map((event) => (
          <Moment key={event.seq} event={event} />
        ))}
      </ol>
    </section>
  );
}

function Moment({ event }: { readonly event: Event }) {
  const tone = eventTone(event);
  const body = useMemo(() => (tone === "bad" ? event.body : undefined), [tone, event.body]);
  return (
    <li class={tone}>
      <strong>{eventWord(event)}</strong> <Time at={event.ts} />
      {body && <ProviderErrors body={body} />}
    </li>
  );
}
