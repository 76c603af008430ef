/**
 * Which of a transaction's events are new, and under which keys. Most are, by one statement; what
 * has a known key is compared with what is stored, and where it differs it is kept under a further
 * key. Which of them is free the database decides, whatever other replicas write.
 */
import type { EventKind } from "../../../core/parsed-body.ts";
import type { NewEvent, Outcome } from "../../../core/store.ts";
import { areOneType, contentDigest, furtherKeys, NUMBERED_KEYS_MAX } from "../../event-keys.ts";
import { placeholders, type Session } from "../connection/connection.ts";
import { chunks } from "./statement-chunks.ts";

/** More than keys are numbered; each further one is lost to another replica at the same moment. */
const ROUNDS_MAX = 100;

interface Row {
  readonly event: NewEvent;
  readonly source: string;
}

/** No source's name holds a space. */
export function keyOf({ source, event }: Row): string {
  return `${source} ${event.key}`;
}

interface Writing<R extends Row> {
  /** Resolves with those that are new; of several with one key the first at most. */
  readonly insert: (rows: readonly R[]) => Promise<readonly R[]>;
  /** Of the row's POST. */
  readonly bodyOf: (row: R) => Uint8Array;
}

interface Kept<R extends Row> {
  /** Under the keys by which they are kept. */
  readonly created: readonly R[];
  readonly outcomeOf: (row: R) => Outcome;
}

/** An event, and the same under the key that it is tried by. */
interface Attempt<R extends Row> {
  readonly given: R;
  readonly row: R;
}

export async function keepEvents<R extends Row>(
  session: Session,
  rows: readonly R[],
  { insert, bodyOf }: Writing<R>,
): Promise<Kept<R>> {
  const created: R[] = [];
  const outcomes = new Map<R, Outcome>();
  const digestOf = (row: R) => {
    const { kind, span } = row.event;
    return contentDigest(kind, bodyOf(row).subarray(span.start, span.end));
  };
  const there = new StoredContents(session, rows);
  let attempts: readonly Attempt<R>[] = rows.map((row) => ({ given: row, row }));
  for (let round = 1; attempts.length > 0; round++) {
    if (round > ROUNDS_MAX) throw new Error("the keys of events are taken again and again");
    const fresh = new Set(await insert(attempts.map(({ row }) => row)));
    created.push(...fresh);
    for (const { given, row } of attempts)
      if (fresh.has(row)) outcomes.set(given, row === given ? "created" : "differs");
    const others = attempts.filter(({ given, row }) => !fresh.has(row) && given.event.keyDecides !== true);
    if (others.length === 0) break;
    for (const row of fresh) there.add(row, digestOf(row));
    attempts = await nextAttempts(others, there, digestOf);
  }
  return { created, outcomeOf: (row) => outcomes.get(row) ?? "duplicate" };
}

/** Each that nothing equal is there of, by the first of its keys that seems free. */
async function nextAttempts<R extends Row>(
  attempts: readonly Attempt<R>[],
  there: StoredContents,
  digestOf: (row: R) => string,
): Promise<Attempt<R>[]> {
  const walks = attempts.map(({ given, row }) => ({ given, row, digest: digestOf(given) }));
  // What has much under its key takes no more turns than what has some.
  await there.look(
    walks.flatMap(({ given, row, digest }) => {
      if (row === given) return [row];
      const further = furtherKeys(given.event.key, digest);
      return [row, ...further.take(NUMBERED_KEYS_MAX).map((key) => underKey(given, key))];
    }),
  );
  return walks.flatMap(({ given, digest }) => {
    const further = furtherKeys(given.event.key, digest);
    for (let row = given; ; row = underKey(given, further.next().value)) {
      const found = there.get(row);
      if (found === undefined) return [{ given, row }];
      if (found.digest === digest && areOneType(found.type, given.event.type)) return [];
    }
  });
}

function underKey<R extends Row>(row: R, key: string): R {
  return { ...row, event: { ...row.event, key } };
}

interface StoredEvent {
  readonly source: string;
  readonly event_key: string;
  readonly kind: EventKind;
  readonly type: string | null;
  readonly batch: string;
  readonly delivery: number;
  readonly start: number;
  readonly stop: number;
  /** Of the whole POST. */
  readonly bytes: number | null;
}

interface Content {
  /** Empty for what can't be equal. */
  readonly digest: string;
  readonly type: string | null;
}

/** The contents of stored events, those of this transaction included, by their keys. */
class StoredContents {
  readonly #session: Session;
  /** Kinds and sizes of what may turn out equal: no other bodies are read. */
  readonly #shapes: ReadonlySet<string>;
  readonly #contents = new Map<string, Content>();

  constructor(session: Session, rows: readonly Row[]) {
    this.#session = session;
    this.#shapes = new Set(
      rows.map(({ event: { kind, span } }) => shapeOf({ kind, start: span.start, stop: span.end })),
    );
  }

  get(row: Row): Content | undefined {
    return this.#contents.get(keyOf(row));
  }

  add(row: Row, digest: string): void {
    this.#contents.set(keyOf(row), { digest, type: row.event.type });
  }

  async look(rows: readonly Row[]): Promise<void> {
    const unknown = new Map(
      rows.filter((row) => this.get(row) === undefined).map((row) => [keyOf(row), row] as const),
    );
    for (const some of chunks([...unknown.values()])) {
      const found = await this.#session.run<StoredEvent>(
        `select e.source, e.event_key, e.kind, e.type, e.batch, e.delivery, e.start, e.stop,
           octet_length(d.body)::float8 as bytes
         from events e left join deliveries d on d.batch = e.batch and d.delivery = e.delivery
         where (e.source, e.event_key) in (${placeholders(some.length, 2)})`,
        some.flatMap(({ source, event }) => [source, event.key]),
      );
      for (const { source, event_key, type } of found)
        this.#contents.set(`${source} ${event_key}`, { digest: "", type });
      await this.#read(found.filter((event) => event.bytes !== null && this.#shapes.has(shapeOf(event))));
    }
  }

  /** Each POST once, and not more of them at once than a statement may hold. */
  async #read(events: readonly StoredEvent[]): Promise<void> {
    const posts = Map.groupBy(events, postOf);
    for (const some of chunks([...posts.values()], ([first]) => first?.bytes ?? 0)) {
      const found = await this.#session.run<{ batch: string; delivery: number; body: Uint8Array }>(
        `select batch, delivery, body from deliveries
         where (batch, delivery) in (${placeholders(some.length, 2)})`,
        some.flatMap(([first]) => (first === undefined ? [] : [first.batch, first.delivery])),
      );
      for (const post of found)
        for (const { source, event_key, kind, type, start, stop } of posts.get(postOf(post)) ?? [])
          this.#contents.set(`${source} ${event_key}`, {
            digest: contentDigest(kind, post.body.subarray(start, stop)),
            type,
          });
    }
  }
}

function shapeOf({ kind, start, stop }: Pick<StoredEvent, "kind" | "start" | "stop">): string {
  return `${kind} ${stop - start}`;
}

function postOf({ batch, delivery }: Pick<StoredEvent, "batch" | "delivery">): string {
  return `${batch} ${delivery}`;
}
