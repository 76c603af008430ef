/**
 * What takes records without answering: a file, and brokers that end and come back. Each has a
 * destination of its own; what has come there is read at the end.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BrokerServer } from "../deliver/broker-servers.ts";
import { BROKERS } from "../deliver/brokers.ts";
import { type Folder, newFolder } from "../folder.ts";
import type { Chance } from "./chance.ts";
import { RETRY } from "./duties.ts";
import type { Follower } from "./follower.ts";
import { type LogRecord, type Storing, seqOf, takenOf } from "./record.ts";

const CONCURRENCY = 8;
const LOOK_EVERY_MS = 500;
const POLL_MS = 20;
/** Between two ends of a broker. */
const UP_MS = { first: 500, last: 4000 };
/** One that takes seconds to start is ended in long runs only. */
const SLOW = "amqp";

/** A place for records. */
interface Place {
  readonly name: string;
  /** Of the configuration file. */
  readonly members: Readonly<Record<string, string>>;
  /** The body of each record, in the order in which they came. */
  readonly arrived: () => Promise<readonly string[]>;
  /** Undefined where nothing can be ended. */
  readonly server: BrokerServer | undefined;
  readonly dropsDoubles: boolean;
  readonly remove: () => Promise<void>;
}

/** Those that can be shown where this runs; `kills` says how long that is. */
export async function newStorages(chance: Chance, kills: number): Promise<readonly Storage[]> {
  const brokers = BROKERS.filter(({ isInstalled }) => isInstalled).map(async (kind): Promise<Place> => {
    const server = await kind.newServer();
    const url = `${kind.name}://127.0.0.1:${server.port}`;
    await kind.prepare(url);
    return {
      ...{ name: kind.name, members: { url, ...kind.members }, dropsDoubles: kind.name === "nats" },
      arrived: async () => (await kind.arrived(url)).map(({ body }) => body),
      server: kind.name === SLOW && kills <= 3 ? undefined : server,
      remove: server.remove,
    };
  });
  const places = await Promise.all([filePlace(newFolder()), ...brokers]);
  return places.map((place) => new Storage(place, chance.of(`storage ${place.name}`)));
}

function filePlace(folder: Folder): Place {
  const path = join(folder.path, "records.ndjson");
  return {
    ...{ name: "file", members: { url: `file://${path}` }, server: undefined, dropsDoubles: false },
    arrived: async () => readFileSync(path, "utf8").trimEnd().split("\n"),
    remove: async () => folder.remove(),
  };
}

export class Storage implements Follower {
  readonly record: Storing;
  readonly #place: Place;
  readonly #chance: Chance;
  #url: () => string = () => "";
  #running: Promise<unknown> | undefined;
  #isCalm = false;
  #isStopped = false;
  #isRead = false;
  #ends = 0;

  constructor(place: Place, chance: Chance) {
    this.#place = place;
    this.#chance = chance;
    this.record = {
      ...{ way: "storage", name: `storage ${place.name}`, filter: { kinds: "all" }, start: 0 },
      ...{ concurrency: CONCURRENCY, dropsDoubles: place.dropsDoubles, hurts: 0 },
      ...{ taken: [], looks: [], faults: [], left: undefined },
    };
  }

  /** Its part of a configuration file; each reload begins it anew. */
  settings(turn: number): string {
    const { name, members } = this.#place;
    const own = Object.entries(members).map(([member, value]) => `${member}: "${value}"`);
    const rest = [
      "kinds: all",
      "start: start",
      `concurrency: ${CONCURRENCY}`,
      `timeout: ${2500 + (turn % 2)}ms`,
    ];
    const lines = [...own, ...rest, `retry: [${RETRY.join(", ")}]`];
    return [`  ${name}:`, ...lines.map((line) => `    ${line}`), ""].join("\n");
  }

  /** Looks at what the service says of it, and ends its broker now and then. */
  watch(url: () => string): void {
    this.#url = url;
    this.#running ??= Promise.all([this.#watch(), this.#endAtRandom()]);
  }

  seq(): number {
    const { left } = this.record;
    return left === undefined || left.records > 0 ? 0 : left.seq;
  }

  connections(): number {
    return 0;
  }

  hurt(): void {
    this.record.hurts++;
  }

  calm(): void {
    this.#isCalm = true;
  }

  async stop(): Promise<void> {
    this.#isCalm = true;
    this.#isStopped = true;
    await this.#running;
    if (this.#isRead) return;
    this.#isRead = true;
    for (const body of await this.#place.arrived())
      this.record.taken.push(takenOf((JSON.parse(body) as { readonly data: LogRecord }).data));
  }

  remove(): Promise<void> {
    return this.#place.remove();
  }

  /** What it was to show and hasn't. */
  unmet(): string[] {
    const { name, server } = this.#place;
    return server === undefined || this.#ends > 0 ? [] : [`storage ${name} never ended`];
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      const { name } = this.#place;
      const answer = await fetch(`${this.#url()}/destinations/${name}`).catch(() => undefined);
      if (answer?.ok) {
        const { position, lag_records, put_aside, dead } = (await answer.json()) as {
          readonly position: string;
          readonly lag_records: number;
          readonly put_aside: number;
          readonly dead: number;
        };
        this.record.left = { seq: seqOf(position), records: lag_records + put_aside + dead };
      } else await answer?.body?.cancel();
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  async #endAtRandom(): Promise<void> {
    const { server } = this.#place;
    while (server !== undefined && !this.#isCalm) {
      const until = performance.now() + this.#chance.between(UP_MS.first, UP_MS.last);
      while (performance.now() < until && !this.#isCalm) await Bun.sleep(POLL_MS);
      if (this.#isCalm) return;
      this.hurt();
      await server.stop(this.#chance.pick(["KILL", "TERM"]));
      await server.start();
      this.#ends++;
    }
  }
}
