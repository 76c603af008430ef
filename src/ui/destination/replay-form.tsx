/** Which part of the log is handed on once more: counted first, then begun. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { send } from "../api.ts";
import { now } from "../clock.ts";
import { Dialog } from "../dialog.tsx";
import { ofField, RANGES } from "../instants.ts";
import { Problem } from "../problem.tsx";
import { records, span } from "./state.ts";

type ButtonProps = Omit<ReplayFormProps, "close">;

export function ReplayButton(props: ButtonProps) {
  const isOpen = useSignal(false);
  return (
    <>
      <button
        type="button"
        onClick={() => {
          isOpen.value = true;
        }}
      >
        Replay…
      </button>
      {isOpen.value && (
        <ReplayForm
          {...props}
          close={() => {
            isOpen.value = false;
          }}
        />
      )}
    </>
  );
}

interface ReplayFormProps {
  readonly name: string;
  readonly close: () => void;
  /** Told how many records it hands on. */
  readonly begun: (records: number) => void;
}

/** As the API takes it. */
interface Part {
  readonly after: string;
  readonly rate: string;
  readonly [member: string]: unknown;
}

const RATES = ["20/s", "200/s", "1000/s"];
const PER_SECOND: Readonly<Record<string, number>> = { "20/s": 20, "200/s": 200, "1000/s": 1000 };

function ReplayForm({ name, close, begun }: ReplayFormProps) {
  const range = useSignal("1h");
  const counted = useSignal<{ readonly part: Part; readonly total: number } | undefined>(undefined);
  const isAsking = useSignal(false);
  const changes = useRef(0);
  const problem = useSignal("");
  const ask = async (body: object) =>
    (await send("POST", "/destinations/{name}/replay", { parameters: { name }, body })) as {
      readonly records: number;
    };
  const attempt = async (task: () => Promise<void>) => {
    isAsking.value = true;
    problem.value = "";
    try {
      await task();
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
    isAsking.value = false;
  };
  const countFirst = (form: FormData) =>
    attempt(async () => {
      const part = partOf(form);
      const before = changes.current;
      const { records: total } = await ask({ ...part, dry_run: true });
      if (changes.current === before) counted.value = { part, total };
    });
  const begin = (part: Part) =>
    attempt(async () => {
      begun((await ask(part)).records);
      close();
    });
  return (
    <Dialog title={`Replay to ${name}`} close={close}>
      <form
        class="fields"
        // Another part has another number.
        onInput={() => {
          changes.current++;
          counted.value = undefined;
        }}
        onSubmit={(event) => {
          event.preventDefault();
          const first = counted.value;
          void (first === undefined ? countFirst(new FormData(event.currentTarget)) : begin(first.part));
        }}
      >
        <label>
          What was received
          <select
            name="range"
            value={range.value}
            onChange={({ currentTarget }) => {
              range.value = currentTarget.value;
            }}
          >
            {Object.entries(RANGES).map(([each, { title }]) => (
              <option key={each} value={each}>
                {title}
              </option>
            ))}
            <option value="start">Everything that is stored</option>
            <option value="">Chosen times</option>
          </select>
        </label>
        {range.value === "" && (
          <div class="fields-pair">
            <label>
              From
              <input type="datetime-local" name="after" required />
            </label>
            <label>
              Until (now, if empty)
              <input type="datetime-local" name="until" />
            </label>
          </div>
        )}
        <div class="fields-pair">
          <label>
            Kinds
            <select name="kinds">
              <option value="">Those of the destination</option>
              <option value="message">Messages</option>
              <option value="all">Messages and events</option>
            </select>
          </label>
          <label>
            At most
            <select name="rate" defaultValue="200/s">
              {RATES.map((rate) => (
                <option key={rate} selected={rate === "200/s"}>
                  {rate}
                </option>
              ))}
            </select>
          </label>
          <label>
            Source
            <input type="text" name="source" placeholder="Any" spellcheck={false} autocomplete="off" />
          </label>
          <label>
            Sender
            <input type="text" name="from" placeholder="Any" spellcheck={false} autocomplete="off" />
          </label>
        </div>
        <label class="check">
          <input type="checkbox" name="new_ids" /> New ids, for a receiver that drops what it knows
        </label>
        {problem.value !== "" && <Problem words={problem.value} />}
        <p role="status" class="counted-part">
          {counted.value === undefined
            ? "Counted first: nothing is sent yet."
            : words(counted.value.total, counted.value.part.rate, name)}
        </p>
        <div class="question-end">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={isAsking.value || counted.value?.total === 0}>
            {counted.value === undefined ? "Count" : `Send ${records(counted.value.total)}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function partOf(form: FormData): Part {
  const text = (field: string) => String(form.get(field) ?? "").trim();
  const [range, kinds, source, from] = [text("range"), text("kinds"), text("source"), text("from")];
  const ms = RANGES[range]?.ms;
  const until = ofField(text("until"));
  return {
    after:
      ms !== undefined
        ? new Date(now() - ms).toISOString()
        : range === "start"
          ? range
          : (ofField(text("after")) ?? ""),
    ...(until !== undefined && { until }),
    ...(kinds !== "" && { kinds: [kinds] }),
    ...(source !== "" && { source }),
    ...(from !== "" && { from }),
    ...(form.has("new_ids") && { new_ids: true }),
    rate: text("rate"),
  };
}

function words(total: number, rate: string, name: string): string {
  if (total === 0) return "Nothing matches.";
  const seconds = Math.ceil(total / (PER_SECOND[rate] ?? 1));
  return `${records(total)} would be sent to ${name} again, in ${span(seconds)} or more.`;
}
