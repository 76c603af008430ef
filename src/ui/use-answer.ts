/** What the service answers, for a component: the one before stays until the next is there. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

interface Answered<Value> {
  /** Undefined until there is a first one. */
  readonly value: Value | undefined;
  /** In words; empty for none. */
  readonly problem: string;
  /** The value belongs to another key: its own is on its way. */
  readonly isStale: boolean;
  /** Asks once more. */
  readonly again: () => void;
}

/** Asks whenever `key` is another one, and drops what was under way for the one before. */
export function useAnswer<Value>(
  key: string,
  read: (signal: AbortSignal) => Promise<Value>,
): Answered<Value> {
  const answer = useSignal<{ readonly key: string; readonly value: Value } | undefined>(undefined);
  const problem = useSignal("");
  const latest = useRef<AbortController | undefined>(undefined);
  const ask = () => {
    latest.current?.abort();
    const abort = new AbortController();
    latest.current = abort;
    read(abort.signal).then(
      (value) => {
        if (abort.signal.aborted) return;
        answer.value = { key, value };
        problem.value = "";
      },
      (error: unknown) => {
        if (!abort.signal.aborted) problem.value = error instanceof Error ? error.message : String(error);
      },
    );
  };
  useEffect(() => {
    problem.value = "";
    ask();
    return () => latest.current?.abort();
  }, [key]);
  const { value } = answer;
  return { value: value?.value, problem: problem.value, isStale: value?.key !== key, again: ask };
}
