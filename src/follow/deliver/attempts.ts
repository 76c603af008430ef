/**
 * Sends records to a destination, and says what a failure means for the record and for the rest.
 */
import type { Log } from "../../observe/log.ts";
import type { FollowedRecord } from "../followed-record.ts";
import type { AttemptTally } from "./attempt-tally.ts";
import type { Health } from "./health.ts";
import type { Outcome, Sink } from "./sink.ts";
import { webhookBody, webhookId } from "./webhook-message.ts";

/** The cause of an attempt that was ended from here. */
export const STOPPED = "stopped";
const GONE = 410;

interface AttemptsOptions {
  readonly name: string;
  readonly sink: Sink;
  readonly health: Health;
  readonly tally: AttemptTally;
  readonly log: Pick<Log, "info" | "warn">;
  /** Told of a 410. */
  readonly onGone: () => void;
}

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #over = new AbortController();

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  async send(followed: FollowedRecord, number: number, isReplay: boolean): Promise<Outcome> {
    const { sink, tally } = this.#options;
    const attempt = { id: webhookId(followed), number, isReplay, body: webhookBody(followed) };
    const outcome = await sink.send(attempt, this.#over.signal);
    tally.add(outcome);
    return outcome;
  }

  /** Ends what is on its way. */
  abort(): void {
    this.#over.abort();
  }

  /** Whether it was down until now. */
  succeeded(): boolean {
    const { health, name, log } = this.#options;
    const wasDown = health.succeeded();
    if (wasDown) log.info("a destination answers again", { destination: name });
    return wasDown;
  }

  /** As `Health.failed`; a 410 counts for nothing. */
  judge(
    followed: FollowedRecord,
    { status, cause, retryAfterMs }: Outcome & { isDelivered: false },
  ): "counted" | "held" | "down" {
    const { health, name, log, onGone } = this.#options;
    if (status === GONE) {
      onGone();
      return "held";
    }
    const wasDown = health.isDown;
    const verdict = health.failed({
      record: followed.position,
      isAnswered: status !== null,
      cause: status === null ? cause : `${cause} ${status}`,
      retryAfterMs,
    });
    if (verdict === "down" && !wasDown)
      log.warn("a destination is down", { destination: name, reason: health.reason ?? undefined });
    return verdict;
  }
}
