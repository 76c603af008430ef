// The time of what happens in two processes of this machine.

/** Milliseconds since 1970, to the microsecond, and steady while the process runs. */
export function instantMs(): number {
  return performance.timeOrigin + performance.now();
}
