/** How much processor time work takes: unlike a clock's, it is the same beside other tests. */

/** Milliseconds of this process, all of its threads together. */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
