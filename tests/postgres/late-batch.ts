/**
 * Transactions as a slow replica's: their rows are written, and their commit is held back while
 * others pass. All that they know of the engine's tables is here.
 */
import { SQL } from "bun";
import { itemsOf } from "../../src/storage/postgres/ingest/items.ts";

const CONNECT_S = 5;

/** Fails where there is no transaction that has written anything. */
const COMMIT = "select 1 / (pg_current_xact_id_if_assigned() is not null)::int; commit";

interface LateBatch {
  /** Throws when the server has ended the session. */
  readonly commit: () => Promise<void>;
}

interface LateRows {
  readonly ids: readonly string[];
  readonly from?: string;
  /** Whether the batch's own row comes before those of its messages. */
  readonly batchFirst: boolean;
}

/** Resolves when everything but the commit is done. */
export async function holdBatch(url: string, { ids, from = "+1", batchFirst }: LateRows): Promise<LateBatch> {
  // Not as `server.ts` does: what waits there when its session is lost may wait for ever.
  const sql = new SQL(url, { max: 1, connectionTimeout: CONNECT_S });
  const batch = crypto.randomUUID();
  const createdAt = new Date().toISOString();
  const items = itemsOf(
    ids.map(() => ({ from, tsKey: "2025-01-15T10:00:00" })),
    [],
  );
  const itself = `insert into batches (batch, rows, items) values ('${batch}', ${ids.length}, '${items}')`;
  const rows = ids.map(
    (id, place) => `
      insert into messages (message_id, from_msisdn, to_msisdn, ts, ts_key, created_at, batch, place)
      values ('${id}', '${from}', '+2', '2025-01-15T10:00:00Z', '2025-01-15T10:00:00', '${createdAt}',
        '${batch}', ${place})`,
  );
  const end = () => sql.close({ timeout: 0 });
  try {
    const session = await sql.reserve();
    // In one turn: whatever becomes of the session, nothing is written outside the transaction.
    const script = ["begin", ...(batchFirst ? [itself, ...rows] : [...rows, itself])].join("; ");
    await session.unsafe(script).simple();
    return {
      commit: async () => {
        try {
          await session.unsafe(COMMIT).simple();
        } finally {
          await end();
        }
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
