// How long the disk alone takes: the floor below which no durable answer can come. Run as a program
// with a folder, it prints the median.

import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { median } from "./report.ts";

const blockBytes = 4096;
const blocks = 1024;
const samples = 2000;

/**
 * The median time of overwriting 4 KiB of an existing file and waiting for its fdatasync, in
 * microseconds, by a program with this environment.
 */
export function fdatasyncP50Us(folder: string, environment: Record<string, string>): number {
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, import.meta.path, folder], {
    env: environment,
  });
  if (exitCode !== 0) throw new Error(`can't measure fdatasync: ${stderr.toString().trim()}`);
  return Number(stdout.toString());
}

function measure(folder: string): number {
  const file = openSync(join(folder, "fdatasync.bin"), "w");
  try {
    writeSync(file, Buffer.alloc(blockBytes * blocks, 1));
    fsyncSync(file);
    const block = Buffer.alloc(blockBytes, 2);
    return median(Array.from({ length: samples }, (_, index) => overwriteUs(file, block, index % blocks)));
  } finally {
    closeSync(file);
  }
}

function overwriteUs(file: number, block: Buffer, index: number): number {
  const startedNs = Bun.nanoseconds();
  writeSync(file, block, 0, blockBytes, index * blockBytes);
  fdatasyncSync(file);
  return (Bun.nanoseconds() - startedNs) / 1000;
}

if (import.meta.main) console.log(measure(process.argv[2] ?? "."));
