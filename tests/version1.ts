/**
 * A database as the first build wrote it: schema version 1, with its indexes in the file and no
 * index beside it.
 */
import type { Database } from "bun:sqlite";

/** Messages `m0`, `m1`, …, all of one sender and at one instant, with `seq` 10, 12, 14, … */
export function writeVersion1(db: Database, messages: number): void {
  db.run(`create table messages (
    message_id text primary key, from_msisdn text not null, to_msisdn text not null, ts text not null, text text,
    created_at text not null, seq integer not null, ts_key text not null, folded text)`);
  db.run("create unique index messages_by_seq on messages (seq)");
  db.run("create index messages_by_time on messages (ts_key, message_id)");
  db.run("create table meta (key text primary key, value text not null) without rowid");
  db.run("insert into meta values ('fold_version', '17.0.0'), ('refold_18', '5'), ('probe', '7')");
  db.run("pragma user_version = 1");
  db.run("pragma application_id = 0x506f7374");
  const insert = db.prepare(
    `insert into messages values (?, '+1', '+2', '2025-01-15T10:00:00Z', 'Hi', '2025-01-15T10:00:00.000Z', ?,
       '2025-01-15T10:00:00', 'hi')`,
  );
  db.transaction(() => {
    for (let index = 0; index < messages; index++) insert.run(`m${index}`, 2 * index + 10);
  })();
  insert.finalize();
}
