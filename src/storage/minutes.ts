/** When a minute began, of the first 16 characters of an instant; seconds since 1970. */
export function secondsOf(minute: string): number {
  const ms = Date.parse(`${minute}:00Z`);
  // Where the disk has changed it, the record counts all the same.
  return Number.isNaN(ms) ? 0 : ms / 1000;
}
