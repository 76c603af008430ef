/**
 * Which names of sources are in use: whatever begins with `NAME:` is theirs alone. See
 * `Store.claimSources`. While replicas run with different files, the one that claimed last says
 * which names are known; that takes nothing from the others, who serve and reserve what their own
 * files say. A name that was released that way and is claimed again has its range looked at again,
 * which is right: a replica without the name has let native messages in.
 */
import type { Session } from "../connection/connection.ts";
import { commitSafely } from "../connection/safe-commit.ts";

/**
 * Takes these names, and no others, into use, and returns those that can't be: then nothing is
 * changed.
 */
export async function claim(session: Session, names: readonly string[]): Promise<readonly string[]> {
  await commitSafely(session);
  await session.run("lock table sources in share row exclusive mode");
  const rows = await session.run<{ name: string }>("select name from sources");
  const known = new Set(rows.map(({ name }) => name));
  const refused: string[] = [];
  for (const name of names) {
    if (known.has(name)) continue;
    // `;` is what comes after `:`.
    const found = await session.run(
      "select 1 from messages where message_id >= $1 and message_id < $2 and source is null limit 1",
      [`${name}:`, `${name};`],
    );
    if (found.length > 0) refused.push(name);
  }
  if (refused.length > 0) return refused;
  for (const name of known)
    if (!names.includes(name)) await session.run("delete from sources where name = $1", [name]);
  for (const name of names)
    if (!known.has(name)) await session.run("insert into sources values ($1)", [name]);
  return [];
}
