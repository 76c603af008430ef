/** Followers whose position the service keeps. */
import { RECORD_KINDS } from "../../src/core/changes.ts";
import { Client, type Follower, type Following, pathOf } from "./follower.ts";
import { type Consumption, type LogRecord, seqOf, takenOf } from "./record.ts";

/** Lets the service keep its position, and acknowledges now and then. */
export class Consumer extends Client implements Follower {
  readonly record: Consumption;
  readonly #path: string;
  #begunAt: number | undefined;
  #acknowledged = 0;

  constructor(given: Following, consumer: string) {
    super(given);
    const { name, filter } = given;
    this.record = { way: "consumer", name, filter, start: 0, steps: [], looks: [], faults: [] };
    this.#path = `/consumers/${consumer}`;
    this.run();
  }

  seq(): number {
    return this.#acknowledged;
  }

  /** Again until an answer comes: whenever it was made, it was between the first and the last. */
  protected async begin(): Promise<void> {
    this.#begunAt ??= performance.now();
    const { kinds, ...filter } = this.given.filter;
    const named = kinds === "all" ? RECORD_KINDS : kinds?.split(",");
    await this.#send("PUT", this.#path, {
      start: this.given.start,
      ...filter,
      ...(named !== undefined && { kinds: named }),
    });
    const { position } = (await (await this.ask(this.#path)).json()) as { position: string };
    this.record.start = this.given.start === "start" ? 0 : seqOf(position);
    if (this.given.start === "now") this.look(this.#begunAt, position);
  }

  protected async follow(): Promise<void> {
    while (!this.crashed()) {
      const { data, next, more } = await this.page(pathOf(`${this.#path}/next`, this.pageParameters()));
      const done: LogRecord[] = [];
      for (const record of data) {
        done.push(record);
        await this.work();
        if (this.crashed()) break;
      }
      this.record.steps.push({ step: "page", taken: done.map(takenOf) });
      if (this.crashed()) return;
      await this.#acknowledgeSome(done, next);
      if (!more) await this.idle();
    }
  }

  /** All of a page, a part of it, nothing, or what was acknowledged long before. */
  async #acknowledgeSome(done: readonly LogRecord[], next: string): Promise<void> {
    const { chance } = this;
    if (this.isCalm() || done.length === 0 || chance.holds(0.7)) await this.#acknowledge(next);
    else if (chance.holds(0.6)) await this.#acknowledge(chance.pick(done).position);
    if (done[0] !== undefined && chance.holds(0.05)) await this.#acknowledge(done[0].position);
  }

  async #acknowledge(position: string): Promise<void> {
    this.record.steps.push({ step: "acknowledging", seq: seqOf(position) });
    const answer = await this.#send("POST", `${this.#path}/ack`, { position });
    const { position: kept } = (await answer.json()) as { position: string };
    this.#acknowledged = seqOf(kept);
    this.record.steps.push({ step: "acknowledged", seq: this.#acknowledged });
  }

  #send(method: string, path: string, body: object): Promise<Response> {
    return this.ask(path, {
      method,
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
    });
  }
}
