/**
 * Which names of sources are in use: whatever begins with `NAME:` is theirs alone, so that no
 * message of the native source can be taken for one of a provider's.
 */
import type { Database } from "bun:sqlite";

/** A message of the native source in a source's range. `;` is what comes after `:`. */
const NATIVE_IN_RANGE = `
  select 1 from messages m where message_id >= ?1 || ':' and message_id < ?1 || ';'
  and not exists (select 1 from details d where d.seq = m.seq) limit 1`;

/**
 * Takes these names, and no others, into use, and returns those that can't be: then nothing is
 * changed. A range is looked through once, when its name comes into use; from then on nothing of
 * the native source gets into it.
 */
export function claim(db: Database, names: readonly string[]): readonly string[] {
  const known = claimedNames(db);
  const holdsNative = db.query(NATIVE_IN_RANGE);
  const refused = names.filter((name) => !known.has(name) && holdsNative.get(name) !== null);
  if (refused.length > 0) return refused;
  db.transaction(() => {
    db.query("delete from sources where name not in (select value from json_each(?))").run(
      JSON.stringify(names),
    );
    for (const name of names) db.query("insert or ignore into sources values (?)").run(name);
  }).immediate();
  return [];
}

export function claimedNames(db: Database): ReadonlySet<string> {
  const rows = db.query<{ name: string }, []>("select name from sources").all();
  return new Set(rows.map(({ name }) => name));
}
