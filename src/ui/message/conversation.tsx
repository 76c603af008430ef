/** What the same sender wrote before and after. */
import { get, type Schemas } from "../api.ts";
import { Bones } from "../drawer.tsx";
import { excerpt } from "../occurrences.ts";
import { Problem } from "../problem.tsx";
import { addressOf, changeParameters } from "../router.ts";
import { Time } from "../time.tsx";
import { useAnswer } from "../use-answer.ts";

type Message = Schemas["Message"];

const EACH_SIDE = 4;

export function Conversation({ message }: { readonly message: Message }) {
  const { message_id, from, ts } = message;
  const { value, problem, again } = useAnswer(`${message_id} ${from} ${ts}`, (signal) =>
    around(message, signal),
  );
  // Until its own is there, that of the message before is shown where this one is in it.
  const shown = value?.some((row) => row.message_id === message_id) ? value : undefined;
  if (shown !== undefined && shown.length < 2) return null;
  return (
    <section class="part">
      <header class="part-head">
        <h3>Before and after</h3>
        <a href={addressOf("conversations", { from })}>All of this sender</a>
      </header>
      {problem !== "" && <Problem words={problem} retry={again} />}
      {shown === undefined && problem === "" && <Bones />}
      <ol class="conversation">
        {shown?.map((row) => (
          <li key={row.message_id}>
            <button
              type="button"
              aria-current={row.message_id === message_id ? "true" : undefined}
              onClick={() => changeParameters({ open: row.message_id }, { replace: true })}
            >
              <Time at={row.ts} />
              <span class="conversation-text" dir="auto">
                {row.text === null ? <span class="quiet">no text</span> : excerpt(row.text, "").slice(0, 300)}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

async function around({ message_id, from, ts }: Message, signal: AbortSignal): Promise<readonly Message[]> {
  const limit = EACH_SIDE + 1;
  // The instant itself belongs to both sides: several messages may have it.
  const [after, before] = await Promise.all([
    get("/messages", { query: { from, since: ts, order: "asc", limit: 2 * limit }, signal }),
    get("/messages", { query: { from, until: ts, order: "desc", limit }, signal }),
  ]);
  const rows = [...before.data.toReversed(), ...after.data];
  const at = rows.findIndex((row) => row.message_id === message_id);
  return rows.slice(Math.max(0, at - EACH_SIDE), Math.max(0, at) + EACH_SIDE + 1);
}
