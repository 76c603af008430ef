/**
 * The work of `postern export`: the log, slice by slice, to stdout or to a file that is whole or
 * not there.
 */
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { DatabaseUrl } from "../core/database-url.ts";
import type { LogRecord } from "../core/log-record.ts";
import { syncFolder } from "../lib/sync-folder.ts";
import { UsageError } from "./errors.ts";
import { type ExportFilter, filtered } from "./export-filter.ts";
import { type Format, WRITERS } from "./export-format.ts";
import { maintenanceOf } from "./maintenance.ts";
import { print, say, writeAll } from "./output.ts";
import { startProgress } from "./progress.ts";

export interface ExportFlags extends ExportFilter {
  readonly output?: string;
  readonly format: Format;
  readonly sinceSeq: number;
  readonly includeDamaged?: true;
}

interface Exported {
  readonly messages: number;
  readonly events: number;
}

/** Resolves with the exit code: 1 when anything is damaged. */
export async function exportMessages(url: DatabaseUrl, flags: ExportFlags): Promise<number> {
  let damages = 0;
  const log = maintenanceOf(url).exportLog(flags.sinceSeq, {
    includeDamaged: flags.includeDamaged === true,
    onDamage: (damage) => {
      damages++;
      say(`postern: ${damage}`);
    },
  });
  const slices = filtered(log, flags);
  if (flags.output === undefined) await writeSlices(slices, flags.format, 1);
  else {
    const { messages, events } = await writeFile(slices, flags.format, flags.output);
    const besides = events === 0 ? "" : ` and ${events} events`;
    await print(`exported ${messages} messages${besides} to ${flags.output}`);
  }
  if (damages === 0) return 0;
  say("postern: the database is damaged: everything else that can be read was exported");
  return 1;
}

async function writeFile(
  slices: AsyncIterable<readonly LogRecord[]>,
  format: Format,
  output: string,
): Promise<Exported> {
  const partial = `${output}.partial`;
  const descriptor = openOutput(partial, output);
  try {
    const exported = await writeSlices(slices, format, descriptor);
    fsyncSync(descriptor);
    renameSync(partial, output);
    syncFolder(dirname(resolve(output)));
    return exported;
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

async function writeSlices(
  slices: AsyncIterable<readonly LogRecord[]>,
  format: Format,
  descriptor: number,
): Promise<Exported> {
  const { head, lines } = WRITERS[format];
  const progress = descriptor === 1 ? undefined : await startProgress("exported", undefined);
  const exported = { messages: 0, events: 0 };
  try {
    await writeAll(descriptor, head);
    for await (const records of slices) {
      for (const record of records) {
        if ("event_key" in record) exported.events++;
        else if ("ts" in record) exported.messages++;
      }
      await writeAll(descriptor, lines(records));
      progress?.show(exported.messages, exported.messages + exported.events);
    }
  } finally {
    progress?.stop();
  }
  return exported;
}

/** For its owner alone, unless what it takes the place of has another mode. */
function openOutput(partial: string, output: string): number {
  try {
    rmSync(partial, { force: true });
    const mode = statSync(output, { throwIfNoEntry: false })?.mode ?? 0o600;
    const descriptor = openSync(partial, "wx", 0o600);
    fchmodSync(descriptor, mode & 0o777);
    return descriptor;
  } catch (error) {
    throw new UsageError(`can't write ${partial}: ${(error as Error).message}`);
  }
}
