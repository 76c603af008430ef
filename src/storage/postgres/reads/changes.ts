/**
 * Reads what was stored after a position of the log: all that is committed when it is asked has a
 * number first.
 */
import type { Changes, ChangesQuery } from "../../../core/changes.ts";
import { positionOf, startOf } from "../../../core/position.ts";
import { deliveryOf, withRoom } from "../../changes-page.ts";
import type { Session } from "../connection/connection.ts";
import { Unnumbered } from "./event-queries.ts";
import { isAllNumbered } from "./log-batches.ts";
import { readLogPage } from "./log-page.ts";
import { bytesOfPosts, contentsOfPosts } from "./log-posts.ts";
import { lastRowUpTo } from "./log-rows.ts";
import { findPosition, positionBehind } from "./positions.ts";

interface ReadChanges {
  readonly changes: Changes;
  /** Whether a part of what follows can't be seen yet. */
  readonly isHeldBack: boolean;
}

/**
 * A read for one question. The first attempt that learns it throws `Unnumbered` where anything has
 * no number; the next one doesn't look again, or it would never end while others store.
 */
export function onceNumbered<T>(read: (session: Session) => Promise<T>): (session: Session) => Promise<T> {
  let isSettled = false;
  return async (session) => {
    if (!isSettled) {
      const isAll = await isAllNumbered(session);
      // Not before there is an answer: where the connection is lost instead, the read begins anew.
      isSettled = true;
      if (!isAll) throw new Unnumbered("a batch has no number yet");
    }
    return read(session);
  };
}

export async function readChanges(session: Session, query: ChangesQuery): Promise<ReadChanges> {
  const { limit, filter } = query;
  const { log, after, ...found } = await findPosition(session, query);
  if (after === undefined) {
    const nothing = { records: [], bodies: new Map(), more: false };
    return { changes: { log, ...nothing, position: startOf(log), isLost: true }, isHeldBack: false };
  }
  const page = await readLogPage(session, { after, limit, filter });
  const { posts, more, isHeldBack } = page;
  const end =
    page.last === undefined && found.position !== undefined
      ? found.position
      : positionBehind(log, page.last ?? (await lastRowUpTo(session, after)));
  const all = { log, records: page.records, bodies: new Map(), position: end, more, isLost: false };
  if (query.bodies !== true) return { changes: all, isHeldBack };
  const bytes = await bytesOfPosts(session, posts);
  const records = withRoom(all.records, (delivery) => bytes.get(delivery) ?? 0);
  const shown = new Set(records.map(deliveryOf));
  const contents = await contentsOfPosts(
    session,
    new Map([...posts].filter(([number]) => shown.has(number))),
  );
  const bodies = new Map([...contents].map(([number, { body }]) => [number, body]));
  const headers = new Map(
    [...contents].flatMap(([number, each]) => (each.headers === null ? [] : [[number, each.headers]])),
  );
  const last = records.at(-1);
  if (last === undefined || records.length === all.records.length)
    return { changes: { ...all, bodies, headers }, isHeldBack };
  const position = positionOf(log, last);
  return { changes: { ...all, records, bodies, headers, position, more: true }, isHeldBack };
}
