/**
 * Reads what was stored after a place in the log: all that is committed when it is asked has a
 * number first.
 */
import type { Changes, ChangesQuery } from "../../../core/changes.ts";
import { deliveryOf, withRoom } from "../../changes-page.ts";
import type { Session } from "../connection/connection.ts";
import { Unnumbered } from "./event-queries.ts";
import { bodiesOfPosts, bytesOfPosts, isAllNumbered, readLogPage } from "./log-page.ts";

interface ReadChanges {
  readonly changes: Changes;
  /** Whether a part of what follows can't be seen yet. */
  readonly isHeldBack: boolean;
}

/**
 * A read for one question. Its first attempt throws `Unnumbered` where anything has no number; the
 * next one doesn't look again, or it would never end while others store.
 */
export function readingChanges(query: ChangesQuery): (session: Session) => Promise<ReadChanges> {
  let isSettled = false;
  return async (session) => {
    if (!isSettled) {
      isSettled = true;
      if (!(await isAllNumbered(session))) throw new Unnumbered("a batch has no number yet");
    }
    return readChanges(session, query);
  };
}

const PLACE = { log: "", position: "", isLost: false };

async function readChanges(session: Session, query: ChangesQuery): Promise<ReadChanges> {
  const { records: all, posts, more, isHeldBack } = await readLogPage(session, query.after, query.limit);
  if (query.bodies !== true)
    return { changes: { ...PLACE, records: all, bodies: new Map(), more }, isHeldBack };
  const bytes = await bytesOfPosts(session, posts);
  const records = withRoom(all, (delivery) => bytes.get(delivery) ?? 0);
  const shown = new Set(records.map(deliveryOf));
  const bodies = await bodiesOfPosts(session, new Map([...posts].filter(([number]) => shown.has(number))));
  return { changes: { ...PLACE, records, bodies, more: more || records.length < all.length }, isHeldBack };
}
