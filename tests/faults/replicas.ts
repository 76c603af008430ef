/**
 * Replicas of Postern, each a process, on one PostgreSQL database, and clients that keep what they
 * were told.
 */
import { sign } from "../../src/sources/native.ts";
import { messageBody, type PosternProcess, SECRET, startPostern } from "./postern-process.ts";

/** Nobody waits longer for an answer, whatever happens to the database. */
export const ANSWER_MS_MAX = 10_000;

export function startReplica(
  url: string,
  env: Readonly<Record<string, string>> = {},
): Promise<PosternProcess> {
  return startPostern({ database: "", env: { DATABASE_URL: url, ...env } });
}

interface Answer {
  readonly status: number;
  /** `Postern-Result`. */
  readonly result: string | null;
  readonly retryAfter: string | null;
  readonly tookMs: number;
}

/** Posts one message; undefined when the connection broke before an answer. */
export async function send(url: string, id: string): Promise<Answer | undefined> {
  const body = messageBody(id);
  const startedAt = performance.now();
  try {
    const response = await fetch(`${url}/webhook`, {
      method: "POST",
      body,
      headers: { "X-Signature": sign(SECRET, body) },
    });
    await response.arrayBuffer();
    return {
      status: response.status,
      result: response.headers.get("postern-result"),
      retryAfter: response.headers.get("retry-after"),
      tookMs: performance.now() - startedAt,
    };
  } catch {
    return undefined;
  }
}

/**
 * An answer that a client may get while the database is away: in time, and with when to come again.
 */
export function isFair({ status, retryAfter, tookMs }: Answer): boolean {
  return tookMs < ANSWER_MS_MAX && (status === 200 || (status === 503 && Number(retryAfter) > 0));
}

/** 0 when nobody listens. */
export async function statusOf(url: string, path: string): Promise<number> {
  try {
    const response = await fetch(`${url}${path}`);
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

/**
 * Senders that post one message after the other until told to stop, also after answers that refuse.
 */
export class SteadyLoad {
  readonly acknowledged = new Set<string>();
  readonly attempted = new Set<string>();
  /** The longest wait for an answer. */
  slowestMs = 0;
  /** Answers that nobody may get. */
  readonly unfair: Answer[] = [];
  readonly #senders: Promise<void>[];
  #running = true;

  /** `url` is asked anew for each message: a replica that comes back has another port. */
  constructor(url: () => string, prefix: string, senders: number) {
    this.#senders = Array.from({ length: senders }, (_, sender) => this.#send(url, `${prefix}-${sender}`));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#senders);
  }

  async #send(url: () => string, prefix: string): Promise<void> {
    for (let count = 0; this.#running; count++) {
      const id = `${prefix}-${count}`;
      this.attempted.add(id);
      const answer = await send(url(), id);
      if (answer === undefined || answer.status === 503) await Bun.sleep(20);
      if (answer === undefined) continue;
      this.slowestMs = Math.max(this.slowestMs, answer.tookMs);
      if (!isFair(answer)) this.unfair.push(answer);
      if (answer.status === 200) this.acknowledged.add(id);
    }
  }
}
