/**
 * The row that says that another database's log is being taken over. Until that is finished no
 * replica may start: what it stored would get numbers that belong to the other log.
 */
import { StartRefused } from "../../../core/errors.ts";
import type { Session } from "./connection.ts";

export interface MigrationMark {
  /** The log that is taken over, by the name that it gave itself. */
  readonly log: string;
  /** The last `seq` that was taken over. */
  readonly seq: number;
  readonly finished: boolean;
}

export async function readMark(session: Session): Promise<MigrationMark | undefined> {
  const [row] = await session.run<{ value: string }>("select value from meta where key = 'migration'");
  return row === undefined ? undefined : (JSON.parse(row.value) as MigrationMark);
}

export async function writeMark(session: Session, mark: MigrationMark): Promise<void> {
  await session.run(
    "insert into meta values ('migration', $1) on conflict (key) do update set value = excluded.value",
    [JSON.stringify(mark)],
  );
}

/** Throws `StartRefused` while a migration is not finished. */
export async function refuseUnfinished(session: Session): Promise<void> {
  const mark = await readMark(session);
  if (mark !== undefined && !mark.finished)
    throw new StartRefused(
      "the database is the target of a migration that is not finished: run postern migrate until it says that it is complete",
    );
}
