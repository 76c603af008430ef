/** The POSTs that rows of the log are parts of: their numbers, their sizes and their bytes. */

import type { EventRecord, MessageRecord } from "../../../core/log-record.ts";
import type { KeptHeaders } from "../../../core/parsed-body.ts";
import { headersOf } from "../../columns.ts";
import type { Session } from "../connection/connection.ts";
import { seqOf } from "../connection/schema.ts";
import { arrayOf, type NumberedRow } from "./log-rows.ts";

/** A POST's bytes are kept under this. */
export interface Post {
  readonly batch: string;
  readonly delivery: number;
}

export interface PageRecords {
  readonly records: readonly (MessageRecord | EventRecord)[];
  /** The POSTs that they are parts of, by their `delivery`. */
  readonly posts: ReadonlyMap<number, Post>;
}

/**
 * Makes records of rows that are read one after the other. A POST is known outside by the number of
 * its first row.
 */
export class Records {
  #key: string | undefined;
  #number = 0;
  #isFirst = true;

  /**
   * Of rows that are neighbours, only what is read first may have rows of its POST before it; of
   * others each may.
   */
  async of(
    session: Session,
    rows: readonly NumberedRow[],
    { areNeighbours = true } = {},
  ): Promise<PageRecords> {
    const begun = areNeighbours ? rows.slice(0, this.#isFirst ? 1 : 0) : rows;
    const numbers = await firstNumbers(session, begun.flatMap(postOf));
    const posts = new Map<number, Post>();
    const records = rows.map((row) => {
      for (const post of postOf(row)) {
        const key = keyOf(post);
        if (key !== this.#key) this.#number = numbers.get(key) ?? row.seq;
        this.#key = key;
        posts.set(this.#number, post);
      }
      return recordOf(row, this.#number);
    });
    if (rows.length > 0) this.#isFirst = false;
    return { records, posts };
  }
}

/** The POST that the row is a part of, if it is one. */
function postOf({ batch, delivery }: NumberedRow): Post[] {
  return delivery === null ? [] : [{ batch, delivery }];
}

/** By the POST's key the number of its first row. */
async function firstNumbers(session: Session, posts: readonly Post[]): Promise<ReadonlyMap<string, number>> {
  const numbers = new Map<string, number>();
  if (posts.length === 0) return numbers;
  const values = [
    arrayOf([...new Set(posts.map(({ batch }) => batch))], (batch) => batch),
    arrayOf([...new Set(posts.map(({ delivery }) => delivery))], (delivery) => delivery),
  ];
  const found = await Promise.all(
    ["messages", "events"].map((table) =>
      session.run<Post & { seq: number }>(
        `select r.batch, r.delivery, ${seqOf("r", "b")} as seq from (
           select batch, delivery, min(place) as place from ${table}
           where batch = any($1::uuid[]) and delivery = any($2::integer[]) group by batch, delivery
         ) r join batches b on b.batch = r.batch`,
        values,
      ),
    ),
  );
  for (const { seq, ...post } of found.flat()) {
    const key = keyOf(post);
    numbers.set(key, Math.min(seq, numbers.get(key) ?? seq));
  }
  return numbers;
}

function recordOf(row: NumberedRow, delivery: number): MessageRecord | EventRecord {
  const { seq, from, to, ts, text, created_at, source, type, kind, event_key, start, stop } = row;
  if (event_key !== null) {
    const { message_id } = row;
    const part = { delivery, start, stop };
    return { seq, source: source ?? "", kind, type, event_key, message_id, ts, created_at, ...part };
  }
  const message = { seq, message_id: row.message_id ?? "", from, to, ts, text, created_at };
  return source === null ? message : { ...message, source, type: type ?? "", delivery, start, stop };
}

/** How many bytes each of the POSTs has, by its `delivery`. */
export async function bytesOfPosts(
  session: Session,
  posts: ReadonlyMap<number, Post>,
): Promise<ReadonlyMap<number, number>> {
  const found = await readPosts<{ bytes: number }>(session, posts, "octet_length(d.body)::float8 as bytes");
  return new Map(found.map(([number, { bytes }]) => [number, bytes]));
}

/**
 * The bytes and headers of each of the POSTs, by its `delivery`; all of them are in memory at once.
 */
export async function contentsOfPosts(
  session: Session,
  posts: ReadonlyMap<number, Post>,
): Promise<ReadonlyMap<number, { readonly body: Uint8Array; readonly headers: KeptHeaders | null }>> {
  const found = await readPosts<{ body: Uint8Array; headers: string | null }>(
    session,
    posts,
    `d.body, ${HEADERS} as headers`,
  );
  return new Map(
    found.map(([number, { body, headers }]) => [
      number,
      { body: new Uint8Array(body), headers: headersOf(headers) },
    ]),
  );
}

/**
 * Where an earlier version's table, which nobody has completed yet, has no headers, the name means
 * that of the row around it.
 */
const HEADERS = `(select of_post.headers from (select null::text as headers) none cross join lateral (
    select headers from deliveries where (batch, delivery) = (d.batch, d.delivery)
  ) of_post)`;

async function readPosts<T extends object>(
  session: Session,
  posts: ReadonlyMap<number, Post>,
  column: string,
): Promise<readonly (readonly [delivery: number, row: T])[]> {
  if (posts.size === 0) return [];
  const numbers = new Map([...posts].map(([number, post]) => [keyOf(post), number]));
  const found = await session.run<T & Post>(
    `select d.batch, d.delivery, ${column}
     from unnest($1::text::uuid[], $2::text::integer[]) wanted (batch, delivery)
     join deliveries d on d.batch = wanted.batch and d.delivery = wanted.delivery`,
    [
      arrayOf([...posts.values()], ({ batch }) => batch),
      arrayOf([...posts.values()], (post) => post.delivery),
    ],
  );
  return found.map((row) => [numbers.get(keyOf(row)) ?? 0, row]);
}

function keyOf({ batch, delivery }: Post): string {
  return `${batch} ${delivery}`;
}
