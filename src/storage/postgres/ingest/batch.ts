/**
 * One transaction of intakes: which of their rows are new is decided by the database, row by row,
 * whatever other replicas write at the same moment.
 */

import { fold } from "../../../core/fold.ts";
import { instantKey } from "../../../core/instant.ts";
import { type Message, saysTheSame } from "../../../core/message.ts";
import type { KeptHeaders } from "../../../core/parsed-body.ts";
import type { Intake, NewEvent, Outcome } from "../../../core/store.ts";
import { compareUtf8 } from "../../../core/utf8-order.ts";
import { SHOWN_COLUMNS, selected } from "../../columns.ts";
import { literal, placeholders, type Session, type Value } from "../connection/connection.ts";
import { itemsOf } from "./items.ts";
import { keepEvents, keyOf } from "./kept-events.ts";
import { chunks } from "./statement-chunks.ts";

export interface QueuedIntake {
  readonly createdAt: string;
  readonly intake: Intake;
}

const NATIVE_COLUMNS =
  "batch, message_id, from_msisdn, to_msisdn, ts, ts_key, text, folded, created_at, place";
const MESSAGE_COLUMNS = `${NATIVE_COLUMNS}, source, type, delivery, start, stop`;
const EVENT_COLUMNS =
  "batch, source, event_key, kind, type, message_id, ts, ts_key, created_at, place, delivery, start, stop";

export interface MessageRow {
  readonly message: Message;
  /** Of its `ts`. */
  readonly tsKey: string;
  readonly createdAt: string;
  readonly place: number;
  /** Null for the native source. */
  readonly source: string | null;
  readonly type: string | null;
  readonly delivery: number | null;
  readonly start: number | null;
  readonly stop: number | null;
}

export interface EventRow {
  readonly event: NewEvent;
  readonly source: string;
  readonly createdAt: string;
  readonly place: number;
  readonly delivery: number;
}

export interface Written {
  /** For each intake, an outcome a message, then one an event. */
  readonly outcomes: readonly (readonly Outcome[])[];
  readonly messages: number;
  readonly events: number;
  /** The statement that puts the batch on record, to be run last. */
  readonly record: string;
}

/**
 * Writes the intakes under the batch's name, inside the caller's transaction, which ends with
 * `record`. Also where nothing is new there is a batch: a commit that writes nothing would not wait
 * for a standby that the first copy may not have reached yet.
 */
export async function writeBatch(
  session: Session,
  batch: string,
  group: readonly QueuedIntake[],
): Promise<Written> {
  const { messages, events } = rowsOf(group);
  const newMessages = await insertMessages(session, batch, messages);
  const kept = await keepEvents(session, events, {
    insert: (rows) => insertEvents(session, batch, rows),
    bodyOf: ({ delivery }) => group[delivery]?.intake.post?.body ?? new Uint8Array(),
  });
  const newEvents = kept.created;
  const stored = await storedMessages(session, messages, newMessages);
  const fresh = [...newMessages, ...newEvents];
  await insertBodies(session, batch, bodiesOf(group, fresh));
  const items = itemsOf(
    newMessages.map(({ message, tsKey }) => ({ from: message.from, tsKey })),
    newEvents.map(({ source, event }) => ({ source, kind: event.kind })),
  );
  const places = fresh.map(({ place }) => place);
  const outcomes = new OutcomesOf(newMessages, stored);
  const ofEvents = Map.groupBy(events, ({ delivery }) => delivery);
  return {
    outcomes: group.map(({ intake }, delivery) => [
      ...outcomes.of(intake),
      ...(ofEvents.get(delivery) ?? []).map(kept.outcomeOf),
    ]),
    messages: newMessages.length,
    events: newEvents.length,
    record: recordOf(batch, places, items),
  };
}

/** Without values, so that it can go together with a commit. */
function recordOf(batch: string, places: number[], items: string): string {
  places.sort((a, b) => a - b);
  const hasGaps = places.length > 0 && places.at(-1) !== places.length - 1;
  return `insert into batches (batch, rows, places, items) values ('${batch}', ${places.length},
    ${hasGaps ? `'{${places.join()}}'` : "null"}, ${literal(items)})`;
}

function rowsOf(group: readonly QueuedIntake[]): { messages: MessageRow[]; events: EventRow[] } {
  const messages: MessageRow[] = [];
  const events: EventRow[] = [];
  let place = 0;
  for (const [number, { createdAt, intake }] of group.entries()) {
    const { post } = intake;
    for (const [index, message] of intake.messages.entries()) {
      const detail = post?.details[index];
      messages.push({
        message,
        tsKey: instantKey(message.ts),
        createdAt,
        place: place++,
        source: post?.source ?? null,
        type: detail?.type ?? null,
        delivery: post === undefined ? null : number,
        start: detail?.span.start ?? null,
        stop: detail?.span.end ?? null,
      });
    }
    for (const event of post?.events ?? [])
      events.push({ event, source: post?.source ?? "", createdAt, place: place++, delivery: number });
  }
  return { messages, events };
}

/**
 * Resolves with those that are new: of several with one key the first at most. They are sorted by
 * their key, so that transactions that meet in several rows wait for each other in one direction
 * only.
 */
export async function insertMessages(
  session: Session,
  batch: string,
  rows: readonly MessageRow[],
): Promise<readonly MessageRow[]> {
  const created: MessageRow[] = [];
  const first = firstOfEach(rows, ({ message }) => message.message_id);
  first.sort((a, b) => compareUtf8(a.message.message_id, b.message.message_id));
  // Each value costs the server something, also one that is null.
  const isNative = first.every(({ source }) => source === null);
  for (const some of chunks(first)) {
    const values: Value[] = [batch];
    for (const { message, tsKey, createdAt, place, source, type, delivery, start, stop } of some) {
      const { message_id, from, to, ts, text } = message;
      const folded = text === null ? null : fold(text);
      values.push(message_id, from, to, ts, tsKey, text, folded, createdAt, place);
      if (!isNative) values.push(source, type, delivery, start, stop);
    }
    const columns = isNative ? NATIVE_COLUMNS : MESSAGE_COLUMNS;
    const inserted = await session.run<{ message_id: string }>(
      `insert into messages (${columns}) values ${placeholders(some.length, isNative ? 9 : 14, 1)}
       on conflict do nothing returning message_id`,
      values,
    );
    const ids = new Set(inserted.map(({ message_id }) => message_id));
    created.push(...some.filter(({ message }) => ids.has(message.message_id)));
  }
  return created;
}

/** As `insertMessages`. */
export async function insertEvents(
  session: Session,
  batch: string,
  rows: readonly EventRow[],
): Promise<readonly EventRow[]> {
  const created: EventRow[] = [];
  const first = firstOfEach(rows, keyOf);
  first.sort((a, b) => compareUtf8(keyOf(a), keyOf(b)));
  for (const some of chunks(first)) {
    const values: Value[] = [batch];
    for (const { event, source, createdAt, place, delivery } of some) {
      const { key, kind, type, messageId, ts, span } = event;
      values.push(source, key, kind, type, messageId, ts, instantKey(ts), createdAt);
      values.push(place, delivery, span.start, span.end);
    }
    const inserted = await session.run<{ source: string; event_key: string }>(
      `insert into events (${EVENT_COLUMNS}) values ${placeholders(some.length, 12, 1)}
       on conflict do nothing returning source, event_key`,
      values,
    );
    const keys = new Set(inserted.map(({ source, event_key }) => `${source} ${event_key}`));
    created.push(...some.filter((row) => keys.has(keyOf(row))));
  }
  return created;
}

interface Stored {
  readonly message: Message;
  readonly source: string | null;
}

/** What is there of those that are not new. */
async function storedMessages(
  session: Session,
  rows: readonly MessageRow[],
  created: readonly MessageRow[],
): Promise<ReadonlyMap<string, Stored>> {
  const stored = new Map<string, Stored>();
  if (created.length === rows.length) return stored;
  for (const { message, source } of created) stored.set(message.message_id, { message, source });
  const others = [...new Set(rows.map(({ message }) => message.message_id))].filter((id) => !stored.has(id));
  for (const some of chunks(others)) {
    const found = await session.run<Message & { source: string | null }>(
      `select ${selected(SHOWN_COLUMNS)}, source from messages
       where message_id in (${some.map((_, index) => `$${index + 1}`).join(", ")})`,
      some,
    );
    for (const { source, ...message } of found) stored.set(message.message_id, { message, source });
  }
  return stored;
}

/** The bodies of the POSTs of a group that something is kept of, by the POST's place in it. */
function bodiesOf(
  group: readonly QueuedIntake[],
  kept: readonly { readonly delivery: number | null }[],
): BodyRow[] {
  const needed = new Set(kept.map(({ delivery }) => delivery));
  return group.flatMap(({ intake: { post } }, delivery) =>
    post !== undefined && needed.has(delivery) ? [{ delivery, body: post.body, headers: post.headers }] : [],
  );
}

export interface BodyRow {
  readonly delivery: number;
  readonly body: Uint8Array;
  readonly headers: KeptHeaders | undefined;
}

export async function insertBodies(
  session: Session,
  batch: string,
  bodies: readonly BodyRow[],
): Promise<void> {
  for (const some of chunks(bodies, ({ body }) => body.length))
    await session.run(
      `insert into deliveries (batch, delivery, body, headers) values ${placeholders(some.length, 3, 1)}`,
      [
        batch,
        ...some.flatMap(({ delivery, body, headers }) => [
          delivery,
          body,
          headers === undefined ? null : JSON.stringify(headers),
        ]),
      ],
    );
}

/** What became of messages, in the order in which they came: of two copies the first is created. */
class OutcomesOf {
  readonly #messages: Set<string>;
  readonly #stored: ReadonlyMap<string, Stored>;

  constructor(messages: readonly MessageRow[], stored: ReadonlyMap<string, Stored>) {
    this.#messages = new Set(messages.map(({ message }) => message.message_id));
    this.#stored = stored;
  }

  of({ messages, post }: Intake): Outcome[] {
    const source = post?.source ?? null;
    return messages.map((message) => this.#message(message, source));
  }

  #message(message: Message, source: string | null): Outcome {
    if (this.#messages.delete(message.message_id)) return "created";
    const stored = this.#stored.get(message.message_id);
    // Committed by somebody after our statement had begun and gone since: there is nothing to
    // differ from.
    if (stored === undefined) return "duplicate";
    if (stored.source !== source) return "conflict";
    return saysTheSame(stored.message, message) ? "duplicate" : "differs";
  }
}

function firstOfEach<T>(rows: readonly T[], key: (row: T) => string): T[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const name = key(row);
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}
