/** Sends a source a request as its provider would, and says what became of it. */
import { useSignal } from "@preact/signals";
import { type Schemas, send } from "../api.ts";
import { counted } from "../format.ts";
import { Problem } from "../problem.tsx";
import { addressOf } from "../router.ts";

type Result = Schemas["TestResult"];

export function SendTest({ source }: { readonly source: Schemas["Source"] }) {
  const { name, title, kind, no_test_because: because } = source;
  const isUnderway = useSignal(false);
  const result = useSignal<Result | undefined>(undefined);
  const problem = useSignal("");
  const run = async () => {
    isUnderway.value = true;
    problem.value = "";
    try {
      const answer = await send("POST", "/sources/{name}/test", { parameters: { name } });
      result.value = answer as Result;
    } catch (error) {
      result.value = undefined;
      problem.value = error instanceof Error ? error.message : String(error);
    }
    isUnderway.value = false;
  };
  const signer = kind === "native" || (kind === "generic" && source.page === null) ? "its sender" : title;
  return (
    <section class="part send-test">
      <h3>Test</h3>
      {because === null ? (
        <>
          <p class="quiet">
            A message signed as {signer} signs, taken in like any other: stored, counted and handed on. Its
            text says that it is a test. The network up to here isn't tried.
          </p>
          <button type="button" disabled={isUnderway.value} onClick={() => void run()}>
            {isUnderway.value ? "Sending…" : "Send a test"}
          </button>
        </>
      ) : (
        <p class="quiet">
          None can be sent from here: {because}. Have {signer} send one.
        </p>
      )}
      {problem.value !== "" && <Problem words={problem.value} />}
      <div role="status">{result.value !== undefined && <Outcome name={name} result={result.value} />}</div>
    </section>
  );
}

function Outcome({ name, result }: { readonly name: string; readonly result: Result }) {
  const { status, reason, message_id: id, messages, events } = result;
  if (status >= 300)
    return (
      <p class="test-said bad">
        Refused with {status}: <bdi>{reason ?? result.result}</bdi>
      </p>
    );
  return (
    <p class="test-said good">
      Taken in with {status}:{" "}
      {id === null ? (
        <a href={addressOf("events", { source: name })}>{counted(events, "event")}</a>
      ) : (
        <a href={addressOf("messages", { open: id })}>{counted(messages, "message")}</a>
      )}{" "}
      stored.
    </p>
  );
}
