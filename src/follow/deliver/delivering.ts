/**
 * The destinations of the configuration, each handed on to by itself: by this process while it has
 * the destination's lease, else by another replica.
 */

import type { Destination, DestinationReport } from "../../core/deliveries.ts";
import type { DestinationConfig, Destinations } from "../../core/destination-config.ts";
import { describe } from "../../core/errors.ts";
import type { OpenOriginal } from "../../core/source.ts";
import { withoutCredentials } from "../../lib/url-credentials.ts";
import type { Log } from "../../observe/log.ts";
import type { Following } from "../following.ts";
import { startOfText } from "../parameters.ts";
import { AttemptTally } from "./attempt-tally.ts";
import { Delivery } from "./delivery.ts";
import type { Sink } from "./sink.ts";
import { sinkKindOf } from "./sinks.ts";

/** Leases last five seconds. */
const HOLD_EVERY_MS = 1000;
/** Without a word from the database for so long another one may have it. */
const UNSURE_MS = 4000;

interface DeliveringOptions {
  readonly following: Following;
  readonly log: Log;
  /** Of this process. */
  readonly holder: string;
  readonly chance: () => number;
  readonly openSink: (config: DestinationConfig) => Sink;
  readonly openOriginal: OpenOriginal;
  /** Requests that the runtime makes at a time. */
  readonly requestsMax: number;
}

/** One of the configuration. */
interface Served {
  readonly config: DestinationConfig;
  /** Tells whether another process has the same configuration. */
  readonly digest: string;
  readonly tally: AttemptTally;
  /** While this process has the lease. */
  delivery: Delivery | undefined;
  /** Of the elapsed time, when the lease was last ours. */
  heldAt: number;
  reported: string;
  /** What tells of a configuration that differs, and was said. */
  differs: string;
  /** Why it could not be served when that was last tried, and was said. */
  trouble: string;
}

export class Delivering implements Destinations {
  readonly #options: DeliveringOptions;
  readonly #served = new Map<string, Served>();
  #cancel: () => void = () => undefined;
  #isClosed = false;
  /** One change after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: DeliveringOptions) {
    this.#options = options;
    this.#later();
  }

  replace(configs: readonly DestinationConfig[]): Promise<void> {
    return this.#inTurn(() => this.#replace(configs));
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    return this.#inTurn(async () => {
      await Promise.all([...this.#served.values()].map((served) => this.#stop(served)));
      this.#served.clear();
    });
  }

  /** The destination's configuration; undefined where it isn't in the file. */
  configOf(name: string): DestinationConfig | undefined {
    return this.#served.get(name)?.config;
  }

  /** By name, what became of this process's attempts. */
  get tallies(): ReadonlyMap<string, AttemptTally> {
    return new Map([...this.#served].map(([name, { tally }]) => [name, tally]));
  }

  /** What its holder says of it: this process, or another one by the database. */
  reportOf({ name, report }: Destination): DestinationReport | null {
    const served = this.#served.get(name);
    return served?.delivery === undefined ? report : this.#report(served, served.delivery);
  }

  /** Looks at once at what somebody has changed, where this process serves it. */
  async look(name: string): Promise<void> {
    await this.#served.get(name)?.delivery?.look();
  }

  async #replace(configs: readonly DestinationConfig[]): Promise<void> {
    const { store } = this.#options.following;
    for (const { name, start } of configs) {
      const known = await store.deliveries.find(name);
      if (known !== undefined) continue;
      const begin = startOfText(start) ?? { beginning: "now" as const };
      await store.deliveries.open(name, await this.#options.following.positionOf(begin));
    }
    const next = new Map(configs.map((config) => [config.name, config]));
    const over = [...this.#served].filter(([name, { config }]) => !Bun.deepEquals(next.get(name), config));
    // Together: one after the other, receivers that hang would cost the others their leases.
    await Promise.all(over.map(([, served]) => this.#stop(served)));
    for (const [name] of over) this.#served.delete(name);
    for (const [name, config] of next) {
      if (this.#served.has(name)) continue;
      const served = { config, digest: digestOf(config), tally: new AttemptTally(), delivery: undefined };
      this.#served.set(name, { ...served, heldAt: 0, reported: "", differs: "", trouble: "" });
    }
    await Promise.all([...this.#served.values()].map((each) => this.#hold(each)));
    this.#tellOfRequests();
  }

  /** With too few for all, receivers that hang keep others waiting. */
  #tellOfRequests(): void {
    const { log, requestsMax } = this.#options;
    const byRequests = [...this.#served.values()].filter(({ config }) => sinkKindOf(config).isRequest);
    const concurrency = byRequests.reduce((sum, { config }) => sum + config.concurrency, 0);
    if (concurrency <= requestsMax) return;
    log.warn("destinations together may have more requests under way than the runtime makes at a time", {
      ...{ concurrency, requests_max: requestsMax, setting: "BUN_CONFIG_MAX_HTTP_REQUESTS" },
    });
  }

  #later(): void {
    if (this.#isClosed) return;
    const { clock } = this.#options.following;
    this.#cancel = clock.after(HOLD_EVERY_MS, () => {
      void this.#inTurn(async () => {
        await Promise.all([...this.#served.values()].map((served) => this.#hold(served)));
      }).finally(() => this.#later());
    });
  }

  /** Takes the lease or prolongs it, and serves accordingly. */
  async #hold(served: Served): Promise<void> {
    if (this.#isClosed) return;
    const { following, holder, log } = this.#options;
    const { deliveries } = following.store;
    const { name } = served.config;
    try {
      const asked = following.clock.elapsed();
      if (await deliveries.hold(name, holder)) {
        served.heldAt = asked;
        await this.#begin(served);
        await this.#tell(served);
        served.trouble = "";
      } else {
        await this.#end(served);
        await this.#compare(served);
      }
    } catch (error) {
      const reason = describe(error);
      // Told once: it is tried every second.
      if (served.trouble !== reason)
        log.warn("a destination could not be served", { destination: name, reason });
      served.trouble = reason;
      if (this.#isUnsure(served)) await this.#end(served);
    }
  }

  #isUnsure({ heldAt }: Served): boolean {
    return this.#options.following.clock.elapsed() - heldAt > UNSURE_MS;
  }

  async #begin(served: Served): Promise<void> {
    if (served.delivery !== undefined) return;
    const { following, log, chance, openSink, openOriginal } = this.#options;
    const { config, tally } = served;
    const { deliveries } = following.store;
    const destination = await deliveries.find(config.name);
    if (destination === undefined) return;
    const delivery = new Delivery({
      ...{ config, destination, following, deliveries, tally, chance, log, openOriginal },
      sink: openSink(config),
      isHeld: () => !this.#isUnsure(served),
      onLost: () => {
        if (served.delivery === delivery) served.delivery = undefined;
        void delivery.stop();
      },
    });
    served.delivery = delivery;
    try {
      await delivery.begin();
    } catch (error) {
      // It is begun anew with the next look at the lease.
      await this.#end(served);
      throw error;
    }
    log.info("a destination is served", { destination: config.name, position: destination.position });
  }

  async #end(served: Served): Promise<void> {
    const { delivery } = served;
    served.delivery = undefined;
    await delivery?.stop();
  }

  async #stop(served: Served): Promise<void> {
    const { following, holder } = this.#options;
    const isOurs = served.delivery !== undefined;
    await this.#end(served);
    if (isOurs) await following.store.deliveries.release(served.config.name, holder).catch(() => undefined);
  }

  /** Lets other replicas know, when anything has changed. */
  async #tell(served: Served): Promise<void> {
    const { delivery, config } = served;
    if (delivery === undefined) return;
    const { at, ...report } = this.#report(served, delivery);
    const text = JSON.stringify(report);
    if (text === served.reported) return;
    served.reported = text;
    await this.#options.following.store.deliveries.report(config.name, { at, ...report });
  }

  /** The configuration of the one that serves it holds: whoever has another one says so, once. */
  async #compare(served: Served): Promise<void> {
    const { following, log } = this.#options;
    const { config } = served;
    const theirs = (await following.store.deliveries.find(config.name))?.report?.config;
    if (theirs === undefined || theirs === served.digest || theirs === served.differs) return;
    served.differs = theirs;
    log.warn("another replica serves a destination by a configuration that differs from this one's", {
      destination: config.name,
    });
  }

  #report({ tally, digest }: Served, { health, reason, nextAttemptAt }: Delivery): DestinationReport {
    const iso = (ms: number) => new Date(ms).toISOString();
    return {
      at: iso(this.#options.following.clock.now()),
      state: health.isDown ? "down" : "ok",
      reason,
      since: iso(health.since),
      next_attempt_at: nextAttemptAt === undefined ? null : iso(nextAttemptAt),
      attempts: { success: tally.success, failure: tally.failure },
      answer_ms: { p50: tally.answerMs(0.5), p99: tally.answerMs(0.99) },
      config: digest,
    };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

const DIGEST_DIGITS = 16;

/** It is kept in the database, so secrets aren't part of it, nor can be guessed by it. */
export function digestOf({
  secrets: _,
  originals: __,
  url,
  options: { verify_token: ___, ...options },
  ...config
}: DestinationConfig): string {
  const told = JSON.stringify({ url: withoutCredentials(url), ...config, options });
  const hash = new Bun.CryptoHasher("sha256").update(told);
  return hash.digest("hex").slice(0, DIGEST_DIGITS);
}
