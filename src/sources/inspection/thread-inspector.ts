/**
 * Inspects large bodies in a thread of its own, one after the other, so that nothing that a
 * stranger sends holds up the main thread. The thread is started when the first large body comes,
 * and keeps nothing between two of them but keys that it fetched.
 */
import { KeysUnavailable, Overloaded } from "../../core/errors.ts";
import type {
  Inspected,
  Inspector,
  Normalised,
  ProviderSource,
  RequestHead,
  Source,
} from "../../core/source.ts";
import type { Question, Result, Unavailable } from "./protocol.ts";

const NOTHING = new Uint8Array();

interface Waiting {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

export class ThreadInspector implements Inspector {
  /** By the number of the question: one whose keys are fetched holds up no other. */
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  readonly #onCrash: (reason: string) => void;
  #worker: Worker | undefined;

  /** `onCrash` hears why the thread ended by itself; the next large body starts another one. */
  constructor(onCrash: (reason: string) => void) {
    this.#onCrash = onCrash;
  }

  async provider(
    source: ProviderSource,
    { method, headers, url, client }: RequestHead,
    given: Uint8Array,
    now: number,
  ) {
    const { name, config } = source;
    const request = { method, headers: [...headers], url, client };
    const question = { kind: "provider", name, config, ...request, now } as const;
    const { json, body = NOTHING } = await this.#ask(question, given);
    const told = JSON.parse(json) as Inspected | Unavailable;
    if ("unavailable" in told) throw new KeysUnavailable(told.unavailable);
    return { inspected: withBody(told, body), body };
  }

  async native(source: Source, proof: string, given: Uint8Array) {
    const { json, body = NOTHING } = await this.#ask(
      { kind: "native", secrets: source.secrets, proof },
      given,
    );
    const normalised = JSON.parse(json) as Normalised | null;
    return { normalised: normalised === null ? undefined : source.admit(normalised), body };
  }

  #ask(question: DistributedOmit<Question, "number" | "body">, given: Uint8Array): Promise<Result> {
    // What is given away is the whole buffer.
    const body = given.byteLength === given.buffer.byteLength ? given : given.slice();
    this.#worker ??= this.#start();
    const number = this.#asked++;
    this.#worker.postMessage({ ...question, number, body }, [body.buffer as ArrayBuffer]);
    return new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
  }

  #start(): Worker {
    // The path stands alone as text: the bundler has to find the thread's file.
    const worker = new Worker(new URL("./inspection-thread.ts", import.meta.url).href, { smol: true });
    worker.unref();
    worker.onmessage = ({ data }: MessageEvent<Result>) => {
      this.#waiting.get(data.number)?.resolve(data);
      this.#waiting.delete(data.number);
    };
    worker.onerror = ({ message }) => {
      this.#worker = undefined;
      for (const { reject } of this.#waiting.values())
        reject(new Overloaded("the body could not be inspected", message));
      this.#waiting.clear();
      this.#onCrash(message);
    };
    return worker;
  }
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function withBody(inspected: Inspected, body: Uint8Array): Inspected {
  if (!("intake" in inspected) || inspected.intake.post === undefined) return inspected;
  const { intake } = inspected;
  return { ...inspected, intake: { ...intake, post: { ...inspected.intake.post, body } } };
}
