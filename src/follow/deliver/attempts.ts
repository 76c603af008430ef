/**
 * Sends records to a destination, and says what a failure means for the record and for the rest.
 */
import type { ChangesFilter } from "../../core/changes.ts";
import type { Log } from "../../observe/log.ts";
import type { FollowedRecord } from "../followed-record.ts";
import type { AttemptTally } from "./attempt-tally.ts";
import type { Health } from "./health.ts";
import type { Originals } from "./originals.ts";
import { hasNewIds } from "./replay-id.ts";
import { type Attempt, isAnswered, reasonOf, type Sink, type Undelivered } from "./sink.ts";
import { aboutRecord, webhookBody, webhookId } from "./webhook-message.ts";

const GONE = 410;

interface AttemptsOptions {
  readonly name: string;
  readonly sink: Sink;
  /** Where providers' own requests are handed on. */
  readonly originals: Originals | undefined;
  readonly health: Health;
  readonly tally: AttemptTally;
  readonly log: Pick<Log, "info" | "warn">;
  /** Told of each success, before anything else is done with it. */
  readonly onSuccess: (wasDown: boolean) => void;
  /** What failed since the last success told of an outage, and counts for nothing. */
  readonly onDown: () => void;
  /** Told of a 410. */
  readonly onGone: () => void;
}

export type Attempted =
  | { readonly result: "delivered" }
  /** It was ended from here. */
  | { readonly result: "stopped" }
  /** The record has one attempt less, or it says more of the destination than of the record. */
  | { readonly result: "counted" | "uncounted"; readonly outcome: Undelivered };

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #over = new AbortController();

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /**
   * `replay` is the replay that it belongs to; empty for live deliveries. Never throws. With a
   * filter nothing is sent of a record whose POST another one that it lets through stands for.
   */
  async send(
    followed: FollowedRecord,
    number: number,
    replay: string,
    filter?: ChangesFilter,
  ): Promise<Attempted> {
    const { sink, tally, name, log, health, onSuccess, originals } = this.#options;
    const original = await originals?.of(followed, replay, filter);
    if (original === "another") return { result: "delivered" };
    const id = hasNewIds(replay) ? `${webhookId(followed)}_${replay}` : webhookId(followed);
    const about = { id, number, isReplay: replay !== "", about: aboutRecord(followed) };
    const send = (what: Pick<Attempt, "body" | "original">) =>
      sink.send({ ...about, ...what }, this.#over.signal);
    const outcome =
      original === undefined
        ? await send({ body: webhookBody(followed) })
        : "isDelivered" in original
          ? original
          : await send({ body: "", original });
    if (!outcome.isDelivered && outcome.cause === "stopped") return { result: "stopped" };
    tally.add(outcome);
    if (!outcome.isDelivered) return { result: this.#judge(followed, outcome), outcome };
    const wasDown = health.succeeded();
    if (wasDown) log.info("a destination answers again", { destination: name });
    onSuccess(wasDown);
    return { result: "delivered" };
  }

  /** Ends what is on its way. */
  abort(): void {
    this.#over.abort();
  }

  #judge(followed: FollowedRecord, { status, cause, retryAfterMs }: Undelivered): "counted" | "uncounted" {
    const { health, name, log, onDown, onGone } = this.#options;
    if (status === GONE) {
      onGone();
      return "uncounted";
    }
    const wasDown = health.isDown;
    const verdict = health.failed({
      record: followed.position,
      isAnswered: isAnswered({ status, cause }),
      cause: reasonOf({ status, cause }),
      retryAfterMs,
    });
    if (health.isDown && !wasDown) {
      log.warn("a destination is down", { destination: name, reason: health.reason ?? undefined });
      onDown();
    }
    return verdict === "counted" ? "counted" : "uncounted";
  }
}
