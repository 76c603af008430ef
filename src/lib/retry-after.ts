/** The header `Retry-After` of an answer. */

/**
 * RFC 9110, section 10.2.3: seconds, or a date. Undefined when it says nothing that can be
 * followed.
 */
export function retryAfterMs(header: string | null, now: number, msMax: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^[0-9]{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), msMax);
}
