/** Whether Citus has spread `messages` over several servers. */
import type { Session } from "./connection.ts";

/** Then the rows of a batch can lie on servers without a common snapshot. Citus keeps it there. */
export async function isDistributed(session: Session): Promise<boolean> {
  const [citus] = await session.run<{ there: boolean }>(
    "select to_regclass('pg_dist_partition') is not null as there",
  );
  if (citus?.there !== true) return false;
  const found = await session.run(
    "select 1 from pg_dist_partition where logicalrelid = 'messages'::regclass",
  );
  return found.length > 0;
}
