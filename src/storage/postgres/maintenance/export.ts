/**
 * Reads the whole log in the order of `seq`, beside running replicas: one snapshot, which fixes the end, read through
 * the server's cursor, so that no more than a page of it is in memory.
 */
import type { BodyRecord, EventRecord, LogRecord, MessageRecord } from "../../../core/log-record.ts";
import { Connection, placeholders, type Session } from "../connection/connection.ts";
import { failureOf } from "../connection/failures.ts";
import { checkVersion, seqOf } from "../connection/schema.ts";
import { numberAll } from "../derived/numbering.ts";

const PAGE_ROWS = 1000;
/** So many bytes of bodies are in memory at once, or a single larger one. */
const BODIES_BYTES = 4 * 1024 * 1024;
const CONNECT_TIMEOUT_S = 10;
const CLOSE_S = 5;

/** Messages have no `event_key`, events always have one. What is not numbered has no `seq`. */
const LOG = `
  select ${seqOf("m", "b")} as seq, m.message_id, m.from_msisdn as "from", m.to_msisdn as "to", m.ts, m.text,
    m.created_at, m.source, m.type, null as kind, null as event_key, m.batch, m.delivery, m.start, m.stop
  from messages m join batches b on b.batch = m.batch
  union all
  select ${seqOf("e", "b")}, e.message_id, null, null, e.ts, null,
    e.created_at, e.source, null, e.kind, e.event_key, e.batch, e.delivery, e.start, e.stop
  from events e join batches b on b.batch = e.batch`;

interface Row extends Omit<EventRecord, "kind" | "event_key" | "delivery" | "source" | "message_id"> {
  readonly message_id: string | null;
  readonly from: string;
  readonly to: string;
  readonly text: string | null;
  readonly source: string | null;
  readonly type: string;
  readonly kind: EventRecord["kind"];
  readonly event_key: string | null;
  readonly batch: string;
  readonly delivery: number | null;
}

/**
 * Everything from `seq` `since` on that is stored now, in pieces. Throws `StartRefused` when there is no database of
 * Postern's at the URL.
 */
export async function* exportLog(url: string, since: number): AsyncGenerator<readonly LogRecord[]> {
  const connection = new Connection(url, { connectionsMax: 1, connectTimeoutS: CONNECT_TIMEOUT_S });
  try {
    await checkVersion(connection);
    await numberIfAllowed(connection);
    yield* connection.reading((session) => pages(session, since));
  } finally {
    await connection.close(CLOSE_S);
  }
}

/** What was answered before has its number; on a server that is only read from, what the last replica has numbered. */
async function numberIfAllowed(connection: Connection): Promise<void> {
  try {
    await numberAll(connection);
  } catch (error) {
    if (!/^(25006|42501)/.test(failureOf(error).reason)) throw error;
  }
}

async function* pages(session: Session, since: number): AsyncGenerator<readonly LogRecord[]> {
  await session.script(`
    set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;
    set local cursor_tuple_fraction = 1;
    declare log no scroll cursor for select * from (${LOG}) log where seq >= ${since} order by seq`);
  const page = () => session.run<Row>(`fetch ${PAGE_ROWS} from log`);
  const posts = new Posts(session);
  for (let rows = await page(); rows.length > 0; rows = await page()) yield* posts.records(rows);
}

/** Puts the bytes of each POST before the first of its parts: those are neighbours in the log. */
class Posts {
  readonly #session: Session;
  #key: string | undefined;
  /** As which the POST is known outside: the `seq` of its first row. */
  #number = 0;
  #isFirst = true;

  constructor(session: Session) {
    this.#session = session;
  }

  async *records(rows: readonly Row[]): AsyncGenerator<readonly LogRecord[]> {
    const begun = new Map(rows.map((row) => [keyOf(row), row]));
    begun.delete(undefined);
    begun.delete(this.#key);
    const bodies = this.#bodies([...begun.values()]);
    let piece: LogRecord[] = [];
    let bytes = 0;
    for (const row of rows) {
      const key = keyOf(row);
      if (key !== undefined && key !== this.#key) {
        this.#key = key;
        this.#number = await this.#numberOf(row);
        const body: Uint8Array = (await bodies.next()).value ?? new Uint8Array();
        if (piece.length > 0 && bytes + body.length > BODIES_BYTES) {
          yield piece;
          piece = [];
          bytes = 0;
        }
        bytes += body.length;
        const text = Buffer.from(body).toString("base64");
        piece.push({ delivery: this.#number, body_base64: text } satisfies BodyRecord);
      }
      this.#isFirst = false;
      piece.push(recordOf(row, this.#number));
    }
    yield piece;
  }

  /** Only what is read first may have rows before it. */
  async #numberOf({ seq, batch, delivery }: Row): Promise<number> {
    if (!this.#isFirst) return seq;
    const [first] = await this.#session.run<{ seq: number }>(
      `select min(seq) as seq from (${LOG}) log where batch = $1 and delivery = $2`,
      [batch, delivery],
    );
    return first?.seq ?? seq;
  }

  /** The bytes of the POSTs that these rows are parts of, in their order. */
  async *#bodies(rows: readonly Row[]): AsyncGenerator<Uint8Array | undefined, void> {
    if (rows.length === 0) return;
    const sizes = await this.#deliveries<{ bytes: number }>(rows, "octet_length(d.body)::float8 as bytes");
    const sizeOf = new Map(sizes.map((row) => [keyOf(row), row.bytes]));
    let some: Row[] = [];
    let bytes = 0;
    for (const row of rows) {
      const size = sizeOf.get(keyOf(row)) ?? 0;
      if (some.length > 0 && bytes + size > BODIES_BYTES) {
        yield* await this.#read(some);
        some = [];
        bytes = 0;
      }
      some.push(row);
      bytes += size;
    }
    yield* await this.#read(some);
  }

  async #read(rows: readonly Row[]): Promise<(Uint8Array | undefined)[]> {
    const found = await this.#deliveries<{ body: Uint8Array }>(rows, "d.body");
    const bodies = new Map(found.map((row) => [keyOf(row), row.body]));
    return rows.map((row) => bodies.get(keyOf(row)));
  }

  #deliveries<T extends object>(
    rows: readonly Row[],
    column: string,
  ): Promise<readonly (T & Pick<Row, "batch" | "delivery">)[]> {
    return this.#session.run(
      `select d.batch, d.delivery, ${column}
       from (values ${placeholders(rows.length, 2)}) wanted (batch, delivery)
       join deliveries d on d.batch = wanted.batch::uuid and d.delivery = wanted.delivery::integer`,
      rows.flatMap(({ batch, delivery }) => [batch, String(delivery)]),
    );
  }
}

function keyOf({ batch, delivery }: Pick<Row, "batch" | "delivery">): string | undefined {
  return delivery === null ? undefined : `${batch} ${delivery}`;
}

function recordOf(row: Row, delivery: number): MessageRecord | EventRecord {
  const { seq, from, to, ts, text, created_at, source, type, kind, event_key, start, stop } = row;
  if (event_key !== null) {
    const { message_id } = row;
    return { seq, source: source ?? "", kind, event_key, message_id, ts, created_at, delivery, start, stop };
  }
  const message = { seq, message_id: row.message_id ?? "", from, to, ts, text, created_at };
  return source === null ? message : { ...message, source, type, delivery, start, stop };
}
