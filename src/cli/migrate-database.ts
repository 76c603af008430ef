/**
 * The work of `postern migrate`: copy what is not there yet, compare, and say whether that was all.
 */
import type { DatabaseUrl } from "../core/database-url.ts";
import type { Maintenance, MigrationSource, MigrationTarget } from "../core/maintenance.ts";
import { systemClock } from "../lib/clock.ts";
import { CommandFailed, UsageError } from "./errors.ts";
import { onInterruption } from "./interruption.ts";
import { digestOf, type LogDigest } from "./log-digest.ts";
import { maintenanceOf } from "./maintenance.ts";
import { print, say } from "./output.ts";
import { type Progress, startProgress } from "./progress.ts";

/** A database as a flag names it. */
interface Named {
  readonly url: DatabaseUrl;
  readonly name: string;
}

interface Migration {
  readonly from: Maintenance;
  readonly to: Maintenance;
  readonly source: MigrationSource;
  readonly target: MigrationTarget;
}

/** Resolves with the exit code. Throws `CommandFailed` when the databases differ. */
export async function migrateDatabase(
  given: { readonly from: Named; readonly to: Named },
  { verify }: { readonly verify: boolean },
): Promise<number> {
  const from = maintenanceOf(given.from.url);
  const to = maintenanceOf(given.to.url);
  if (from.openMigrationSource === undefined)
    throw new UsageError(
      `${given.from.name} names a PostgreSQL server: migrate goes from SQLite to PostgreSQL (back again: export, then import)`,
    );
  if (to.openMigrationTarget === undefined)
    throw new UsageError(`${given.to.name} names a SQLite file: migrate goes to PostgreSQL`);
  const source = await from.openMigrationSource();
  try {
    const target = await to.openMigrationTarget(source.log);
    try {
      await pass({ from, to, source, target }, verify);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  return 0;
}

async function pass(migration: Migration, verify: boolean): Promise<void> {
  const { source, target } = migration;
  if (target.seq > source.seq)
    throw new CommandFailed(
      `${source.name} ends at seq ${source.seq}, and ${target.seq} was taken from it before: it is an older copy`,
    );
  const calm = onInterruption(() => say("interrupted: run the same command again to go on"));
  try {
    await copy(migration);
    await target.replaceConsumers(source.consumers());
    await target.replaceDeliveries(source.deliveries());
    await target.replaceSeries(source.series());
    if (verify) await compare(migration);
    if (!source.isStill) {
      await print(
        `not complete: a server has ${source.name}; stop it and run the same command again for what came since`,
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
    for await (const piece of from.exportLog(since + 1)) {
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
  const digest = (verb: string, { exportLog }: Maintenance) =>
    withProgress(verb, target.seq, (progress) => digestOf(exportLog(1), target.seq, progress.show));
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
