/** A thread's own side: takes questions one by one and answers each, whatever happens. */
import { StartRefused } from "../../core/errors.ts";
import type { Answer, ThreadFailure } from "./protocol.ts";
import { TimeIsOver } from "./queries.ts";

declare const self: Worker;

/** Answers questions by `answer`, and texts by `report`, for as long as the process lives. */
export function answerQuestions<Ask>(
  answer: (ask: Ask) => Extract<Answer, { value: unknown }>["value"],
  report?: (text: string) => string,
): void {
  self.onmessage = ({ data }: MessageEvent<Ask | string>) => {
    if (typeof data === "string") {
      if (report !== undefined) postMessage(report(data));
      return;
    }
    postMessage(tryTo(() => answer(data)));
  };
}

function tryTo(answer: () => Extract<Answer, { value: unknown }>["value"]): Answer {
  try {
    return { value: answer() };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function failureOf(error: unknown): ThreadFailure {
  const code = (error as { code?: string }).code;
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof StartRefused) return { kind: "refused", reason };
  if (error instanceof TimeIsOver) return { kind: "timeout", reason };
  return { kind: "failed", reason: code === undefined ? reason : `${code} ${reason}` };
}
