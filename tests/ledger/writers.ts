/**
 * Clients that send as providers do: the same bytes until a 200, sometimes given up before the
 * answer comes, sometimes twice at once, and sometimes again after a 200, at once or much later.
 * What was sent and what was acknowledged stands in the ledger, never in the service alone.
 */
import { createHmac } from "node:crypto";
import { sign } from "../../src/sources/native.ts";
import { SECRET } from "../faults/postern-process.ts";
import type { Chance } from "./chance.ts";
import { keyOf, type Ledger, type SentPost } from "./record.ts";

/** The configured source that the service has besides the native one. */
export const PROVIDER = { name: "wa", kind: "meta", secret: "app-secret-of-the-ledger" } as const;

const TO = "14155550100";
const ANSWER_MS_MAX = 15_000;
const AGAIN_MS_MAX = 300;
/** Posts that a writer keeps to send again much later. */
const KEPT_MAX = 50;
const LONG_TEXT = "x".repeat(4096);

/** Each writer's own, so that a follower can ask for what one of them sends. */
export function senderOf(writer: number): string {
  return `+9198765${String(writer).padStart(5, "0")}`;
}

interface Post {
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sent: SentPost;
}

interface Sending {
  /** Gives up whatever isn't acknowledged. */
  readonly signal: AbortSignal;
  readonly ledger: Ledger;
  /** Where the service listens, asked anew for each attempt. */
  readonly url: () => string;
  readonly chance: Chance;
}

/** Sends until it is stopped, and then until all that it has begun is acknowledged. */
export class Writer {
  readonly #sending: Sending;
  readonly #number: number;
  readonly #kept: Post[] = [];
  readonly #done: Promise<void>;
  #count = 0;
  #running = true;

  constructor(sending: Sending, number: number) {
    this.#sending = sending;
    this.#number = number;
    this.#done = this.#write();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #write(): Promise<void> {
    const { chance } = this.#sending;
    while (this.#running && !this.#sending.signal.aborted) {
      const post = chance.holds(0.5) ? this.#nativePost() : this.#providerPost();
      await this.#sendUntilAcknowledged(post);
      if (chance.holds(0.1)) await this.#attempt(post);
      if (chance.holds(0.05) && this.#kept.length > 0) await this.#attempt(chance.pick(this.#kept));
      if (this.#kept.length < KEPT_MAX) this.#kept.push(post);
      else this.#kept[chance.between(0, KEPT_MAX - 1)] = post;
      // Bursts and pauses: a group of commits is sometimes one message, sometimes everybody's.
      if (chance.holds(0.7)) await Bun.sleep(chance.between(1, 200));
    }
  }

  #nextId(): string {
    return `${this.#number}-${this.#count++}`;
  }

  #nativePost(): Post {
    const { chance, ledger } = this.#sending;
    const message_id = `m-${this.#nextId()}`;
    const text = chance.holds(0.05) ? LONG_TEXT : `text of ${message_id}`;
    const body = JSON.stringify({
      message_id,
      from: senderOf(this.#number),
      to: `+${TO}`,
      ts: "2025-01-15T10:00:00Z",
      text,
    });
    return {
      path: "/webhook",
      body,
      headers: { "X-Signature": sign(SECRET, body) },
      sent: ledger.send([keyOf({ kind: "message", source: "native", message_id })]),
    };
  }

  /** A few messages and statuses, sometimes with a message that another POST has brought before. */
  #providerPost(): Post {
    const { chance, ledger } = this.#sending;
    const { name } = PROVIDER;
    const ids = Array.from({ length: chance.between(0, 3) }, () => `wamid.${this.#nextId()}`);
    const statuses = Array.from({ length: chance.between(ids.length === 0 ? 1 : 0, 3) }, () => ({
      id: `wamid.sent-${this.#nextId()}`,
      status: chance.pick(["sent", "delivered", "read"]),
      timestamp: "1736935201",
      recipient_id: "1",
    }));
    const before = this.#kept.flatMap(({ sent }) => sent.keys.filter((key) => key.includes(":wamid.")));
    if (before.length > 0 && chance.holds(0.2)) ids.push(chance.pick(before).replace(/^.*:(?=wamid\.)/, ""));
    const messages = ids.map((id) => ({
      ...{ id, from: senderOf(this.#number).slice(1), timestamp: "1736935200", type: "text" },
      text: { body: `text of ${id}` },
    }));
    const value = {
      metadata: { display_phone_number: TO, phone_number_id: "1" },
      ...(messages.length > 0 && { messages }),
      ...(statuses.length > 0 && { statuses }),
    };
    const entry = [{ id: "1", changes: [{ field: "messages", value }] }];
    const body = JSON.stringify({ object: "whatsapp_business_account", entry });
    const signature = createHmac("sha256", PROVIDER.secret).update(body).digest("hex");
    return {
      path: `/webhook/${name}`,
      body,
      headers: { "X-Hub-Signature-256": `sha256=${signature}` },
      sent: ledger.send([
        ...ids.map((id) => keyOf({ kind: "message", source: name, message_id: `${name}:${id}` })),
        ...statuses.map(({ id, status }) =>
          keyOf({ kind: "status", source: name, message_id: null, event_key: `${id}:${status}` }),
        ),
      ]),
    };
  }

  async #sendUntilAcknowledged(post: Post): Promise<void> {
    const { chance, signal } = this.#sending;
    while (post.sent.acknowledgedAt === undefined && !signal.aborted) {
      const attempts = chance.holds(0.05) ? 2 : 1;
      await Promise.all(Array.from({ length: attempts }, () => this.#attempt(post)));
      if (post.sent.acknowledgedAt === undefined) await Bun.sleep(chance.between(10, AGAIN_MS_MAX));
    }
  }

  /** One request. Whatever goes wrong with the connection, the client learns nothing by it. */
  async #attempt({ path, body, headers, sent }: Post): Promise<void> {
    const { ledger, url, chance } = this.#sending;
    const patienceMs = chance.holds(0.02) ? chance.between(1, 30) : ANSWER_MS_MAX;
    try {
      const answer = await fetch(`${url()}${path}`, {
        method: "POST",
        body,
        headers,
        signal: AbortSignal.timeout(patienceMs),
      });
      const text = await answer.text();
      if (answer.status === 200) {
        ledger.acknowledge(sent);
        if (answer.headers.get("postern-result") === "ok") sent.created++;
      } else if (answer.status !== 503) ledger.faults.push(`${path} was answered ${answer.status}: ${text}`);
    } catch {
      // It is sent again.
    }
  }
}
