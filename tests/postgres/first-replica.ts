/**
 * A replica of Postern 0.1 as the database sees it: its statements word for word, in its order. It
 * takes nothing from the engine, which may change.
 */
import { fold } from "../../src/core/fold.ts";
import { instantKey } from "../../src/core/instant.ts";
import type { Intake } from "../../src/core/store.ts";
import { compareUtf8 } from "../../src/core/utf8-order.ts";
import { sessionOn } from "./server.ts";

type Value = string | number | null | Uint8Array;
type Pair = readonly [string, string];

interface Items {
  readonly messages: readonly (readonly [sender: string, hour: string, rows: number])[];
  readonly events: readonly (readonly [source: string, kind: string, rows: number])[];
}

interface Created {
  readonly messages: readonly string[];
  readonly events: readonly string[];
}

export class FirstReplica {
  readonly #session: ReturnType<typeof sessionOn>;
  readonly #name = crypto.randomUUID();
  readonly #createdAt = "2025-01-15T10:00:00.000Z";

  constructor(url: string) {
    this.#session = sessionOn(url);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /**
   * Stores intakes as one group; the identifiers of the messages and the keys of the events that
   * were new.
   */
  async append(group: readonly Intake[]): Promise<Created> {
    const { query } = this.#session;
    const batch = crypto.randomUUID();
    let place = 0;
    const messages = new Map<string, { readonly values: Value[]; readonly count: Pair }>();
    const events = new Map<string, { readonly values: Value[]; readonly count: Pair }>();
    for (const [delivery, { messages: given, post }] of group.entries()) {
      for (const [index, { message_id, from, to, ts, text }] of given.entries()) {
        const detail = post?.details[index];
        const key = instantKey(ts);
        const values = [
          ...[
            message_id,
            from,
            to,
            ts,
            key,
            text,
            text === null ? null : fold(text),
            this.#createdAt,
            place++,
          ],
          ...[post?.source ?? null, detail?.type ?? null, post === undefined ? null : delivery],
          ...[detail?.span.start ?? null, detail?.span.end ?? null],
        ];
        const count: Pair = [from, key.slice(0, "2025-01-15T10".length)];
        if (!messages.has(message_id)) messages.set(message_id, { values, count });
      }
      for (const { key, kind, messageId, ts, span } of post?.events ?? []) {
        const source = post?.source ?? "";
        const values = [source, key, kind, messageId, ts, instantKey(ts), this.#createdAt, place++, delivery];
        const name = `${source} ${key}`;
        if (!events.has(name))
          events.set(name, { values: [...values, span.start, span.end], count: [source, kind] });
      }
    }
    await this.#begin();
    const rows = [...messages].sort(([a], [b]) => compareUtf8(a, b)).map(([, row]) => row);
    const newMessages = await query<{ message_id: string; place: number; delivery: number | null }>(
      `insert into messages (batch, message_id, from_msisdn, to_msisdn, ts, ts_key, text, folded, created_at, place,
         source, type, delivery, start, stop)
       values ${placeholders(rows.length, 14)} on conflict do nothing returning message_id, place, delivery`,
      [batch, ...rows.flatMap(({ values }) => values)],
    );
    const happened = [...events].sort(([a], [b]) => compareUtf8(a, b)).map(([, row]) => row);
    const newEvents =
      happened.length === 0
        ? []
        : await query<{ source: string; event_key: string; place: number; delivery: number }>(
            `insert into events (batch, source, event_key, kind, message_id, ts, ts_key, created_at, place, delivery,
               start, stop)
             values ${placeholders(happened.length, 11)}
             on conflict do nothing returning source, event_key, place, delivery`,
            [batch, ...happened.flatMap(({ values }) => values)],
          );
    const needed = new Set([...newMessages, ...newEvents].map(({ delivery }) => delivery));
    for (const [delivery, { post }] of group.entries())
      if (post !== undefined && needed.has(delivery))
        await query("insert into deliveries values ($1, $2, $3)", [batch, delivery, Buffer.from(post.body)]);
    const items: Items = {
      messages: counted(newMessages.map(({ message_id }) => messages.get(message_id)?.count ?? ["", ""])),
      events: counted(
        newEvents.map(({ source, event_key }) => events.get(`${source} ${event_key}`)?.count ?? ["", ""]),
      ),
    };
    const places = [...newMessages, ...newEvents].map((row) => row.place).sort((a, b) => a - b);
    const hasGaps = places.length > 0 && places.at(-1) !== places.length - 1;
    await query(`insert into batches (batch, rows, places, items) values ('${batch}', ${places.length},
      ${hasGaps ? `'{${places.join()}}'` : "null"},
      convert_from(decode('${Buffer.from(JSON.stringify(items)).toString("base64")}', 'base64'), 'UTF8'))`);
    await query("commit");
    return {
      messages: newMessages.map(({ message_id }) => message_id),
      events: newEvents.map(({ event_key }) => event_key),
    };
  }

  /** Whether it holds the lease of whoever numbers batches. */
  async holdLease(): Promise<boolean> {
    const rows = await this.#session.query(
      `insert into lease values ($1, $2, now() + interval '5 seconds')
       on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
         where lease.holder = excluded.holder or lease.expires_at < now()
       returning holder`,
      ["fold", this.#name],
    );
    return rows.length > 0;
  }

  /** Numbers batches and counts what is in them; how many there were. */
  async number(): Promise<number> {
    const { query } = this.#session;
    await this.#begin();
    const [totals] = await query<{ seq: number }>(
      "select seq::float8 as seq from totals where id = 1 for update",
    );
    const batches = await query<{ batch: string; rows: number; items: string | null }>(
      "select batch, rows, items from batches where seq is null order by at, batch limit 500",
    );
    if (batches.length > 0) {
      let seq = (totals?.seq ?? 0) + 1;
      const numbers = batches.flatMap(({ batch, rows }) => {
        const first = seq;
        seq += Math.max(0, rows);
        return [batch, String(first)];
      });
      await query(
        `update batches set seq = numbered.seq::bigint, items = null
         from (values ${batches.map((_, index) => `($${2 * index + 1}, $${2 * index + 2})`).join(", ")})
           numbered (batch, seq) where batches.batch = numbered.batch::uuid`,
        numbers,
      );
      await query("update totals set seq = $1 where id = 1", [seq - 1]);
      await this.#count(batches.map(({ items }) => parseItems(items)));
    }
    await query("commit");
    return batches.length;
  }

  /** How many messages there are, as its `/stats` says. */
  async total(): Promise<number> {
    const { query } = this.#session;
    await query("begin isolation level repeatable read read only");
    const tail = await query<{ items: string | null }>("select items from batches where seq is null");
    const [totals] = await query<{ messages: number }>(
      "select messages::float8 as messages from totals where id = 1",
    );
    await query("commit");
    return (
      (totals?.messages ?? 0) + tail.reduce((sum, { items }) => sum + sumOf(parseItems(items).messages), 0)
    );
  }

  async #begin(): Promise<void> {
    await this.#session.query("begin read write");
    await this.#session.query("select set_config('synchronous_commit', 'on', true)");
  }

  async #count(all: readonly Items[]): Promise<void> {
    const { query } = this.#session;
    const messages = all.flatMap((items) => items.messages);
    const events = all.flatMap((items) => items.events);
    const fresh = await this.#add(
      "senders",
      "sender",
      summed(messages.map(([sender, , rows]) => [sender, rows])),
    );
    await this.#add("hours", "hour", summed(messages.map(([, hour, rows]) => [hour, rows])));
    for (const [source, kind, rows] of events)
      await query(
        `insert into event_counts values ($1, $2, $3)
         on conflict (source, kind) do update set rows = event_counts.rows + excluded.rows`,
        [source, kind, rows],
      );
    await query(
      "update totals set messages = messages + $1, senders = senders + $2, events = events + $3 where id = 1",
      [sumOf(messages), fresh, sumOf(events)],
    );
  }

  async #add(table: string, key: string, counts: readonly (readonly [string, number])[]): Promise<number> {
    if (counts.length === 0) return 0;
    const rows = counts.map((_, index) => `($${2 * index + 1}, $${2 * index + 2}::bigint)`).join(", ");
    const found = await this.#session.query<{ fresh: boolean }>(
      `insert into ${table} (${key}, rows) values ${rows}
       on conflict (${key}) do update set rows = ${table}.rows + excluded.rows returning (xmax = 0) as fresh`,
      counts.flat(),
    );
    return found.filter((row) => row.fresh).length;
  }
}

/** Rows of so many values, after the batch's name, which is the first of each. */
function placeholders(rows: number, columns: number): string {
  return Array.from({ length: rows }, (_, row) => {
    const own = Array.from({ length: columns }, (_each, column) => `$${row * columns + column + 2}`);
    return `($1, ${own.join(", ")})`;
  }).join(", ");
}

function parseItems(text: string | null): Items {
  return text === null ? { messages: [], events: [] } : JSON.parse(text);
}

function counted(pairs: readonly Pair[]): [string, string, number][] {
  const counts = new Map<string, [string, string, number]>();
  for (const [first, second] of pairs) {
    const key = `${first}\0${second}`;
    const count = counts.get(key) ?? [first, second, 0];
    counts.set(key, count);
    count[2]++;
  }
  return [...counts.values()];
}

function summed(pairs: readonly (readonly [string, number])[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const [key, rows] of pairs) sums.set(key, (sums.get(key) ?? 0) + rows);
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
}

function sumOf(rows: readonly (readonly [string, string, number])[]): number {
  return rows.reduce((sum, [, , count]) => sum + count, 0);
}
