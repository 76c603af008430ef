/**
 * The engine's side of a thread: asks, and gets the answers in the order of the questions. Threads are kept and
 * used again rather than ended, because ending one under Bun is not safe.
 */
import { StartRefused } from "../../core/errors.ts";
import { Damaged, type DamagedRow } from "./damage.ts";
import type { Answer, Notice, ThreadFailure } from "./protocol.ts";
import { TimeIsOver } from "./scan.ts";

export type ThreadKind = "writer" | "reader" | "checkpointer" | "follower";

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A worker, and the port through which it takes groups beside its questions. */
interface Running {
  readonly worker: Worker;
  readonly groups: MessagePort;
}

/** Threads whose database is closed, by kind. */
const idle = new Map<ThreadKind, Running[]>();

export class Thread {
  readonly #kind: ThreadKind;
  readonly #running: Running;
  readonly #waiting: Waiting[] = [];
  /** Told of each damaged row that the thread has read. */
  onDamagedRow: (row: DamagedRow) => void = () => undefined;

  /** `onCrash` is told when the thread ends by itself: nothing that it was asked will be answered. */
  constructor(kind: ThreadKind, onCrash: (reason: string) => void) {
    this.#kind = kind;
    this.#running = idle.get(kind)?.pop() ?? start(kind);
    const { worker } = this.#running;
    worker.onmessage = ({ data }: MessageEvent<Answer | Notice>) => {
      if ("damagedRow" in data) this.onDamagedRow(data.damagedRow);
      else this.#answered(data);
    };
    worker.onerror = (event) => {
      const reason = `${kind} thread: ${event.message}`;
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(reason));
      onCrash(reason);
    };
  }

  /** Throws `StartRefused`, `TimeIsOver`, `Damaged`, or what went wrong in the thread. */
  ask<T>(question: object): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: resolve as (value: unknown) => void, reject });
      this.#running.worker.postMessage(question);
    });
  }

  /** Sends a group, without waiting for those before it: the thread takes all that have come at one go. */
  sendGroup(group: string): void {
    this.#running.groups.postMessage(group);
  }

  /** What the thread says of the groups that it took together, in the order in which they were sent. */
  onReport(receive: (report: string) => void): void {
    this.#running.groups.onmessage = (event) => receive(String(event.data));
  }

  /** Closes the thread's database; the thread then waits for another. */
  async close(): Promise<void> {
    await this.ask({ do: "close" });
    idle.set(this.#kind, [...(idle.get(this.#kind) ?? []), this.#running]);
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.shift();
    if ("failure" in answer) waiting?.reject(errorOf(answer.failure));
    else waiting?.resolve(answer.value);
  }
}

/**
 * Each path stands alone as text: the bundler has to find the thread's file. `smol`: the thread's heap begins small and
 * grows with what is in use.
 */
function start(kind: ThreadKind): Running {
  const worker = new Worker(threadUrl(kind), { smol: true });
  worker.unref();
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ groups: port2 }, [port2]);
  return { worker, groups: port1 };
}

function threadUrl(kind: ThreadKind): string {
  switch (kind) {
    case "writer":
      return new URL("./writer.ts", import.meta.url).href;
    case "reader":
      return new URL("./reader.ts", import.meta.url).href;
    case "follower":
      return new URL("./follower-thread.ts", import.meta.url).href;
    case "checkpointer":
      return new URL("./checkpointer.ts", import.meta.url).href;
  }
}

function errorOf(failure: ThreadFailure): Error {
  const { reason } = failure;
  switch (failure.kind) {
    case "damaged":
      return new Damaged(failure.part, reason);
    case "refused":
      return new StartRefused(reason);
    case "timeout":
      return new TimeIsOver(reason);
    case "failed":
      return new Error(reason);
  }
}
