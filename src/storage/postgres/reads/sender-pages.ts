/**
 * Pages of senders by their last messages, from one snapshot: what is kept of each, and what isn't
 * taken into that yet. Where that is too much, every message is looked at.
 */
import { lowerAscii } from "../../../core/ascii-case.ts";
import { NATIVE } from "../../../core/source.ts";
import type { LastMessage, SenderPage, SenderQuery } from "../../../core/store.ts";
import { SHOWN_COLUMNS, selected } from "../../columns.ts";
import type { Session } from "../connection/connection.ts";
import { uncounted } from "../derived/counts.ts";
import { lastOf, namesOf, positionOf } from "../derived/last-messages.ts";
import { Filter } from "./filter.ts";
import { countRows, countsOf } from "./message-queries.ts";

/** What isn't taken yet is two seconds', unless the table is new or was left behind. */
const TAIL_ROWS_MAX = 50_000;
const TAIL_BATCHES_MAX = 5000;
/** So few that match are sorted; to find them in the order would be to walk it. */
const FEW = 1000;

interface Place {
  readonly sender: string;
  readonly ts_key: string;
  readonly message_id: string;
}

/** One page and its total. */
export async function listSenders(session: Session, query: SenderQuery): Promise<SenderPage> {
  const { limit, q } = query;
  const counts = await countsIn(session, q ? lowerAscii(q) : "");
  const places = await placesOf(session, query, counts.total <= FEW);
  const shown = places.slice(0, limit);
  const last = places.length > limit ? shown.at(-1) : undefined;
  const messages = await messagesOf(session, shown);
  const known = await countsOf(
    session,
    shown.map(({ sender }) => sender),
  );
  return {
    data: shown.flatMap(({ sender, message_id }) => {
      const message = messages.get(message_id);
      const count = (known.get(sender) ?? 0) + (counts.inTail.get(sender) ?? 0);
      // What isn't there was deleted by hand, and is known until everything is derived anew.
      return message === undefined ? [] : [{ from: sender, count, last_message: message }];
    }),
    total: counts.total,
    ...(last !== undefined && { next: { tsKey: last.ts_key, messageId: last.message_id } }),
  };
}

/** How many senders have this part; and what each of them has that isn't counted yet. */
async function countsIn(
  session: Session,
  part: string,
): Promise<{ readonly total: number; readonly inTail: ReadonlyMap<string, number> }> {
  const tail = await uncounted(session);
  const inTail = new Map<string, number>();
  for (const [sender, , rows] of tail.messages) inTail.set(sender, (inTail.get(sender) ?? 0) + rows);
  const known = await countsOf(session, [...inTail.keys()]);
  const fresh = [...inTail.keys()].filter(
    (sender) => !known.has(sender) && lowerAscii(sender).includes(part),
  );
  const counted =
    part === ""
      ? (
          await session.run<{ senders: number }>("select senders::float8 as senders from totals where id = 1")
        )[0]?.senders
      : await countRows(session, "senders where strpos(lower(sender), $1) > 0", [part]);
  return { total: (counted ?? 0) + fresh.length, inTail };
}

/** In order, and one more than the page's, if there is one. */
async function placesOf(session: Session, query: SenderQuery, areFew: boolean): Promise<readonly Place[]> {
  const { limit, offset, order, after, q } = query;
  const tail = await tailOf(session);
  const filter = new Filter();
  const given = tail && filter.parameter(JSON.stringify(tail));
  filter.add(q ? lowerAscii(q) : undefined, (part) => `strpos(lower(sender), ${part}) > 0`);
  if (after !== undefined) {
    const key = `${filter.parameter(after.tsKey)}, ${filter.parameter(after.messageId)}`;
    filter.addRaw(`(ts_key, message_id) ${order === "asc" ? ">" : "<"} (${key})`);
  }
  const ordered = `order by ts_key ${order}, message_id ${order}`;
  const reach = areFew ? "" : `${ordered} limit ${offset + limit + 1}`;
  const cut = `${ordered} limit ${filter.parameter(limit + 1)} offset ${filter.parameter(offset)}`;
  const statement =
    given === undefined
      ? `select * from (${lastOf("messages")}) last_of_all where ${filter.where} ${cut}`
      : `with later as materialized (${LATER(given)})
         select * from (
           (select sender, ts_key, message_id from last_messages
            where ${filter.where} and sender not in (select sender from later) ${reach})
           union all
           select * from later where ${filter.where}
         ) places ${cut}`;
  return session.run<Place>(statement, filter.values);
}

/** Of the tail's, which come behind what is kept of their senders, if anything is. */
const LATER = (given: string) => `
  select t.sender, t.ts_key, t.message_id
  from (
    select sender collate "C" as sender, ts_key collate "C" as ts_key, message_id collate "C" as message_id
    from json_to_recordset(${given}::text::json) as tail (sender text, ts_key text, message_id text)
  ) t
  left join last_messages l on l.sender = t.sender
  where l.sender is null or (l.ts_key, l.message_id) < (t.ts_key, t.message_id)`;

/** The last messages of what isn't taken yet; undefined where that is too much. */
async function tailOf(session: Session): Promise<readonly Place[] | undefined> {
  const position = await positionOf(session);
  if (position === undefined) return undefined;
  const batches = await session.run<{ batch: string; rows: number }>(
    `select batch, rows from batches where rows > 0 and seq is null
     union all
     (select batch, rows from batches where rows > 0 and seq > $1::bigint order by seq limit ${TAIL_BATCHES_MAX})`,
    [position],
  );
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  if (rows > TAIL_ROWS_MAX || batches.length >= TAIL_BATCHES_MAX) return undefined;
  if (rows === 0) return [];
  return session.run<Place>(lastOf("messages where batch = any($1::uuid[])"), [namesOf(batches)]);
}

/** By `message_id`. */
async function messagesOf(
  session: Session,
  places: readonly Place[],
): Promise<ReadonlyMap<string, LastMessage>> {
  if (places.length === 0) return new Map();
  const { from: _, ...columns } = SHOWN_COLUMNS;
  // Values and no subquery, so that Citus asks only the shards that have them.
  const rows = await session.run<LastMessage>(
    `select ${selected(columns)}, coalesce(source, '${NATIVE}') as source, type from messages
     where message_id in (${places.map((_, index) => `$${index + 1}`).join(", ")})`,
    places.map(({ message_id }) => message_id),
  );
  return new Map(rows.map((row) => [row.message_id, row]));
}
