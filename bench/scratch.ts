// The temporary folder of a benchmark and the processes it started. Whatever way the benchmark
// ends, nothing of both stays.

import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";

export type Scratch = { folder: string; children: Set<Subprocess> };

/**
 * Makes a folder below `parent`; an interrupt from now on closes the scratch and ends the program
 * with 130.
 */
export function openScratch(parent: string): Scratch {
  const scratch: Scratch = {
    folder: mkdtempSync(join(resolve(parent), "postern-bench-")),
    children: new Set(),
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      closeScratch(scratch);
      process.exit(130);
    });
  }
  return scratch;
}

export function closeScratch(scratch: Scratch): void {
  killChildren(scratch);
  rmSync(scratch.folder, { recursive: true, force: true });
}

/** Ends what a failed part of a benchmark left running. */
export function killChildren(scratch: Scratch): void {
  for (const child of scratch.children) child.kill("SIGKILL");
}

/** Remembers a child until it exits. */
export function track<Child extends Subprocess>(scratch: Scratch, child: Child): Child {
  scratch.children.add(child);
  child.exited.finally(() => scratch.children.delete(child));
  return child;
}
