/** Followers that keep their position themselves: by streams and by pages. */
import { Client, type Follower, type Following, pathOf } from "./follower.ts";
import { type LogRecord, seqOf, takenOf, type Walk } from "./record.ts";
import { eventsOf, linesOf } from "./streams.ts";

export const WAYS = ["stream", "ndjson", "pages"] as const;
type Way = (typeof WAYS)[number];

/** Keeps its position itself. With several ways, each connection takes one of them. */
export class Walker extends Client implements Follower {
  readonly record: Walk;
  readonly #ways: readonly Way[];
  #start = "";
  #position = "";

  constructor(given: Following, ways: readonly Way[]) {
    super(given);
    const { name, filter } = given;
    this.record = { way: "walk", name, filter, start: 0, taken: [], looks: [], faults: [] };
    this.#ways = ways;
    this.run();
  }

  seq(): number {
    return this.record.taken.at(-1)?.seq ?? 0;
  }

  protected async begin(): Promise<void> {
    this.#start = "start";
    if (this.given.start === "now") {
      const { next } = await this.page(pathOf("/log", { ...this.given.filter, after: "now", limit: "1" }));
      this.record.start = seqOf(next);
      this.#start = next;
    }
    this.#position = this.#start;
  }

  protected async follow(): Promise<void> {
    const way = this.chance.pick(this.#ways);
    if (way === "stream") await this.#stream();
    else if (way === "ndjson") await this.#lines();
    else await this.#pages();
  }

  /** As EventSource: the address stays as it was at first, the header says where to go on. */
  async #stream(): Promise<void> {
    const headers: Record<string, string> =
      this.#position === this.#start ? {} : { "Last-Event-ID": this.#position };
    const path = pathOf("/log/stream", { ...this.given.filter, after: this.#start });
    const { body } = await this.ask(path, { headers });
    if (body === null) throw new Error("a stream without a body");
    for await (const { id, event, data } of eventsOf(body)) {
      if (data !== undefined) {
        const record = JSON.parse(data) as LogRecord;
        if (event === "reset") throw new Error(`reset at ${this.#position}: ${data}`);
        if (id !== record.position) this.fault(`id ${id} stands at ${record.position}`);
        if ((event === "message") !== (record.kind === "message"))
          this.fault(`a ${record.kind} came as ${event}`);
        await this.#take(record);
      } else if (id !== undefined) this.#position = id;
      if (this.crashed()) return;
    }
  }

  async #lines(): Promise<void> {
    const path = pathOf("/log/stream", { ...this.given.filter, after: this.#position });
    const { body } = await this.ask(path, { headers: { Accept: "application/x-ndjson" } });
    if (body === null) throw new Error("a stream without a body");
    for await (const line of linesOf(body)) {
      if (line !== "") {
        const record = JSON.parse(line) as LogRecord | { readonly reset: unknown };
        if ("reset" in record) throw new Error(`reset at ${this.#position}: ${line}`);
        await this.#take(record);
      }
      if (this.crashed()) return;
    }
  }

  async #pages(): Promise<void> {
    while (!this.crashed()) {
      const parameters = { ...this.given.filter, after: this.#position, ...this.pageParameters() };
      const { data, next, more } = await this.page(pathOf("/log", parameters));
      for (const record of data) {
        await this.#take(record);
        if (this.crashed()) return;
      }
      this.#position = next;
      if (!more) await this.idle();
    }
  }

  /** The record and the position are one: whatever happens next, it goes on behind this one. */
  async #take(record: LogRecord): Promise<void> {
    this.record.taken.push(takenOf(record));
    this.#position = record.position;
    await this.work();
  }
}
