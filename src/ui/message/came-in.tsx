/** The provider's request that a record came in, and what else it brought; read once unfolded. */
import { useSignal } from "@preact/signals";
import { get, seqOf } from "../api.ts";
import { Bones } from "../drawer.tsx";
import { eventWord } from "../event/event-words.ts";
import { counted } from "../format.ts";
import type { LogRecord } from "../live.ts";
import { Problem } from "../problem.tsx";
import { addressOf, route } from "../router.ts";
import { useAnswer } from "../use-answer.ts";
import { Body } from "./body.tsx";

export function CameIn({ seq }: { readonly seq: number }) {
  const isOpen = useSignal(false);
  return (
    <details
      class="part came-in"
      onToggle={({ currentTarget }) => {
        isOpen.value = currentTarget.open;
      }}
    >
      <summary>The request it came in</summary>
      {isOpen.value && <Request seq={seq} />}
    </details>
  );
}

function Request({ seq }: { readonly seq: number }) {
  const { value, problem, isStale, again } = useAnswer(String(seq), (signal) =>
    get("/log/{seq}/request", { parameters: { seq: String(seq) }, signal }),
  );
  if (problem !== "")
    return (
      <Problem words={problem === "Not Found." ? "It isn't in the log any more." : problem} retry={again} />
    );
  if (value === undefined || isStale) return <Bones />;
  const { records, more, headers: _, ...body } = value;
  const brought = counted(records.length, "new record");
  return (
    <>
      <p class="quiet">
        {records.length === 1
          ? "It brought nothing else that was new."
          : `It brought ${more ? `more than ${brought}; the first are:` : `${brought}:`}`}
      </p>
      {records.length > 1 && (
        <ul class="came-in-records">
          {records.map((record) => (
            <Brought key={record.position} record={record} isThis={seqOf(record.position) === seq} />
          ))}
        </ul>
      )}
      <Body title="Whole body" body={body} />
    </>
  );
}

function Brought({ record, isThis }: { readonly record: LogRecord; readonly isThis: boolean }) {
  const { kind, event_key = "", message_id, ts, type = null } = record;
  const page = kind === "message" ? "messages" : "events";
  const open = kind === "message" ? (message_id ?? "") : `${seqOf(record.position)}@${ts}`;
  // What is filtered stays so.
  const filters = route.value.page === page ? Object.fromEntries(route.value.parameters) : {};
  const word = kind === "message" ? (type ?? kind) : eventWord({ kind, event_key, type });
  return (
    <li>
      <a href={addressOf(page, { ...filters, open })} aria-current={isThis ? "true" : undefined}>
        <bdi class="mono">{message_id ?? event_key}</bdi>
      </a>{" "}
      <span class="quiet">{word}</span>
    </li>
  );
}
