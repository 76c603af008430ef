/**
 * Writes what a provider's POST holds besides its messages' fields: their details, events, and the
 * POST's own bytes, which are kept once, and only if anything in them is new.
 */

import type { Database, Statement } from "bun:sqlite";
import { instantKey } from "../../../core/instant.ts";
import type { Message } from "../../../core/message.ts";
import type { KeptHeaders, Span } from "../../../core/parsed-body.ts";
import type { Intake, MessageDetail, NewEvent, Outcome, Post } from "../../../core/store.ts";
import { areOneType, contentDigest, furtherKeys } from "../../event-keys.ts";
import { detailChecksum, eventChecksum, postChecksum } from "../connection/row-checksum.ts";
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
  const { body, ...rest } = post;
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("base64");
  return { createdAt, messages, post: { ...rest, body: text } };
}

/** The bytes that rows are parts of. */
export interface PostBody {
  readonly read: () => Uint8Array;
  readonly headers?: KeptHeaders | undefined;
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
  type: string | null,
];

interface StoredEvent {
  readonly kind: string;
  readonly type: string | null;
  readonly delivery: number;
  readonly start: number;
  readonly stop: number;
}

export class PostLog {
  readonly #log: MessageLog;
  readonly #addBody: Statement<
    unknown,
    [delivery: number, body: Uint8Array, checksum: number, headers: string | null]
  >;
  readonly #addDetail: Statement<unknown, DetailColumns>;
  readonly #addEvent: Statement<unknown, EventColumns>;
  readonly #event: Statement<StoredEvent, [source: string, key: string]>;
  readonly #body: Statement<{ readonly body: Uint8Array }, [delivery: number]>;
  /** The POST that was read last: what comes again mostly comes with its neighbours. */
  #read: { readonly delivery: number; readonly body: Uint8Array } | undefined;

  constructor(db: Database, log: MessageLog) {
    this.#log = log;
    this.#addBody = db.prepare(
      "insert into deliveries (delivery, body, checksum, headers) values (?, ?, ?, ?)",
    );
    this.#addDetail = db.prepare("insert into details values (?, ?, ?, ?, ?, ?, ?)");
    this.#addEvent = db.prepare(
      `insert into events (seq, source, kind, event_key, message_id, ts, ts_key, created_at, delivery, start, stop,
         checksum, type)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (source, event_key) do nothing`,
    );
    this.#event = db.prepare(
      "select kind, type, delivery, start, stop from events where source = ? and event_key = ?",
    );
    this.#body = db.prepare("select body from deliveries where delivery = ?");
  }

  /** Adds an intake to the open transaction: an outcome for each message, then for each event. */
  append({ createdAt, messages, post }: QueuedIntake): Outcome[] {
    if (post === undefined) return messages.map((message) => this.#log.append(message, createdAt));
    const { source, details, events } = post;
    // What a transaction that was taken back had stored may be another body under the same number.
    this.#read = undefined;
    let bytes: Uint8Array | undefined;
    const body: PostBody = {
      headers: post.headers,
      read: () => {
        bytes ??= Buffer.from(post.body, "base64");
        return bytes;
      },
    };
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

  /**
   * An event that differs from what has its key is kept under a further one, and the database
   * decides which that is. `seq` as of `MessageLog.append`.
   */
  appendEvent(event: NewEvent, createdAt: string, part: Part, seq?: number): Outcome {
    if (this.#insert(event, createdAt, part, seq)) return "created";
    if (event.keyDecides) return "duplicate";
    const { start, end } = event.span;
    const digest = contentDigest(event.kind, part.body.read().subarray(start, end));
    const further = furtherKeys(event.key, digest);
    for (let { key } = event; ; key = further.next().value) {
      if (this.#has(part.source, key, event, digest)) return "duplicate";
      if (key !== event.key && this.#insert({ ...event, key }, createdAt, part, seq)) return "differs";
    }
  }

  /** Whether the key was free. */
  #insert(event: NewEvent, createdAt: string, { source, body }: Part, seq?: number): boolean {
    const { kind, type, key, messageId, ts, span } = event;
    const next = this.#log.next(seq);
    const delivery = body.delivery ?? next;
    const { start, end: stop } = span;
    const row = { seq: next, source, kind, type, event_key: key, message_id: messageId, ts };
    const checksum = eventChecksum({ ...row, created_at: createdAt, delivery, start, stop });
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
      type,
    );
    if (changes === 0) return false;
    this.#log.take(next, createdAt);
    this.#keep(body, delivery);
    return true;
  }

  /** Whether what is stored under the key says the same; of what is damaged nobody can tell. */
  #has(source: string, key: string, { kind, type, span }: NewEvent, digest: string): boolean {
    const stored = this.#event.get(source, key);
    if (stored === null) return false;
    const { delivery, start, stop } = stored;
    if (stored.kind !== kind || !areOneType(stored.type, type) || stop - start !== span.end - span.start)
      return false;
    if (this.#read?.delivery !== delivery)
      this.#read = { delivery, body: this.#body.get(delivery)?.body ?? new Uint8Array() };
    return contentDigest(kind, this.#read.body.subarray(start, stop)) === digest;
  }

  /** Frees the statements, so that the file can be closed. */
  close(): void {
    for (const statement of [this.#addBody, this.#addDetail, this.#addEvent, this.#event, this.#body])
      statement.finalize();
  }

  /** Stores the bytes, the first time. */
  #keep(body: PostBody, delivery: number): void {
    if (body.delivery !== undefined) return;
    const bytes = body.read();
    const headers = body.headers === undefined ? null : JSON.stringify(body.headers);
    this.#addBody.run(delivery, bytes, postChecksum(bytes, headers), headers);
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
