// The reference's messages in a SQLite file: one connection, in the event loop, one commit a message, synced when it
// returns.

import Database from "better-sqlite3";

export const { SqliteError } = Database;

export function openStore(path) {
  const db = new Database(path);
  db.pragma("journal_mode = wal");
  db.pragma("synchronous = full");
  db.exec(`
    create table if not exists messages (
      message_id text primary key, from_msisdn text not null, to_msisdn text not null,
      ts text not null, text text, created_at text not null, ts_key text not null);
    create index if not exists messages_ts on messages (ts_key, message_id);
    create table if not exists probe (id integer primary key, at text not null)`);
  const insert = db.prepare("insert into messages values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing");
  const stored = db
    .prepare("select from_msisdn, to_msisdn, ts, text from messages where message_id = ?")
    .raw();
  const probe = db.prepare("insert or replace into probe values (1, ?)");
  return {
    /** Commits one message and says what it was: created, duplicate or differing. */
    append(row) {
      if (insert.run(row).changes === 1) return "created";
      const fields = stored.get(row[0]);
      return fields.every((field, index) => field === row[index + 1]) ? "duplicate" : "differing";
    },
    probe: () => probe.run(new Date().toISOString()),
    close: () => db.close(),
  };
}
