/**
 * The work of `postern export`: the log, slice by slice, to stdout or to a file that is whole or
 * not there.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { DatabaseUrl } from "../core/database-url.ts";
import type { LogRecord } from "../core/log-record.ts";
import { syncFolder } from "../lib/sync-folder.ts";
import { UsageError } from "./errors.ts";
import { maintenanceOf } from "./maintenance.ts";
import { print, say, writeAll } from "./output.ts";
import { startProgress } from "./progress.ts";

export interface ExportFlags {
  readonly output?: string;
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
  const slices = maintenanceOf(url).exportLog(flags.sinceSeq, {
    includeDamaged: flags.includeDamaged === true,
    onDamage: (damage) => {
      damages++;
      say(`postern: ${damage}`);
    },
  });
  if (flags.output === undefined) await writeSlices(slices, 1);
  else {
    const { messages, events } = await writeFile(slices, flags.output);
    const besides = events === 0 ? "" : ` and ${events} events`;
    await print(`exported ${messages} messages${besides} to ${flags.output}`);
  }
  if (damages === 0) return 0;
  say("postern: the database is damaged: everything else that can be read was exported");
  return 1;
}

async function writeFile(slices: AsyncIterable<readonly LogRecord[]>, output: string): Promise<Exported> {
  const partial = `${output}.partial`;
  const descriptor = openOutput(partial);
  try {
    const exported = await writeSlices(slices, descriptor);
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
  descriptor: number,
): Promise<Exported> {
  const progress = descriptor === 1 ? undefined : await startProgress("exported", undefined);
  const exported = { messages: 0, events: 0 };
  try {
    for await (const rows of slices) {
      let text = "";
      for (const row of rows) {
        text += `${JSON.stringify(row)}\n`;
        if ("event_key" in row) exported.events++;
        else if ("ts" in row) exported.messages++;
      }
      await writeAll(descriptor, text);
      progress?.show(exported.messages, exported.messages + exported.events);
    }
  } finally {
    progress?.stop();
  }
  return exported;
}

function openOutput(path: string): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    throw new UsageError(`can't write ${path}: ${(error as Error).message}`);
  }
}
