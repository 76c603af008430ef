/** Posts records to an application, exactly as a destination of the service would. */
import { openHttpSink } from "../../follow/deliver/http-sink.ts";
import type { Sink } from "../../follow/deliver/sink.ts";
import { webhookBody, webhookId } from "../../follow/deliver/webhook-message.ts";
import type { Clock } from "../../lib/clock.ts";
import { VERSION } from "../../version.ts";
import type { RecordOfLog } from "./record.ts";

export interface Outcome {
  readonly isSuccess: boolean;
  /** The status, or why there is none. */
  readonly said: string;
  readonly ms: number;
}

interface ForwarderOptions {
  readonly url: URL;
  /** Without one requests aren't signed. */
  readonly secret: string | undefined;
  readonly clock: Clock;
}

const ANSWER_MS_MAX = 15_000;

export class Forwarder {
  readonly #sink: Sink;

  constructor({ url, secret, clock }: ForwarderOptions) {
    const secrets = secret === undefined ? [] : [secret];
    // Whoever runs the command could ask that address anyway.
    const more = { timeoutMs: ANSWER_MS_MAX, allowPrivate: true, version: VERSION };
    this.#sink = openHttpSink({ url, secrets, clock, ...more });
  }

  /** The attempt of this number; throws when the signal is aborted. */
  async post(record: RecordOfLog, number: number, signal: AbortSignal): Promise<Outcome> {
    const body = webhookBody({ record, text: JSON.stringify(record) });
    const { source, kind, type = null } = record;
    const about = { source, kind, type, from: null, to: null };
    const attempt = { id: webhookId({ record }), number, isReplay: false, body, about };
    const outcome = await this.#sink.send(attempt, signal);
    signal.throwIfAborted();
    const said = outcome.status ?? (outcome.isDelivered ? "taken" : outcome.cause);
    return { isSuccess: outcome.isDelivered, said: String(said), ms: outcome.ms };
  }
}
