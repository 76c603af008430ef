/** Replays that run or wait: how far each is, and its end before its time. */
import { useSignal } from "@preact/signals";
import { ActionButton } from "../action-button.tsx";
import { get, type Schemas, send } from "../api.ts";
import { count } from "../format.ts";
import { Problem } from "../problem.tsx";
import { Time } from "../time.tsx";
import { useLiveAnswer } from "../use-live-answer.ts";
import { type Destination, records } from "./state.ts";

type Replay = Schemas["Replay"];

const RUNNING_POLL_MS = 1500;
const IDLE_POLL_MS = 10_000;

interface ReplaysProps {
  readonly destination: Destination;
  /** Of those that were begun on this page, how many records each has. */
  readonly begun: readonly number[];
}

export function Replays({ destination: { name, state }, begun }: ReplaysProps) {
  const pollMs = useSignal(IDLE_POLL_MS);
  const { value, problem, isStale, again } = useLiveAnswer(
    String(begun.length),
    pollMs.value,
    async (signal) => {
      const { data } = await get("/destinations/{name}/replays", { parameters: { name }, signal });
      pollMs.value = data.length > 0 ? RUNNING_POLL_MS : IDLE_POLL_MS;
      return data;
    },
  );
  const last = begun.at(-1);
  if (problem === "" && !value?.length && last === undefined) return null;
  return (
    <section class="part" aria-label="Replays">
      <header class="part-head">
        <h3>Replays</h3>
        <span role="status" class="quiet">
          {last !== undefined &&
            `A replay of ${records(last)} has begun${value?.length === 0 && !isStale ? ", and is over" : ""}.`}
        </span>
      </header>
      {problem !== "" && <Problem words={problem} retry={again} />}
      <ul class="replays">
        {value?.map((replay, index) => (
          <Row
            key={replay.id}
            replay={replay}
            isFirst={index === 0}
            name={name}
            state={state}
            again={again}
          />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  readonly replay: Replay;
  readonly isFirst: boolean;
  readonly name: string;
  readonly state: Destination["state"];
  readonly again: () => void;
}

function Row({ replay, isFirst, name, state, again }: RowProps) {
  const { id, records: total, done, rate, new_ids, created_at } = replay;
  const waits =
    state !== "ok" ? `waits while the destination is ${state}` : isFirst ? "" : "waits for the one before";
  return (
    <li>
      <div class="replay-head">
        <span>
          {count(done)} of {records(total)}
        </span>
        <span class="quiet">
          at most {rate}
          {new_ids && ", with new ids"}
          {waits !== "" && `, ${waits}`}
        </span>
        <ActionButton
          label="Stop"
          name={`Stop ${id}`}
          class="link"
          question="Stop this replay?"
          verb="Stop it"
          isFinal
          act={async () => {
            await send("DELETE", "/destinations/{name}/replays/{id}", { parameters: { name, id } });
            again();
          }}
        >
          {records(Math.max(0, total - done))} won't be handed on once more. What is on its way still arrives,
          and what failed stays among the failures.
        </ActionButton>
      </div>
      <progress aria-label={`Progress of ${id}`} max={Math.max(1, total)} value={done} />
      <p class="quiet">
        <span class="mono">{id}</span> · begun <Time at={created_at} />
      </p>
    </li>
  );
}
