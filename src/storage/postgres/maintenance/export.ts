/**
 * Reads the whole log in the order of `seq`, beside running replicas. The end is fixed when it
 * begins, and a `seq` at or below it is never given later: pages with a snapshot each hold the same
 * as one for all, which would keep the server from cleaning up.
 */
import { StartRefused } from "../../../core/errors.ts";
import type { BodyRecord, LogRecord } from "../../../core/log-record.ts";
import { deliveryOf } from "../../changes-page.ts";
import { Connection, type Session } from "../connection/connection.ts";
import { failureOf } from "../connection/failures.ts";
import { checkVersion } from "../connection/schema.ts";
import { hasBatchIndexes } from "../derived/batch-indexes.ts";
import { numberAll } from "../derived/numbering.ts";
import { readLogPage } from "../reads/log-page.ts";
import { bytesOfPosts, contentsOfPosts, type PageRecords, type Post, Records } from "../reads/log-posts.ts";
import { readWholeLog } from "../reads/whole-log.ts";

const PAGE_ROWS = 5000;
/** So many bytes of bodies are in memory at once, or a single larger one. */
const BODIES_BYTES = 4 * 1024 * 1024;
const CONNECT_TIMEOUT_S = 10;
const CLOSE_S = 5;
/** So often, a second apart, it looks whether a batch can be seen as a whole. */
const HELD_BACK_LOOKS = 180;
const HELD_BACK_LOOK_MS = 1000;
const NO_LIMITS = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0";

/**
 * Everything from `seq` `since` on that is stored now, in pieces. Throws `StartRefused` when there
 * is no database of Postern's at the URL, or when a part of a batch stays out of sight.
 */
export async function* exportLog(url: string, since: number): AsyncGenerator<readonly LogRecord[]> {
  const connection = new Connection(url, { connectionsMax: 1, connectTimeoutS: CONNECT_TIMEOUT_S });
  try {
    await checkVersion(connection);
    await numberIfAllowed(connection);
    yield* new Export(connection, since).pieces();
  } finally {
    await connection.close(CLOSE_S);
  }
}

/**
 * What was answered before has its number; on a server that is only read from, what the last
 * replica has numbered.
 */
async function numberIfAllowed(connection: Connection): Promise<void> {
  try {
    await numberAll(connection);
  } catch (error) {
    if (!/^(25006|42501)/.test(failureOf(error).reason)) throw error;
  }
}

class Export {
  readonly #connection: Connection;
  /** The last `seq` that was read. */
  #last: number;
  readonly #records = new Records();
  /** The POST whose bytes were written last. */
  #delivery: number | undefined;

  constructor(connection: Connection, since: number) {
    this.#connection = connection;
    this.#last = Math.max(1, since) - 1;
  }

  async *pieces(): AsyncGenerator<readonly LogRecord[]> {
    const [totals] = await this.#connection.run<{ seq: number }>(
      "select seq::float8 as seq from totals where id = 1",
    );
    const end = totals?.seq ?? 0;
    if (!(await hasBatchIndexes(this.#connection)))
      return yield* this.#connection.reading((session) => this.#whole(session));
    let looks = 0;
    while (this.#last < end) {
      const before = this.#last;
      yield* this.#connection.reading((session) => this.#page(session, end));
      if (this.#last > before) looks = 0;
      else if (++looks > HELD_BACK_LOOKS)
        throw new StartRefused(
          `what comes after seq ${before} can't be seen as a whole: a node of the database has not recovered its part`,
        );
      else await Bun.sleep(HELD_BACK_LOOK_MS);
    }
  }

  async *#whole(session: Session): AsyncGenerator<readonly LogRecord[]> {
    await session.script(NO_LIMITS);
    for await (const page of readWholeLog(session, this.#last, PAGE_ROWS))
      yield* this.#withBodies(session, page);
  }

  async *#page(session: Session, end: number): AsyncGenerator<readonly LogRecord[]> {
    await session.script(NO_LIMITS);
    const limit = Math.min(PAGE_ROWS, end - this.#last);
    const page = await readLogPage(session, { after: this.#last, limit }, this.#records);
    const records = page.records.filter(({ seq }) => seq <= end);
    yield* this.#withBodies(session, { ...page, records });
    const goesOn = records.length === page.records.length && (page.more || page.isHeldBack);
    this.#last = goesOn ? (records.at(-1)?.seq ?? this.#last) : end;
  }

  /** Puts the bytes of each POST before the first of its parts: those are neighbours in the log. */
  async *#withBodies(
    session: Session,
    { records, posts }: PageRecords,
  ): AsyncGenerator<readonly LogRecord[]> {
    const begun = new Map([...posts].filter(([number]) => number !== this.#delivery));
    const sizes = await bytesOfPosts(session, begun);
    const groups = grouped([...begun], ([number]) => sizes.get(number) ?? 0);
    let group: ReadonlyMap<number, Post> = new Map();
    let contents: Awaited<ReturnType<typeof contentsOfPosts>> = new Map();
    let piece: LogRecord[] = [];
    for (const record of records) {
      const delivery = deliveryOf(record);
      if (delivery !== undefined && delivery !== this.#delivery) {
        if (!group.has(delivery)) {
          if (piece.length > 0) yield piece;
          piece = [];
          group = new Map(groups.shift());
          contents = await contentsOfPosts(session, group);
        }
        const { body = new Uint8Array(), headers = null } = contents.get(delivery) ?? {};
        const text = Buffer.from(body).toString("base64");
        piece.push({
          delivery,
          body_base64: text,
          ...(headers !== null && { headers }),
        } satisfies BodyRecord);
        this.#delivery = delivery;
      }
      piece.push(record);
    }
    if (piece.length > 0) yield piece;
  }
}

/** In their order, as many together as have no more bytes than are read at once. */
function grouped<T>(items: readonly T[], bytesOf: (item: T) => number): T[][] {
  const groups: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    const group = groups.at(-1);
    if (group === undefined || bytes + size > BODIES_BYTES) {
      groups.push([item]);
      bytes = size;
    } else {
      group.push(item);
      bytes += size;
    }
  }
  return groups;
}
