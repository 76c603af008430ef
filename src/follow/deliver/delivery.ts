/**
 * Hands the log on to one destination, as long as this process has its lease: what comes new, what
 * failed before, and what is replayed, beside each other. While the destination is down or paused
 * none of them goes on.
 */
import { DEAD_MAX, type Destination, type Replay } from "../../core/deliveries.ts";
import { describe } from "../../core/errors.ts";
import { oncePerTurn } from "../../lib/once-per-turn.ts";
import { Attempts } from "./attempts.ts";
import type { DeliveryOptions } from "./delivery-options.ts";
import { FailureRows } from "./failure-rows.ts";
import { Health } from "./health.ts";
import { sharesOf } from "./lane.ts";
import type { LaneOptions } from "./lane-options.ts";
import { Line } from "./line.ts";
import { LiveLane } from "./live-lane.ts";
import { Originals } from "./originals.ts";
import { RatePace } from "./rate-pace.ts";
import { ReplayLane } from "./replay-lane.ts";

/** What others have changed is looked at so often. */
const LOOK_EVERY_MS = 1000;
/** What is on its way at a stop may take so long. */
const LAST_MS_MAX = 3000;
const GONE = "the destination answered 410 Gone";

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #name: string;
  readonly #health: Health;
  readonly #attempts: Attempts;
  readonly #pace: RatePace;
  readonly #over = new AbortController();
  readonly #laneOptions: LaneOptions;
  readonly #live: LiveLane;
  readonly #rows: FailureRows;
  /** One step for all that lands in a turn: what it sends is sent together. */
  readonly #stepSoon = oncePerTurn(() => this.#step());
  /** One at a time, the oldest first. */
  #replay: { readonly id: string; readonly lane: ReplayLane } | undefined;
  /** Of the lanes, who is given what is left over. */
  #turn = 0;
  #paused: Destination["paused"];
  #probeAskedAt: string | null;
  #version: number;
  #isProbing = false;
  #isBegun = false;
  #cancelTimer: () => void = () => undefined;
  #cancelLook: () => void = () => undefined;
  #stopped: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  constructor(options: DeliveryOptions) {
    const { config, destination, following } = options;
    this.#options = options;
    this.#name = config.name;
    this.#paused = destination.paused;
    this.#probeAskedAt = destination.probeAskedAt;
    this.#version = destination.version;
    this.#health = new Health(following.clock);
    this.#pace = new RatePace(config.ratePerS, following.clock);
    this.#attempts = new Attempts({
      ...{ name: config.name, health: this.#health, sink: options.sink },
      ...{ tally: options.tally, log: options.log },
      originals: config.originals === undefined ? undefined : new Originals(options),
      onSuccess: (wasDown) => {
        this.#live.succeeded(wasDown);
        this.#rows.succeeded();
      },
      onDown: () => {
        this.#live.wentDown();
        void this.#rows.wentDown();
      },
      onGone: () => void this.#pause(GONE),
    });
    this.#laneOptions = {
      ...options,
      ...{ attempts: this.#attempts, over: this.#over.signal },
      isDown: () => this.#health.isDown,
      mayTake: () => this.#mayTake(),
      onLanded: () => this.#landed(),
      onChange: () => this.#step(),
      onLost: () => this.#lost(),
      couldNot: (what, error) => this.#couldNot(what, error),
    };
    const line = new Line();
    this.#live = new LiveLane({
      ...this.#laneOptions,
      ...{ line, position: destination.position, rows: () => this.#rows },
    });
    this.#rows = new FailureRows({ ...this.#laneOptions, line, live: this.#live });
  }

  async begin(): Promise<void> {
    await this.#load();
    this.#isBegun = true;
    this.#lookLater();
    this.#step();
  }

  async #load(): Promise<void> {
    await this.#live.alone(() => this.#rows.load());
    await this.#nextReplay();
  }

  get health(): Pick<Health, "isDown" | "since"> {
    return this.#health;
  }

  /** Why it is down, or what fails in memory failed; else null. */
  get reason(): string | null {
    return this.#health.reason ?? this.#live.reason;
  }

  /** When something is sent next, in milliseconds since 1970; undefined where nothing waits. */
  get nextAttemptAt(): number | undefined {
    const { clock } = this.#options.following;
    const { isDown, heldMs } = this.#health;
    if (isDown || heldMs > 0) return clock.now() + heldMs;
    const { dueAt } = this.#live;
    const times = [
      ...(dueAt === undefined ? [] : [clock.now() + Math.max(0, dueAt - clock.elapsed())]),
      ...(this.#rows.dueAt === undefined ? [] : [this.#rows.dueAt]),
    ];
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Takes nothing more; resolves when what was on its way is over and written. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#end();
    const { clock } = this.#options.following;
    const cancel = clock.after(LAST_MS_MAX, () => this.#attempts.abort());
    if (this.#flying > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    cancel();
    await this.#live.leave();
    await this.#replay?.lane.leave();
    await this.#options.sink.close();
  }

  #end(): void {
    this.#over.abort();
    this.#cancelTimer();
    this.#cancelLook();
    this.#live.cancel();
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  get #flying(): number {
    return this.#live.flying + this.#rows.flying + (this.#replay?.lane.flying ?? 0);
  }

  /** Does whatever can be done now, and sees to it that the rest is done when it can be. */
  #step(): void {
    if (this.#isOver || !this.#isBegun) return;
    this.#cancelTimer();
    if (this.#rows.dead >= DEAD_MAX && this.#paused === null)
      void this.#pause(`${DEAD_MAX} records are dead`);
    const { isDown } = this.#health;
    if (this.#paused === null) {
      if (isDown) this.#probe();
      else this.#send();
      this.#live.read(isDown);
    }
    this.#live.writeWhenDue(isDown);
    this.#replay?.lane.step();
    this.#stepLater();
  }

  #stepLater(): void {
    const { clock } = this.#options.following;
    const { dueAt } = this.#live;
    const liveMs = dueAt === undefined ? 0 : dueAt - clock.elapsed();
    const rowsMs = this.#rows.dueAt === undefined ? 0 : this.#rows.dueAt - clock.now();
    const replayMs = this.#replay?.lane.waitMs ?? 0;
    const waits = [this.#health.heldMs, this.#pace.waitMs, liveMs, rowsMs, replayMs].filter((ms) => ms > 0);
    if (waits.length === 0) return;
    this.#cancelTimer = clock.after(Math.max(1, Math.min(...waits, LOOK_EVERY_MS)), () => this.#step());
  }

  #send(): void {
    if (!this.#maySend) return;
    const replay = this.#replay === undefined ? [] : [this.#replay.lane];
    const lanes = [this.#live, this.#rows, ...replay].filter(({ isReady }) => isReady);
    const shares = sharesOf(this.#options.config.concurrency, lanes.length, this.#turn);
    for (const [index, lane] of lanes.entries()) lane.send(shares[index] ?? 0);
  }

  get #maySend(): boolean {
    if (this.#isOver || this.#paused !== null || !this.#options.isHeld()) return false;
    const isHeldUp = this.#health.isDown || this.#health.heldMs > 0 || this.#pace.waitMs > 0;
    return !isHeldUp && this.#flying < this.#options.config.concurrency;
  }

  #mayTake(): boolean {
    if (!this.#maySend) return false;
    this.#pace.take();
    return true;
  }

  /** One at a time. */
  #probe(): void {
    if (this.#isProbing || this.#health.heldMs > 0 || !this.#options.isHeld()) return;
    const probing = this.#live.probe() ?? this.#rows.probe() ?? this.#replay?.lane.probe();
    if (probing === undefined) return;
    this.#isProbing = true;
    void probing.finally(() => {
      this.#isProbing = false;
    });
  }

  #landed(): void {
    this.#turn++;
    if (this.#flying === 0) this.#idle?.();
    this.#stepSoon();
  }

  async #pause(reason: string): Promise<void> {
    this.#paused = { reason, since: new Date(this.#options.following.clock.now()).toISOString() };
    this.#options.log.warn("a destination is paused", { destination: this.#name, reason });
    try {
      await this.#options.deliveries.pause(this.#name, this.#paused);
    } catch (error) {
      this.#couldNot("pause", error);
    }
  }

  /** Sees to it that the oldest replay is under way, and that one that was stopped isn't. */
  async #nextReplay(): Promise<void> {
    const replays = await this.#options.deliveries.replays(this.#name);
    const current = this.#replay;
    if (current !== undefined && !replays.some(({ id }) => id === current.id)) current.lane.stop();
    const [next] = replays;
    if (this.#replay === undefined && next !== undefined && !this.#isOver) this.#beginReplay(next);
  }

  #beginReplay(replay: Replay): void {
    const onOver = () => {
      this.#replay = undefined;
      if (this.#isOver) return;
      void this.#nextReplay().then(
        () => this.#step(),
        (error) => this.#couldNot("go on with the next replay", error),
      );
    };
    const options = { ...this.#laneOptions, replay, live: this.#live, rows: this.#rows, onOver };
    this.#replay = { id: replay.id, lane: new ReplayLane(options) };
  }

  #lookLater(): void {
    this.#cancelLook = this.#options.following.clock.after(LOOK_EVERY_MS, () => {
      void this.look().finally(() => {
        if (!this.#isOver) this.#lookLater();
      });
    });
  }

  /** What others have changed, and whether this one may still serve it. */
  async look(): Promise<void> {
    try {
      const before = this.#paused;
      const destination = await this.#options.deliveries.find(this.#name);
      if (this.#isOver) return;
      if (destination === undefined) return this.#lost();
      const { paused, probeAskedAt, version } = destination;
      if (this.#paused === before) this.#paused = paused;
      if (probeAskedAt !== this.#probeAskedAt) {
        this.#health.probeNow();
        this.#live.probeNow();
      }
      this.#probeAskedAt = probeAskedAt;
      if (version !== this.#version) await this.#load();
      this.#version = version;
      this.#step();
    } catch (error) {
      this.#couldNot("look at the destination", error);
    }
  }

  #lost(): void {
    if (this.#isOver) return;
    this.#end();
    this.#attempts.abort();
    this.#options.log.warn("somebody else serves a destination", { destination: this.#name });
    this.#options.onLost();
  }

  #couldNot(what: string, error: unknown): void {
    const reason = describe(error);
    this.#options.log.warn(`a destination could not ${what}`, { destination: this.#name, reason });
  }
}
