// What Linux says about a process: CPU time of all its threads and its memory.

import { readFileSync } from "node:fs";

const ticksPerSecond = Number(Bun.spawnSync(["getconf", "CLK_TCK"]).stdout.toString());

/** CPU time that all threads of the process have used, in user and kernel mode, in microseconds. */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const afterName = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [userTicks, systemTicks] = [Number(afterName[11]), Number(afterName[12])];
  return ((userTicks + systemTicks) * 1_000_000) / ticksPerSecond;
}

/**
 * The same of a process that may have ended since it was listed, as a server's helpers do: then 0.
 */
export function cpuMicrosIfRunning(pid: number): number {
  try {
    return cpuMicros(pid);
  } catch (error) {
    if (/^(ENOENT|ESRCH)$/.test((error as { code?: string }).code ?? "")) return 0;
    throw error;
  }
}

export function residentBytes(pid: number): number {
  return statusBytes(pid, "VmRSS");
}

export function peakResidentBytes(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

function statusBytes(pid: number, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(
    readFileSync(`/proc/${pid}/status`, "utf8"),
  )?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(kibibytes) * 1024;
}
