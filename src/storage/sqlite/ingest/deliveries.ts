/**
 * What is kept of deliveries, which one process alone has: destinations and replays are answered
 * from memory, rows of failures by the readers, and what changes in one moment is one transaction
 * of the writer's, so that destinations share its sync.
 */
import {
  type DeliveryCommit,
  type DeliveryStore,
  type Destination,
  type DestinationReport,
  type FailureFilter,
  type FailureKey,
  REPLAYS_MAX,
  type Replay,
} from "../../../core/deliveries.ts";
import { IntakeRejected } from "../../../core/errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { SharedRun } from "../../../lib/shared-run.ts";
import type { DeliveryWrite, DestinationRows, FailureSlice, SliceReport } from "./delivery-rows.ts";

/** What is asked of rows, from what is on stable storage. */
export type FailureReads = Pick<DeliveryStore, "due" | "waitingSenders" | "firstOf" | "figures" | "failures">;

interface DeliveriesOptions {
  readonly destinations: readonly DestinationRows[];
  readonly reads: FailureReads;
  /** Resolves when all of it is on stable storage. */
  readonly write: (writes: readonly DeliveryWrite[]) => Promise<void>;
  /** The same of a part of a change of many rows. */
  readonly changeSome: (slice: FailureSlice) => Promise<SliceReport>;
  readonly clock: Clock;
}

/** What is to be, and what has to be written for that. */
interface Draft {
  readonly known: Map<string, DestinationRows>;
  readonly writes: DeliveryWrite[];
}

interface Change {
  /** Gives what tells whoever asked for it, once it is written. */
  readonly decide: (draft: Draft) => () => void;
  readonly reject: (error: unknown) => void;
}

/** Positions of a filter that are looked at in one part. */
const POSITIONS_AT_ONCE = 200;

export class SqliteDeliveries implements DeliveryStore {
  readonly due: DeliveryStore["due"];
  readonly waitingSenders: DeliveryStore["waitingSenders"];
  readonly firstOf: DeliveryStore["firstOf"];
  readonly figures: DeliveryStore["figures"];
  readonly failures: DeliveryStore["failures"];
  readonly #options: DeliveriesOptions;
  readonly #writes: SharedRun;
  /** As they are on stable storage. */
  #known: ReadonlyMap<string, DestinationRows> = new Map();
  #changes: Change[] = [];

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.due = options.reads.due;
    this.waitingSenders = options.reads.waitingSenders;
    this.firstOf = options.reads.firstOf;
    this.figures = options.reads.figures;
    this.failures = options.reads.failures;
    this.#writes = new SharedRun(() => this.#write(this.#changes.splice(0)), 0, options.clock);
    this.opened(options.destinations);
  }

  /** What is on stable storage: after a failure that may be more than was said to be. */
  opened(destinations: readonly DestinationRows[]): void {
    this.#known = new Map(destinations.map((each) => [each.destination.name, each]));
  }

  open(name: string, position: string): Promise<Destination> {
    return this.#change((draft) => {
      const there = draft.known.get(name);
      if (there !== undefined) return there.destination;
      const made = { name, position, paused: null, probeAskedAt: null, version: 0, report: null };
      return put(draft, { destination: made, replays: [] });
    });
  }

  async find(name: string): Promise<Destination | undefined> {
    return this.#known.get(name)?.destination;
  }

  async list(): Promise<readonly Destination[]> {
    const all = [...this.#known.values()].map(({ destination }) => destination);
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Nobody else can have the file. */
  async hold(): Promise<boolean> {
    return true;
  }

  async release(): Promise<void> {}

  commit(name: string, { from, to, ...rows }: DeliveryCommit): Promise<boolean> {
    return this.#change((draft) => {
      const kept = draft.known.get(name);
      if (kept === undefined || kept.destination.position !== from) return false;
      if (to !== from) put(draft, { ...kept, destination: { ...kept.destination, position: to } });
      if (rows.insert.length + rows.update.length + rows.remove.length > 0)
        draft.writes.push({ do: "rows", name, ...rows });
      return true;
    });
  }

  retry(name: string, filter: FailureFilter, now: string): Promise<number> {
    return this.#changeRows({ change: "retry", name, filter, now });
  }

  drop(name: string, filter: FailureFilter, now: string): Promise<number> {
    return this.#changeRows({ change: "drop", name, filter, now });
  }

  pause(name: string, paused: Destination["paused"]): Promise<boolean> {
    return this.#touch(name, { paused });
  }

  probe(name: string, at: string): Promise<boolean> {
    return this.#touch(name, { probeAskedAt: at });
  }

  report(name: string, report: DestinationReport): Promise<void> {
    return this.#change((draft) => {
      const kept = draft.known.get(name);
      if (kept !== undefined) put(draft, { ...kept, destination: { ...kept.destination, report } });
    });
  }

  /** Its rows first, in parts: what is left of them at the end goes with it. */
  async delete(name: string): Promise<boolean> {
    if (!this.#known.has(name)) return false;
    const now = new Date(this.#options.clock.now()).toISOString();
    await this.#inParts({ change: "drop", name, filter: {}, now });
    return this.#change((draft) => {
      if (!draft.known.delete(name)) return false;
      draft.writes.push({ do: "delete", name });
      return true;
    });
  }

  addReplay(replay: Replay): ReturnType<DeliveryStore["addReplay"]> {
    return this.#change((draft) => {
      const kept = draft.known.get(replay.destination);
      if (kept === undefined) return "unknown";
      if (kept.replays.some(({ id }) => id === replay.id)) return "added";
      if (kept.replays.length >= REPLAYS_MAX) return "full";
      putReplay(draft, { ...kept, destination: touch(draft, kept) }, [...kept.replays, replay], replay);
      return "added";
    });
  }

  async replays(name: string): Promise<readonly Replay[]> {
    const replays = [...(this.#known.get(name)?.replays ?? [])];
    return replays.sort((a, b) =>
      a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id) ? -1 : 1,
    );
  }

  moveReplay({ destination, id, position, done }: Replay): Promise<boolean> {
    return this.#change((draft) => {
      const kept = draft.known.get(destination);
      const before = kept?.replays.find((each) => each.id === id);
      if (kept === undefined || before === undefined) return false;
      const moved = { ...before, position, done };
      putReplay(draft, kept, [...kept.replays.filter((each) => each !== before), moved], moved);
      return true;
    });
  }

  deleteReplay(name: string, id: string): Promise<boolean> {
    return this.#change((draft) => {
      const kept = draft.known.get(name);
      const replays = kept?.replays.filter((each) => each.id !== id) ?? [];
      if (kept === undefined || replays.length === kept.replays.length) return false;
      touch(draft, { ...kept, replays });
      draft.writes.push({ do: "delete-replay", name, id });
      return true;
    });
  }

  /** The holder learns of what was changed, also where not all could be. */
  async #changeRows(change: Omit<FailureSlice, "after">): Promise<number> {
    let rows = 0;
    try {
      await this.#inParts(change, (changed) => {
        rows += changed;
      });
    } finally {
      if (rows > 0) await this.#touch(change.name, {});
    }
    return rows;
  }

  /** As long as a part takes, messages have the writer for themselves. */
  async #inParts(change: Omit<FailureSlice, "after">, onChanged?: (rows: number) => void): Promise<void> {
    const { clock, changeSome } = this.#options;
    for (const filter of filtersOf(change.filter)) {
      let after: FailureKey | null | undefined;
      while (after !== null) {
        const begunAt = clock.elapsed();
        const { rows, next } = await changeSome({ ...change, filter, after });
        onChanged?.(rows);
        after = next;
        const tookMs = clock.elapsed() - begunAt;
        if (next !== null) await new Promise<void>((resolve) => void clock.after(tookMs, resolve));
      }
    }
  }

  /** A change that the holder has to learn of; false where there is no such destination. */
  #touch(name: string, change: Partial<Destination>): Promise<boolean> {
    return this.#change((draft) => {
      const kept = draft.known.get(name);
      if (kept === undefined) return false;
      touch(draft, kept, change);
      return true;
    });
  }

  /** What `decide` says holds once everything that was decided with it is written. */
  #change<T>(decide: (draft: Draft) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const telling = (draft: Draft) => {
        const decided = decide(draft);
        return () => resolve(decided);
      };
      this.#changes.push({ decide: telling, reject });
      void this.#writes.run();
    });
  }

  /** Each is told what became of it; what the engine refuses is refused to nobody else. */
  async #write(changes: readonly Change[]): Promise<void> {
    const draft: Draft = { known: new Map(this.#known), writes: [] };
    const tells = changes.map(({ decide }) => decide(draft));
    try {
      if (draft.writes.length > 0) await this.#options.write(draft.writes);
    } catch (error) {
      if (!(error instanceof IntakeRejected) || changes.length === 1)
        for (const { reject } of changes) reject(error);
      else for (const change of changes) await this.#write([change]);
      return;
    }
    this.#known = draft.known;
    for (const tell of tells) tell();
  }
}

function put(draft: Draft, kept: DestinationRows): Destination {
  const { destination } = kept;
  draft.known.set(destination.name, kept);
  draft.writes.push({ do: "put", destination });
  return destination;
}

/** With a new version, so that the holder looks again. */
function touch(draft: Draft, kept: DestinationRows, change: Partial<Destination> = {}): Destination {
  const { destination } = kept;
  return put(draft, {
    ...kept,
    destination: { ...destination, ...change, version: destination.version + 1 },
  });
}

function putReplay(draft: Draft, kept: DestinationRows, replays: readonly Replay[], replay: Replay): void {
  draft.known.set(replay.destination, { ...kept, replays });
  draft.writes.push({ do: "put-replay", replay });
}

/** The same filter in parts that are looked at at once. */
function filtersOf(filter: FailureFilter): readonly FailureFilter[] {
  const { positions } = filter;
  if (positions === undefined) return [filter];
  const each = [...new Set(positions)];
  return Array.from({ length: Math.ceil(each.length / POSITIONS_AT_ONCE) }, (_, part) => ({
    ...filter,
    positions: each.slice(part * POSITIONS_AT_ONCE, (part + 1) * POSITIONS_AT_ONCE),
  }));
}
