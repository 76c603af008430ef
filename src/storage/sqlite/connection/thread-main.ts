/** A thread's own side: takes questions one by one and answers each, whatever happens. */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { StartRefused } from "../../../core/errors.ts";
import { Damaged, isUnreadable, reasonOf } from "./damage.ts";
import { TimeIsOver } from "./deadline.ts";
import type { Answer, ThreadFailure } from "./protocol.ts";

declare const self: Worker;

/** Takes the next group that has arrived; undefined when there is none. */
export type NextGroup = () => string | undefined;

/**
 * Answers questions by `answer` for as long as the process lives. Groups come through a port of
 * their own: `report` is given the first one that arrived and the way to those that arrived since,
 * and says what became of what it took.
 */
export function answerQuestions<Ask extends object>(
  answer: (ask: Ask) => unknown,
  report?: (first: string, next: NextGroup) => string,
): void {
  self.onmessage = ({ data }: MessageEvent<Ask | { readonly groups: MessagePort }>) => {
    if ("groups" in data) takeGroups(data.groups, report);
    else postMessage(tryTo(() => answer(data)));
  };
}

function takeGroups(
  groups: MessagePort,
  report: ((first: string, next: NextGroup) => string) | undefined,
): void {
  if (report === undefined) return;
  const next = () => receiveMessageOnPort(groups)?.message as string | undefined;
  groups.on("message", (first: string) => groups.postMessage(report(first, next)));
}

function tryTo(answer: () => unknown): Answer {
  try {
    return { value: answer() };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function failureOf(error: unknown): ThreadFailure {
  const reason = reasonOf(error);
  if (error instanceof StartRefused) return { kind: "refused", reason };
  if (error instanceof TimeIsOver) return { kind: "timeout", reason };
  if (error instanceof Damaged) return { kind: "damaged", part: error.part, reason };
  return isUnreadable(error) ? { kind: "damaged", part: "log", reason } : { kind: "failed", reason };
}
