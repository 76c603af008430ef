/**
 * Reads rows of failures. What is asked all the time costs what it gives, however many rows there
 * are.
 */
import type { DeliveryStore, Failure, FailureFigures, FailureQuery } from "../../../core/deliveries.ts";
import { FAILURE_COLUMNS, selected } from "../../columns.ts";
import type { Session } from "../connection/connection.ts";
import type { FailureReads } from "../ingest/deliveries.ts";
import { failureConditions } from "../ingest/delivery-rows.ts";

type FailurePage = Awaited<ReturnType<DeliveryStore["failures"]>>;

const { seq: _, ...OTHERS } = FAILURE_COLUMNS;
const FAILURE = `select seq::float8 as seq, ${selected(OTHERS)} from failures`;

type Read = <T>(work: (session: Session) => Promise<T>) => Promise<T>;

/** Pages are looked for elsewhere, so that whoever serves a destination doesn't wait for them. */
export function failureReads(serving: Read, operating: Read): FailureReads {
  return {
    due: (...given) => serving((session) => readDue(session, ...given)),
    waitingSenders: (...given) => serving((session) => readWaitingSenders(session, ...given)),
    firstOf: (...given) => serving((session) => readFirstOf(session, ...given)),
    figures: (...given) => serving((session) => readFigures(session, ...given)),
    failures: (...given) => operating((session) => readFailures(session, ...given)),
  };
}

async function readDue(
  session: Session,
  name: string,
  now: string,
  limit: number,
): Promise<readonly Failure[]> {
  return session.run<Failure>(
    `${FAILURE} where destination = $1 and next_at <= $2 order by next_at, failures.seq, replay limit $3`,
    [name, now, limit],
  );
}

async function readWaitingSenders(
  session: Session,
  name: string,
  replay = "",
): Promise<ReadonlyMap<string, number>> {
  const rows = await session.run<{ sender: string; rows: number }>(
    `select sender, count(*)::float8 as rows from failures
     where destination = $1 and replay = $2 and sender > '' and state = 'waiting' group by sender`,
    [name, replay],
  );
  return new Map(rows.map(({ sender, rows }) => [sender, rows]));
}

async function readFirstOf(
  session: Session,
  name: string,
  sender: string,
  replay = "",
): Promise<Failure | undefined> {
  const ordered = sender === "" ? "" : "and sender > ''";
  const [first] = await session.run<Failure>(
    `${FAILURE} where destination = $1 and replay = $2 and sender = $3 ${ordered} and state = 'waiting'
     order by failures.seq limit 1`,
    [name, replay, sender],
  );
  return first;
}

/** By the counts that are kept. */
async function readFigures(session: Session, name: string): Promise<FailureFigures> {
  const [row] = await session.run<{ waiting: number; dead: number; next_at: string | null }>(
    `select waiting::float8 as waiting, dead::float8 as dead,
       (select min(next_at) from failures where destination = name) as next_at
     from destinations where name = $1`,
    [name],
  );
  return { waiting: row?.waiting ?? 0, dead: row?.dead ?? 0, nextAt: row?.next_at ?? undefined };
}

async function readFailures(session: Session, name: string, query: FailureQuery): Promise<FailurePage> {
  const { where, values } = failureConditions(name, query);
  const place = values.length;
  const [data, total] = await Promise.all([
    session.run<Failure>(
      `${FAILURE} where ${where} order by failures.seq, replay limit $${place + 1} offset $${place + 2}`,
      [...values, query.limit, query.offset],
    ),
    countFailures(session, name, query),
  ]);
  return { data, total };
}

/** Counted one by one only where no counts of it are kept. */
async function countFailures(session: Session, name: string, query: FailureQuery): Promise<number> {
  const { positions, state, cause, from } = query;
  if (positions === undefined && cause === undefined && from === undefined) {
    const { waiting, dead } = await readFigures(session, name);
    return state === undefined ? waiting + dead : state === "dead" ? dead : waiting;
  }
  const { where, values } = failureConditions(name, query);
  const [counted] = await session.run<{ total: number }>(
    `select count(*)::float8 as total from failures where ${where}`,
    values,
  );
  return counted?.total ?? 0;
}
