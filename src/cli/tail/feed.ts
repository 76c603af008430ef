/** Where records come from: the log behind a position of ours, or a consumer of the service. */
import { consumerPath } from "../consumer.ts";
import { CommandFailed } from "../errors.ts";
import type { LogFilter } from "../flags.ts";
import type { Answer, ServiceClient } from "../service-client.ts";
import { type Page, pageOf } from "./record.ts";

/** Whoever follows asks for one page after the other, and says how far it is done. */
export interface Feed {
  /** What comes next, as soon as something does; `"reset"` when the log isn't what it was. */
  next(signal: AbortSignal): Promise<Page | "reset">;
  /** Everything up to this position has been handed on. */
  done(position: string): Promise<void>;
}

const RECORDS = 500;
/** Below the time after which proxies cut what is idle. */
const WAIT_S = 25;
const NOT_FOUND = 404;
const GONE = 410;
const CONFLICT = 409;

/** As query parameters. */
export function filterQuery({ kinds, source, from, to }: LogFilter) {
  return { kinds: kinds?.join(","), source, from, to };
}

export class LogFeed implements Feed {
  readonly #client: ServiceClient;
  readonly #filter: LogFilter;
  #position: string;

  constructor(client: ServiceClient, filter: LogFilter, position: string) {
    this.#client = client;
    this.#filter = filter;
    this.#position = position;
  }

  async next(signal: AbortSignal): Promise<Page | "reset"> {
    const query = { ...filterQuery(this.#filter), after: this.#position, limit: RECORDS, wait: WAIT_S };
    const answer = await this.#client.ask("/log", { query, signal, also: [GONE] });
    if (answer.status !== GONE) return pageOf(answer.body);
    this.#position = startOf(answer);
    return "reset";
  }

  done(position: string): Promise<void> {
    this.#position = position;
    return Promise.resolve();
  }
}

export class ConsumerFeed implements Feed {
  readonly #client: ServiceClient;
  readonly #name: string;
  readonly #path: string;
  #acknowledged: string | undefined;

  constructor(client: ServiceClient, name: string) {
    this.#client = client;
    this.#name = name;
    this.#path = consumerPath(name);
  }

  async next(signal: AbortSignal): Promise<Page | "reset"> {
    const query = { limit: RECORDS, wait: WAIT_S };
    const answer = await this.#client.ask(`${this.#path}/next`, { query, signal, also: [GONE, NOT_FOUND] });
    if (answer.status === NOT_FOUND) throw new CommandFailed(`the consumer ${this.#name} was deleted`);
    if (answer.status !== GONE) return pageOf(answer.body);
    await this.#client.ask(`${this.#path}/seek`, { method: "POST", json: { to: startOf(answer) } });
    return "reset";
  }

  /** What doesn't hold any more isn't acknowledged: the next page tells of it. */
  async done(position: string): Promise<void> {
    if (position === this.#acknowledged) return;
    await this.#client.ask(`${this.#path}/ack`, { method: "POST", json: { position }, also: [CONFLICT] });
    this.#acknowledged = position;
  }
}

function startOf({ body }: Answer): string {
  const { start } = (body ?? {}) as { start?: unknown };
  if (typeof start === "string") return start;
  throw new CommandFailed("the log isn't the one that was followed any more, and the service names no start");
}
