/** Rows of consumers, as the file keeps them. */
import type { Database } from "bun:sqlite";
import type { Consumer, ConsumerFilter } from "../../../core/consumers.ts";
import { seqOf } from "../../../core/position.ts";

interface ConsumerRow {
  readonly name: string;
  readonly filter: string;
  readonly position: string;
  readonly acknowledged_at: string | null;
}

/** What differs from what is kept. */
export interface ConsumerChanges {
  readonly put: readonly Consumer[];
  readonly deleted: readonly string[];
}

export function readConsumers(db: Database): readonly Consumer[] {
  const rows = db.query<ConsumerRow, []>("select name, filter, position, acknowledged_at from consumers");
  return rows.all().map(({ name, filter, position, acknowledged_at }) => ({
    name,
    filter: JSON.parse(filter) as ConsumerFilter,
    position,
    acknowledgedAt: acknowledged_at,
  }));
}

/** In one transaction, on stable storage when it returns. */
export function writeConsumers(db: Database, { put, deleted }: ConsumerChanges): void {
  const insert = db.query(
    `insert into consumers (name, filter, position, seq, acknowledged_at) values (?, ?, ?, ?, ?)
     on conflict (name) do update set filter = excluded.filter, position = excluded.position, seq = excluded.seq,
       acknowledged_at = excluded.acknowledged_at`,
  );
  const remove = db.query("delete from consumers where name = ?");
  db.transaction(() => {
    for (const { name, filter, position, acknowledgedAt } of put)
      insert.run(name, JSON.stringify(filter), position, seqOf(position), acknowledgedAt);
    for (const name of deleted) remove.run(name);
  }).immediate();
}
