// A slower disk than the machine has: syncs of the servers that store take longer.

import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { Scratch } from "./scratch.ts";

/**
 * What makes each `fsync` and `fdatasync` of a program take so many microseconds more; nothing
 * for 0. Needs a C compiler (Debian's `gcc`) and throws without one.
 */
export function slowSync(scratch: Scratch, extraUs: number): Record<string, string> {
  if (extraUs === 0) return {};
  const library = join(scratch.folder, "slow-sync.so");
  const source = join(import.meta.dir, "slow_sync.c");
  const compiled = Bun.spawnSync(["cc", "-shared", "-fPIC", "-O2", "-o", library, source]);
  if (compiled.exitCode !== 0)
    throw new Error(`can't compile ${source}: ${compiled.stderr.toString().trim()}`);
  // PostgreSQL runs as another user.
  chmodSync(scratch.folder, 0o711);
  return { LD_PRELOAD: library, BENCH_SYNC_EXTRA_US: String(extraUs) };
}

/** For the line that says what was measured on. */
export function slowerLine(extraUs: number): string {
  return extraUs === 0 ? "" : ` · every sync ${extraUs} µs slower than the disk's`;
}
