/**
 * Clients that follow the log, each with a filter and a record of its own. They are slow, crash and
 * come back at random, with nothing but their record; a crash loses what was under way. Told to be
 * calm, one keeps its connection: from then on nothing but the service itself moves it on.
 */
import type { Chance } from "./chance.ts";
import { type Filter, type FollowerRecord, type LogRecord, type Look, seqOf } from "./record.ts";

const AGAIN_MS_MAX = 200;
const LIMITS = [1, 7, 100, 1000];
const WAITS_S = [0, 0, 1, 5];

export interface Following {
  readonly name: string;
  readonly filter: Filter;
  readonly start: "start" | "now";
  /** Where the service listens, asked anew for each connection. */
  readonly url: () => string;
  readonly chance: Chance;
}

export interface Follower {
  readonly record: FollowerRecord;
  /** The last number that it has got for good. */
  readonly seq: () => number;
  /** How often it has begun anew. */
  readonly connections: () => number;
  readonly calm: () => void;
  readonly stop: () => Promise<void>;
}

interface LogPage {
  readonly data: readonly LogRecord[];
  readonly next: string;
  readonly more: boolean;
}

/** It isn't the service's fault, and passes: it ends, or can't serve for a moment. */
class Unavailable extends Error {}

/** What followers of every kind share: connections that end at any moment, and what is told. */
export abstract class Client {
  abstract readonly record: FollowerRecord;
  protected readonly given: Following;
  protected readonly chance: Chance;
  #connections = 0;
  #connection = new AbortController();
  #calm = false;
  #stopped = false;
  #done: Promise<void> | undefined;
  /** Records until the next crash. */
  #left = 0;

  constructor(given: Following) {
    this.given = given;
    this.chance = given.chance;
  }

  abstract seq(): number;

  connections(): number {
    return this.#connections;
  }

  calm(): void {
    this.#calm = true;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#connection.abort();
    await this.#done;
  }

  /** Once, when it is made. */
  protected run(): void {
    this.#done = this.#run();
  }

  /** Begins: from where is known afterwards. */
  protected abstract begin(): Promise<void>;
  /** Follows until the connection ends, or a crash is due. */
  protected abstract follow(): Promise<void>;

  async #run(): Promise<void> {
    await this.#tryAgain(() => this.begin(), false);
    await this.#tryAgain(() => this.follow(), true);
  }

  async #tryAgain(connect: () => Promise<void>, forever: boolean): Promise<void> {
    while (!this.#stopped) {
      this.#connections++;
      this.#connection = new AbortController();
      this.#left = this.chance.pick([3, 30, 300, 3000]);
      // Some crashes come by the clock, in the middle of whatever is under way.
      const crash = this.chance.holds(0.5) ? setTimeout(() => this.crash(), this.chance.between(1, 3000)) : 0;
      try {
        await connect();
        if (!forever) return;
      } catch (error) {
        if (!isConnection(error)) this.fault(String(error));
      } finally {
        clearTimeout(crash);
        this.#connection.abort();
      }
      await Bun.sleep(this.chance.between(0, AGAIN_MS_MAX));
    }
  }

  protected crash(): void {
    if (!this.#calm) this.#connection.abort();
  }

  protected crashed(): boolean {
    return this.#connection.signal.aborted;
  }

  protected isCalm(): boolean {
    return this.#calm;
  }

  protected fault(what: string): void {
    this.record.faults.push(what);
  }

  /** It was given one more record; some take long, and some are the last before a crash. */
  protected async work(): Promise<void> {
    if (this.#calm) return;
    if (--this.#left <= 0) this.crash();
    else if (this.chance.holds(0.003)) await Bun.sleep(this.chance.between(1, 100));
  }

  protected async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const answer = await fetch(`${this.given.url()}${path}`, { ...init, signal: this.#connection.signal });
    if (answer.status === 503) throw new Unavailable();
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`);
    return answer;
  }

  /** A page, with what its end says of the log. */
  protected async page(path: string): Promise<LogPage> {
    const askedAt = performance.now();
    const page = (await (await this.ask(path)).json()) as LogPage;
    if (!page.more) this.look(askedAt, page.next);
    return page;
  }

  protected look(askedAt: number, position: string): void {
    const look: Look = { askedAt, answeredAt: performance.now(), seq: seqOf(position) };
    this.record.looks.push(look);
  }

  protected pageParameters(): Record<string, string> {
    const wait = this.chance.pick(WAITS_S);
    return { limit: String(this.chance.pick(LIMITS)), ...(wait > 0 && { wait: String(wait) }) };
  }

  /** Nobody asks again at once for ever. */
  protected async idle(): Promise<void> {
    await Bun.sleep(this.chance.between(10, 100));
  }
}

function isConnection(error: unknown): boolean {
  if (error instanceof Unavailable) return true;
  const { name, code } = error as { name?: string; code?: string };
  return name === "AbortError" || code !== undefined;
}

export function pathOf(path: string, parameters: Readonly<Record<string, string>>): string {
  return `${path}?${new URLSearchParams(parameters)}`;
}

/** The log from its start to its end, all kinds. */
export async function walkLog(url: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (let after = "start", more = true; more; ) {
    const answer = await fetch(url + pathOf("/log", { after, kinds: "all", limit: "1000" }));
    if (!answer.ok)
      throw new Error(`/log after ${after} was answered ${answer.status}: ${await answer.text()}`);
    const page = (await answer.json()) as LogPage;
    for (const record of page.data) records.push(record);
    after = page.next;
    more = page.more;
  }
  return records;
}
