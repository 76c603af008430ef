/** The work of `postern migrate`: copy what is not there yet, compare, and say whether that was all. */
import type { PostgresUrl, SqliteUrl } from "../core/database-url.ts";
import { randomId } from "../lib/chance.ts";
import { systemClock } from "../lib/clock.ts";
import {
  exportFrom,
  type LogImport,
  type MigrationSource,
  migrationSource,
  migrationTarget,
} from "../storage/open.ts";
import { CommandFailed } from "./errors.ts";
import { onInterruption } from "./interruption.ts";
import { digestOf, type LogDigest } from "./log-digest.ts";
import { print, say } from "./output.ts";
import { type Progress, startProgress } from "./progress.ts";

interface Migration {
  readonly from: SqliteUrl;
  readonly to: PostgresUrl;
  readonly source: MigrationSource;
  readonly target: LogImport;
}

/** Resolves with the exit code. Throws `CommandFailed` when the databases differ. */
export async function migrateDatabase(
  from: SqliteUrl,
  to: PostgresUrl,
  { verify }: { readonly verify: boolean },
): Promise<number> {
  const source = migrationSource(from);
  try {
    const target = await migrationTarget(to, source.log, randomId);
    try {
      await pass({ from, to, source, target }, verify);
    } finally {
      await target.close();
    }
  } finally {
    source.close();
  }
  return 0;
}

async function pass(migration: Migration, verify: boolean): Promise<void> {
  const { from, source, target } = migration;
  if (target.seq > source.seq)
    throw new CommandFailed(
      `${from.path} ends at seq ${source.seq}, and ${target.seq} was taken from it before: it is an older copy`,
    );
  const calm = onInterruption(() => say("interrupted: run the same command again to go on"));
  try {
    await copy(migration);
    if (verify) await compare(migration);
    if (!source.isStill) {
      await print(
        `not complete: a server has ${from.path}; stop it and run the same command again for what came since`,
      );
      return;
    }
    await target.finish();
    await print("complete: nothing more is to come; start Postern on the PostgreSQL database");
  } finally {
    calm();
  }
}

async function copy({ from, source, target }: Migration): Promise<void> {
  const startedAt = systemClock.elapsed();
  const since = target.seq;
  let messages = 0;
  let events = 0;
  await withProgress("copied", source.seq - since, async (progress) => {
    for await (const piece of exportFrom(from, since + 1)) {
      for (const record of piece) {
        await target.append(record);
        if ("event_key" in record) events++;
        else if ("ts" in record) messages++;
      }
      progress.show(target.seq - since, messages + events);
    }
    await target.flush();
  });
  const seconds = (systemClock.elapsed() - startedAt) / 1000;
  const where = since === 0 ? "" : `, going on after seq ${since}`;
  const rate = Math.round((messages + events) / Math.max(seconds, 0.001));
  await print(`copied ${rows({ messages, events })} in ${seconds.toFixed(2)} s (${rate} rows/s)${where}`);
  await target.index();
}

/** Reads both sides up to the last row that was copied, one after the other. */
async function compare({ from, to, target }: Migration): Promise<void> {
  const digest = (verb: string, url: SqliteUrl | PostgresUrl) =>
    withProgress(verb, target.seq, (progress) => digestOf(exportFrom(url, 1), target.seq, progress.show));
  const source = await digest("read from SQLite", from);
  const copied = await digest("read from PostgreSQL", to);
  const counts = await target.counts();
  if (source.sha256 !== copied.sha256)
    throw new CommandFailed(
      `the databases differ: SQLite has ${told(source)}; PostgreSQL has ${told(copied)}. Empty the target and begin anew`,
    );
  if (counts.messages !== copied.messages || counts.events !== copied.events)
    throw new CommandFailed(`the target's counts are wrong: ${rows(counts)} instead of ${rows(copied)}`);
  await print(`verified: both have ${told(copied)}`);
}

function told(digest: LogDigest): string {
  return `${rows(digest)}, sha256 ${digest.sha256}`;
}

function rows({ messages, events }: { readonly messages: number; readonly events: number }): string {
  return `${messages} messages and ${events} events`;
}

async function withProgress<T>(
  verb: string,
  total: number,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = await startProgress(verb, total);
  try {
    return await work(progress);
  } finally {
    progress.stop();
  }
}
