/** The work of `postern export`: the log, slice by slice, to stdout or to a file that is whole or not there. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { DatabaseUrl } from "../core/database-url.ts";
import type { LoggedMessage } from "../core/message.ts";
import { syncFolder } from "../lib/sync-folder.ts";
import { exportFrom } from "../storage/open.ts";
import { UsageError } from "./errors.ts";
import { print, writeAll } from "./output.ts";
import { startProgress } from "./progress.ts";

export interface ExportFlags {
  readonly output?: string;
  readonly sinceSeq: number;
}

/** Resolves with the exit code. */
export async function exportMessages(url: DatabaseUrl, flags: ExportFlags): Promise<number> {
  const slices = exportFrom(url, flags.sinceSeq);
  if (flags.output === undefined) {
    await writeSlices(slices, 1);
    return 0;
  }
  const messages = await writeFile(slices, flags.output);
  await print(`exported ${messages} messages to ${flags.output}`);
  return 0;
}

async function writeFile(slices: Iterable<readonly LoggedMessage[]>, output: string): Promise<number> {
  const partial = `${output}.partial`;
  const descriptor = openOutput(partial);
  try {
    const messages = await writeSlices(slices, descriptor);
    fsyncSync(descriptor);
    renameSync(partial, output);
    syncFolder(dirname(resolve(output)));
    return messages;
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

async function writeSlices(slices: Iterable<readonly LoggedMessage[]>, descriptor: number): Promise<number> {
  const progress = descriptor === 1 ? undefined : await startProgress("exported", undefined);
  let messages = 0;
  try {
    for (const rows of slices) {
      let text = "";
      for (const row of rows) text += `${JSON.stringify(row)}\n`;
      await writeAll(descriptor, text);
      messages += rows.length;
      progress?.show(messages, messages);
    }
  } finally {
    progress?.stop();
  }
  return messages;
}

function openOutput(path: string): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    throw new UsageError(`can't write ${path}: ${(error as Error).message}`);
  }
}
