/**
 * The tables and their migrations. Each migration is one transaction together with the version that it reaches, so
 * a kill at any instruction leaves a file that opens.
 */
import type { Database } from "bun:sqlite";
import { StartRefused } from "../../core/errors.ts";
import { fold } from "../../core/fold.ts";
import { FOLD_VERSION } from "../../core/fold-table.ts";

/** "Post" in ASCII: tells a file of ours from somebody else's. */
const APPLICATION_ID = 0x506f7374;
const REFOLD_ROWS = 5000;

/**
 * `ts_key` and `folded` are what `core` makes of `ts` and `text`. `seq` is the row's place in the log, counted by
 * the writer; the rowid is no substitute because VACUUM may change it.
 */
const MIGRATIONS: readonly string[] = [
  `
  create table messages (
    message_id  text primary key,
    from_msisdn text not null,
    to_msisdn   text not null,
    ts          text not null,
    text        text,
    created_at  text not null,
    seq         integer not null,
    ts_key      text not null,
    folded      text
  );
  create unique index messages_by_seq on messages (seq);
  create index messages_by_time on messages (ts_key, message_id);
  create table meta (key text primary key, value text not null) without rowid;
  insert into meta values ('fold_version', '${FOLD_VERSION}'), ('probe', '0');
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings a file to this program's schema; throws `StartRefused` for a newer file or a stranger's. */
export function migrate(db: Database, path: string): void {
  checkFile(db, path);
  const from = pragma(db, "user_version");
  for (let version = from; version < MIGRATIONS.length; version++) {
    db.transaction(() => {
      db.run(MIGRATIONS[version] ?? "");
      db.run(`pragma user_version = ${version + 1}`);
      db.run(`pragma application_id = ${APPLICATION_ID}`);
    }).immediate();
  }
  refold(db);
}

/** Throws `StartRefused` when this program can't read the file. */
export function checkFile(db: Database, path: string): void {
  const version = pragma(db, "user_version");
  const strange = pragma(db, "application_id") !== APPLICATION_ID && hasTables(db);
  if (strange) throw new StartRefused(`${path} is a database of another program`);
  if (version > MIGRATIONS.length) {
    throw new StartRefused(
      `${path} has schema version ${version}; this Postern knows up to ${MIGRATIONS.length}: run the newer Postern that wrote it`,
    );
  }
}

/**
 * Folds stored text anew when the program's table of case folding is another than the file's. A slice is one
 * transaction with its position, so that an interrupted run goes on where it was.
 */
function refold(db: Database): void {
  if (meta(db, "fold_version") === FOLD_VERSION) return;
  const target = `refold_${FOLD_VERSION}`;
  const slice = db.query<{ rowid: number; text: string | null }, [number]>(
    `select rowid, text from messages where rowid > ? order by rowid limit ${REFOLD_ROWS}`,
  );
  const update = db.query("update messages set folded = ? where rowid = ?");
  for (let done = false; !done; ) {
    db.transaction(() => {
      const rows = slice.all(Number(meta(db, target) ?? 0));
      for (const { rowid, text } of rows) if (text !== null) update.run(fold(text), rowid);
      done = rows.length < REFOLD_ROWS;
      if (!done) setMeta(db, target, String(rows.at(-1)?.rowid));
      else {
        db.run("delete from meta where key like 'refold\\_%' escape '\\'");
        setMeta(db, "fold_version", FOLD_VERSION);
      }
    }).immediate();
  }
}

function meta(db: Database, key: string): string | undefined {
  return db.query<{ value: string }, [string]>("select value from meta where key = ?").get(key)?.value;
}

function setMeta(db: Database, key: string, value: string): void {
  db.query("insert into meta values (?1, ?2) on conflict do update set value = ?2").run(key, value);
}

function pragma(db: Database, name: "user_version" | "application_id"): number {
  return db.query<Record<string, number>, []>(`pragma ${name}`).get()?.[name] ?? 0;
}

function hasTables(db: Database): boolean {
  return db.query("select 1 from sqlite_schema limit 1").get() !== null;
}
