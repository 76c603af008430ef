/**
 * How a message fares with each destination, as far as the service says: its place in the log
 * against the destination's position, what the destination takes, and what failed.
 */
import { get, type Schemas } from "../api.ts";
import { tick } from "../clock.ts";
import { Problem } from "../problem.tsx";
import { addressOf } from "../router.ts";
import { useLiveAnswer } from "../use-live-answer.ts";
import { type Delivery, deliveryState } from "./delivery-state.ts";

type Message = Schemas["StoredMessage"];

const EVERY_MS = 5000;
const FAILURES_MAX = 100;
/** As many as there were: so much room is kept while they are asked for. */
let rowsBefore = 0;

export function Deliveries({ message }: { readonly message: Message }) {
  const { value, problem, isStale, again } = useLiveAnswer(
    `${message.message_id} ${message.seq}`,
    EVERY_MS,
    (signal) => read(message, signal),
  );
  if (problem !== "" && (isStale || value === undefined)) return <Problem words={problem} retry={again} />;
  // What failed is of one message.
  const deliveries = isStale ? undefined : value;
  rowsBefore = deliveries?.length ?? rowsBefore;
  if (rowsBefore === 0) return null;
  if (deliveries === undefined)
    return (
      <section class="part">
        <h3>Destinations</h3>
        <ul class="deliveries" aria-busy="true">
          {Array.from({ length: rowsBefore }, (_, index) => (
            <li key={index}>
              <span class="bone" />
            </li>
          ))}
        </ul>
      </section>
    );
  const shown = deliveries.map((delivery) => ({
    ...delivery,
    ...deliveryState(message, delivery, tick.value),
  }));
  return (
    <section class="part">
      <h3>Destinations</h3>
      <ul class="deliveries">
        {shown.map(({ destination: { name }, failure, tone, words }) => (
          <li key={name} class={tone}>
            <a href={addressOf("destinations", { name })}>{name}</a> <span>{words}</span>
            {failure?.excerpt && <pre class="raw">{failure.excerpt}</pre>}
          </li>
        ))}
      </ul>
      {shown.some(({ tone }) => tone === "good") && (
        <p class="quiet deliveries-note">
          Handed on, unless somebody dropped it or the destination began later.
        </p>
      )}
    </section>
  );
}

async function read({ message_id, from }: Message, signal: AbortSignal): Promise<readonly Delivery[]> {
  const { data } = await get("/destinations", { signal });
  return Promise.all(
    data.map(async (destination) => {
      if (destination.put_aside + destination.dead === 0)
        return { destination, failure: undefined, isWhole: true };
      const parameters = { name: destination.name };
      const query = { from, limit: FAILURES_MAX };
      const failures = await get("/destinations/{name}/failures", { parameters, query, signal });
      const failure = failures.data.find((each) => each.kind === "message" && each.message_id === message_id);
      return { destination, failure, isWhole: failures.data.length < FAILURES_MAX };
    }),
  );
}
