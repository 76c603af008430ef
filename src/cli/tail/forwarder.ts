/**
 * Posts records to an application, as a destination of the service would: in the form and with the
 * headers of Standard Webhooks.
 */
import type { Clock } from "../../lib/clock.ts";
import { signingKey, webhookSignature } from "../../lib/standard-webhooks.ts";
import { VERSION } from "../../version.ts";
import { isMessage, type RecordOfLog } from "./record.ts";

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
const ID_DIGITS = 32;
const NUL = "\0";

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #key: Uint8Array | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#key = options.secret === undefined ? undefined : signingKey(options.secret);
  }

  /** One attempt; throws when the signal is aborted. */
  async post(record: RecordOfLog, signal: AbortSignal): Promise<Outcome> {
    const { url, clock } = this.#options;
    const id = webhookId(record);
    const timestamp = Math.floor(clock.now() / 1000);
    const body = webhookBody(record);
    const startedAt = clock.elapsed();
    const late = AbortSignal.timeout(ANSWER_MS_MAX);
    const outcome = (isSuccess: boolean, said: string): Outcome => ({
      ...{ isSuccess, said },
      ms: Math.round(clock.elapsed() - startedAt),
    });
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "User-Agent": `postern/${VERSION}`,
          "webhook-id": id,
          "webhook-timestamp": String(timestamp),
          ...(this.#key && { "webhook-signature": webhookSignature(this.#key, id, timestamp, body) }),
        },
        body,
        redirect: "manual",
        signal: AbortSignal.any([signal, late]),
      });
      await answer.body?.cancel();
      return outcome(answer.ok, String(answer.status));
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, message } = error as { code?: string; message?: string };
      return outcome(false, late.aborted ? "no answer" : (code ?? message ?? "no answer"));
    }
  }
}

/** The same for the same record, at each attempt and from each sender. */
export function webhookId(record: RecordOfLog): string {
  const key = isMessage(record)
    ? ["message", record.message_id]
    : [record.kind, record.source, record.event_key];
  const hash = new Bun.CryptoHasher("sha256").update(key.join(NUL)).digest("hex");
  return `evt_${hash.slice(0, ID_DIGITS)}`;
}

export function webhookBody(record: RecordOfLog): string {
  const type = isMessage(record) ? "message.received" : `message.${record.kind}`;
  return JSON.stringify({ type, timestamp: record.created_at, data: record });
}
