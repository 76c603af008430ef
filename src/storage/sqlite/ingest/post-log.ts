/**
 * Writes what a provider's POST holds besides its messages' fields: their details, events, and the
 * POST's own bytes, which are kept once, and only if anything in them is new.
 */

import type { Database, Statement } from "bun:sqlite";
import { instantKey } from "../../../core/instant.ts";
import type { Message } from "../../../core/message.ts";
import type { Span } from "../../../core/parsed-body.ts";
import type { Intake, MessageDetail, NewEvent, Outcome, Post } from "../../../core/store.ts";
import { bytesChecksum } from "../../../lib/bytes-checksum.ts";
import { detailChecksum, eventChecksum } from "../connection/row-checksum.ts";
import type { MessageLog } from "./message-log.ts";

/** An intake on its way to the writer, as JSON. */
export interface QueuedIntake {
  readonly createdAt: string;
  readonly messages: readonly Message[];
  readonly post?: QueuedPost;
}

interface QueuedPost extends Omit<Post, "body"> {
  /** In base64. */
  readonly body: string;
}

export function queued({ messages, post }: Intake, createdAt: string): QueuedIntake {
  if (post === undefined) return { createdAt, messages };
  const { source, body, details, events } = post;
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("base64");
  return { createdAt, messages, post: { source, body: text, details, events } };
}

/** The bytes that rows are parts of. */
export interface PostBody {
  readonly read: () => Uint8Array;
  /** Under which they are stored: the `seq` of the first row that is a part of them. */
  delivery?: number;
}

type DetailColumns = [
  seq: number,
  source: string,
  type: string,
  delivery: number,
  start: number,
  stop: number,
  checksum: number,
];
type EventColumns = [
  seq: number,
  source: string,
  kind: string,
  key: string,
  messageId: string | null,
  ts: string,
  tsKey: string,
  createdAt: string,
  delivery: number,
  start: number,
  stop: number,
  checksum: number,
];

export class PostLog {
  readonly #log: MessageLog;
  readonly #addBody: Statement<unknown, [delivery: number, body: Uint8Array, checksum: number]>;
  readonly #addDetail: Statement<unknown, DetailColumns>;
  readonly #addEvent: Statement<unknown, EventColumns>;

  constructor(db: Database, log: MessageLog) {
    this.#log = log;
    this.#addBody = db.prepare("insert into deliveries values (?, ?, ?)");
    this.#addDetail = db.prepare("insert into details values (?, ?, ?, ?, ?, ?, ?)");
    this.#addEvent = db.prepare(
      `insert into events (seq, source, kind, event_key, message_id, ts, ts_key, created_at, delivery, start, stop,
         checksum)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (source, event_key) do nothing`,
    );
  }

  /** Adds an intake to the open transaction: an outcome for each message, then for each event. */
  append({ createdAt, messages, post }: QueuedIntake): Outcome[] {
    if (post === undefined) return messages.map((message) => this.#log.append(message, createdAt));
    const { source, details, events } = post;
    const body: PostBody = { read: () => Buffer.from(post.body, "base64") };
    const outcomes = messages.map((message, index) =>
      this.appendMessage(message, createdAt, { source, ...(details[index] as MessageDetail), body }),
    );
    for (const event of events) outcomes.push(this.appendEvent(event, createdAt, { source, body }));
    return outcomes;
  }

  /** `seq` as of `MessageLog.append`. */
  appendMessage(message: Message, createdAt: string, part: MessagePart, seq?: number): Outcome {
    const { source, type, span, body } = part;
    const outcome = this.#log.append(message, createdAt, source, seq);
    if (outcome === "created") {
      const taken = this.#log.seq;
      const delivery = body.delivery ?? taken;
      const { start, end: stop } = span;
      const checksum = detailChecksum({ seq: taken, source, type, delivery, start, stop });
      this.#addDetail.run(taken, source, type, delivery, start, stop, checksum);
      this.#keep(body, delivery);
    }
    return outcome;
  }

  /** The first write of a key wins, within its source. `seq` as of `MessageLog.append`. */
  appendEvent(event: NewEvent, createdAt: string, { source, body }: Part, seq?: number): Outcome {
    const { kind, key, messageId, ts, span } = event;
    const next = this.#log.next(seq);
    const delivery = body.delivery ?? next;
    const { start, end: stop } = span;
    const row = { seq: next, source, kind, event_key: key, message_id: messageId, ts, created_at: createdAt };
    const checksum = eventChecksum({ ...row, delivery, start, stop });
    const tsKey = instantKey(ts);
    const { changes } = this.#addEvent.run(
      next,
      source,
      kind,
      key,
      messageId,
      ts,
      tsKey,
      createdAt,
      delivery,
      start,
      stop,
      checksum,
    );
    if (changes === 0) return "duplicate";
    this.#log.take(next, createdAt);
    this.#keep(body, delivery);
    return "created";
  }

  /** Frees the statements, so that the file can be closed. */
  close(): void {
    for (const statement of [this.#addBody, this.#addDetail, this.#addEvent]) statement.finalize();
  }

  /** Stores the bytes, the first time. */
  #keep(body: PostBody, delivery: number): void {
    if (body.delivery !== undefined) return;
    const bytes = body.read();
    this.#addBody.run(delivery, bytes, bytesChecksum(bytes));
    body.delivery = delivery;
  }
}

/** Where a row comes from. */
interface Part {
  readonly source: string;
  readonly body: PostBody;
}

interface MessagePart extends Part {
  readonly type: string;
  readonly span: Span;
}
