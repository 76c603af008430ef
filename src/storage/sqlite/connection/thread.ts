/**
 * The engine's side of a thread: asks, and gets the answers in the order of the questions. Threads
 * are kept and used again rather than ended, because ending one under Bun is not safe.
 */
import { StartRefused } from "../../../core/errors.ts";
import { Damaged, type DamagedRow } from "./damage.ts";
import { TimeIsOver } from "./deadline.ts";
import type { Answer, Notice, ThreadFailure } from "./protocol.ts";

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A worker, and the port through which it takes groups beside its questions. */
interface Running {
  readonly worker: Worker;
  readonly groups: MessagePort;
}

/** Threads whose database is closed, by their program. */
const idle = new Map<string, Running[]>();

export class Thread {
  readonly #program: string;
  readonly #running: Running;
  readonly #waiting: Waiting[] = [];
  /** Told of each damaged row that the thread has read. */
  onDamagedRow: (row: DamagedRow) => void = () => undefined;

  /**
   * `program` is the URL of its file. `onCrash` is told when the thread ends by itself: nothing
   * that it was asked will be answered.
   */
  constructor(name: string, program: string, onCrash: (reason: string) => void) {
    this.#program = program;
    this.#running = idle.get(program)?.pop() ?? start(program);
    const { worker } = this.#running;
    worker.onmessage = ({ data }: MessageEvent<Answer | Notice>) => {
      if ("damagedRow" in data) this.onDamagedRow(data.damagedRow);
      else this.#answered(data);
    };
    worker.onerror = (event) => {
      const reason = `${name} thread: ${event.message}`;
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

  /**
   * Sends a group, without waiting for those before it: the thread takes all that have come at one
   * go.
   */
  sendGroup(group: string): void {
    this.#running.groups.postMessage(group);
  }

  /**
   * What the thread says of the groups that it took together, in the order in which they were sent.
   */
  onReport(receive: (report: string) => void): void {
    this.#running.groups.onmessage = (event) => receive(String(event.data));
  }

  /** Closes the thread's database; the thread then waits for another. */
  async close(): Promise<void> {
    await this.ask({ do: "close" });
    idle.set(this.#program, [...(idle.get(this.#program) ?? []), this.#running]);
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.shift();
    if ("failure" in answer) waiting?.reject(errorOf(answer.failure));
    else waiting?.resolve(answer.value);
  }
}

/** `smol`: the thread's heap begins small and grows with what is in use. */
function start(program: string): Running {
  const worker = new Worker(program, { smol: true });
  worker.unref();
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ groups: port2 }, [port2]);
  return { worker, groups: port1 };
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
