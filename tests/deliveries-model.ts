/**
 * What a store should answer of deliveries, worked out the plain way: Maps, and every rule applied
 * to every row after each change.
 */
import {
  type DeliveryCommit,
  type Destination,
  type DestinationReport,
  type Failure,
  type FailureFigures,
  type FailureFilter,
  REPLAYS_MAX,
  type Replay,
} from "../src/core/deliveries.ts";
import { compareBytes } from "./model.ts";

interface Kept {
  destination: Destination;
  readonly failures: Map<string, Failure>;
  readonly replays: Map<string, Replay>;
}

type Key = Pick<Failure, "seq" | "replay">;

const keyOf = ({ seq, replay }: Key) => `${seq}/${replay}`;

/** Deliveries as `DeliveryStore` keeps them; what needs several processes is not in it. */
export class DeliveriesModel {
  readonly #kept = new Map<string, Kept>();

  open(name: string, position: string): Destination {
    const destination = { name, position, paused: null, probeAskedAt: null, version: 0, report: null };
    const kept = this.#kept.get(name) ?? { destination, failures: new Map(), replays: new Map() };
    this.#kept.set(name, kept);
    return kept.destination;
  }

  list(): Destination[] {
    const all = [...this.#kept.values()].map(({ destination }) => destination);
    return all.sort((a, b) => compareBytes(a.name, b.name));
  }

  commit(name: string, { from, to, at, insert, update, remove }: DeliveryCommit): boolean {
    const kept = this.#kept.get(name);
    if (kept === undefined || kept.destination.position !== from) return false;
    kept.destination = { ...kept.destination, position: to };
    for (const row of insert) kept.failures.set(keyOf(row), row);
    for (const row of update) if (kept.failures.has(keyOf(row))) kept.failures.set(keyOf(row), row);
    for (const key of remove) kept.failures.delete(keyOf(key));
    settle(kept, at);
    return true;
  }

  due(name: string, now: string, limit: number): Failure[] {
    const due = this.rows(name).filter(({ next_at }) => next_at !== null && next_at <= now);
    return due.sort((a, b) => compareBytes(a.next_at ?? "", b.next_at ?? "")).slice(0, limit);
  }

  waitingSenders(name: string, replay = ""): Map<string, number> {
    const senders = new Map<string, number>();
    for (const row of this.rows(name))
      if (row.state === "waiting" && row.sender !== "" && row.replay === replay)
        senders.set(row.sender, (senders.get(row.sender) ?? 0) + 1);
    return senders;
  }

  firstOf(name: string, sender: string, replay = ""): Failure | undefined {
    return this.rows(name).find(
      (row) => row.state === "waiting" && row.sender === sender && row.replay === replay,
    );
  }

  figures(name: string): FailureFigures {
    const rows = this.rows(name);
    const [nextAt] = rows.flatMap(({ next_at }) => next_at ?? []).sort(compareBytes);
    const dead = rows.filter(({ state }) => state === "dead").length;
    return { waiting: rows.length - dead, dead, nextAt };
  }

  /** In the order of the log. */
  rows(name: string, { positions, state, cause, from }: FailureFilter = {}): Failure[] {
    const rows = [...(this.#kept.get(name)?.failures.values() ?? [])].filter(
      (row) =>
        positions?.includes(row.position) !== false &&
        (state === undefined || row.state === state) &&
        (cause === undefined || row.cause === cause) &&
        (from === undefined || row.from === from),
    );
    return rows.sort((a, b) => a.seq - b.seq || compareBytes(a.replay, b.replay));
  }

  retry(name: string, filter: FailureFilter, now: string): number {
    return this.#change(name, filter, now, (kept, row) =>
      kept.failures.set(keyOf(row), { ...row, state: "waiting", attempts: 0, next_at: null }),
    );
  }

  drop(name: string, filter: FailureFilter, now: string): number {
    return this.#change(name, filter, now, (kept, row) => kept.failures.delete(keyOf(row)));
  }

  pause(name: string, paused: Destination["paused"]): boolean {
    return this.#touch(name, { paused });
  }

  probe(name: string, at: string): boolean {
    return this.#touch(name, { probeAskedAt: at });
  }

  report(name: string, report: DestinationReport): void {
    const kept = this.#kept.get(name);
    if (kept !== undefined) kept.destination = { ...kept.destination, report };
  }

  delete(name: string): boolean {
    return this.#kept.delete(name);
  }

  addReplay(replay: Replay): "added" | "full" | "unknown" {
    const replays = this.#kept.get(replay.destination)?.replays;
    if (replays === undefined) return "unknown";
    if (replays.has(replay.id)) return "added";
    if (replays.size >= REPLAYS_MAX) return "full";
    replays.set(replay.id, replay);
    this.#touch(replay.destination, {});
    return "added";
  }

  replays(name: string): Replay[] {
    const replays = [...(this.#kept.get(name)?.replays.values() ?? [])];
    return replays.sort((a, b) => compareBytes(a.createdAt, b.createdAt) || compareBytes(a.id, b.id));
  }

  moveReplay({ destination, id, position, done }: Replay): boolean {
    const replays = this.#kept.get(destination)?.replays;
    const before = replays?.get(id);
    if (before === undefined) return false;
    replays?.set(id, { ...before, position, done });
    return true;
  }

  deleteReplay(name: string, id: string): boolean {
    return this.#kept.get(name)?.replays.delete(id) === true && this.#touch(name, {});
  }

  #change(
    name: string,
    filter: FailureFilter,
    now: string,
    change: (kept: Kept, row: Failure) => unknown,
  ): number {
    const kept = this.#kept.get(name);
    const rows = this.rows(name, filter);
    if (kept === undefined || rows.length === 0) return 0;
    for (const row of rows) change(kept, row);
    settle(kept, now);
    this.#touch(name, {});
    return rows.length;
  }

  #touch(name: string, change: Partial<Destination>): boolean {
    const kept = this.#kept.get(name);
    if (kept === undefined) return false;
    kept.destination = { ...kept.destination, ...change, version: kept.destination.version + 1 };
    return true;
  }
}

/** The first of each queue alone has a time. */
function settle({ failures }: Kept, at: string): void {
  const queues = new Set<string>();
  for (const row of [...failures.values()].sort((a, b) => a.seq - b.seq)) {
    const queue = row.sender === "" ? keyOf(row) : `${row.replay}/${row.sender}`;
    const isFirst = row.state === "waiting" && !queues.has(queue);
    if (isFirst) queues.add(queue);
    failures.set(keyOf(row), { ...row, next_at: isFirst ? (row.next_at ?? at) : null });
  }
}
