/**
 * Which replica does what one alone should do: the one that holds the lease, a row that expires. It
 * only keeps the others from doing the same work: should two believe that they hold the one for
 * counts, the row that `numbering.ts` locks keeps them apart.
 */
import { boundedTransaction } from "./bounded-transaction.ts";
import type { Connection, Session } from "./connection.ts";

const LEASE_S = 5;

/** Takes the lease or prolongs it; whether this replica holds it. */
export async function holdLease(connection: Connection, name: string, replica: string): Promise<boolean> {
  const rows = await boundedTransaction(connection, "read write", (session) =>
    session.run(
      `insert into lease values ($1, $2, now() + interval '${LEASE_S} seconds')
       on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
         where lease.holder = excluded.holder or lease.expires_at < now()
       returning holder`,
      [name, replica],
    ),
  );
  return rows.length > 0;
}

/** Another replica need not wait until it has expired. */
export async function leaveLease(connection: Connection, name: string, replica: string): Promise<void> {
  await boundedTransaction(connection, "read write", (session) =>
    session.run("delete from lease where name = $1 and holder = $2", [name, replica]),
  );
}

/** Whether anybody holds it. */
export async function isLeased(session: Session, name: string): Promise<boolean> {
  const rows = await session.run("select 1 from lease where name = $1 and expires_at > now()", [name]);
  return rows.length > 0;
}
