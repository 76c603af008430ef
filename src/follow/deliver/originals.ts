/**
 * The provider's own requests, for a destination that gets these: of a POST's records the first
 * that matches stands for all of them. It is read when it is sent, each time anew, and never kept.
 */
import type { ChangesFilter } from "../../core/changes.ts";
import type { DestinationConfig } from "../../core/destination-config.ts";
import { describe } from "../../core/errors.ts";
import type { OpenOriginal, OriginalRequest } from "../../core/source.ts";
import type { FollowedRecord } from "../followed-record.ts";
import type { Following } from "../following.ts";
import { excerptOf } from "./excerpt.ts";
import type { Undelivered } from "./sink.ts";

/** Of so many POSTs it is known which record stands for them: the others needn't read it. */
const LEADERS_MAX = 1000;

interface OriginalsOptions {
  readonly config: DestinationConfig;
  readonly following: Pick<Following, "store" | "turns" | "clock">;
  readonly openOriginal: OpenOriginal;
}

export class Originals {
  readonly #options: OriginalsOptions;
  readonly #url: string;
  readonly #sources: ReadonlyMap<string, ReturnType<OpenOriginal>>;
  /** By the replay, empty for live deliveries, and the POST. */
  readonly #leaders = new Map<string, number>();

  constructor(options: OriginalsOptions) {
    const { config, openOriginal } = options;
    this.#options = options;
    this.#url = new URL(config.url).href;
    this.#sources = new Map(
      Object.entries(config.originals ?? {}).map(([name, source]) => [name, openOriginal(name, source)]),
    );
  }

  /**
   * The request that the record stands for, or `another` where another one does; without a filter
   * it is taken to be the one. Never throws.
   */
  async of(
    followed: FollowedRecord,
    replay: string,
    filter?: ChangesFilter,
  ): Promise<OriginalRequest | "another" | Undelivered> {
    const { record, seq } = followed;
    const make = "source" in record ? this.#sources.get(record.source) : undefined;
    if (make === undefined || !("delivery" in record))
      return failure("rejected", "it was no provider's POST");
    const { delivery } = record;
    const key = `${replay} ${delivery}`;
    if (filter !== undefined && (this.#leaders.get(key) ?? seq) !== seq) return "another";
    const { store, turns, clock } = this.#options.following;
    try {
      // A POST is known by the number of its first record, and its records are neighbours.
      const from = filter === undefined ? { after: seq - 1 } : { after: delivery - 1, filter };
      const changes = await turns.take(() => store.changes({ ...from, limit: 1, bodies: true }));
      const [first] = changes.records;
      const body = changes.bodies.get(delivery);
      if (first === undefined || body === undefined || body.length < record.stop)
        return failure("rejected", "the provider's request is not in the log any more");
      if (filter !== undefined) this.#keep(key, first.seq);
      if (first.seq !== seq) return "another";
      const headers = changes.headers?.get(delivery);
      return make({ body, ...(headers !== undefined && { headers }) }, this.#url, clock.now());
    } catch (error) {
      return failure("failed", `the provider's request could not be read: ${describe(error)}`);
    }
  }

  #keep(key: string, seq: number): void {
    this.#leaders.set(key, seq);
    if (this.#leaders.size <= LEADERS_MAX) return;
    for (const oldest of this.#leaders.keys()) {
      this.#leaders.delete(oldest);
      return;
    }
  }
}

function failure(cause: "rejected" | "failed", excerpt: string): Undelivered {
  return { isDelivered: false, status: null, cause, excerpt: excerptOf(excerpt), ms: 0 };
}
