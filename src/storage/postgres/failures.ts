/** What an error of the server or of a connection means for whoever waits. */

/**
 * `data`: the engine refuses the delivery itself; `again`: the same may succeed at once; `lost`: the connection is gone,
 * and with it the knowledge of what became of a transaction; `unavailable`: the server can't write now.
 */
export type FailureKind = "data" | "again" | "lost" | "unavailable";

/** What no server and no connection says, but a defect of ours; every other word is Bun's or the system's for a connection. */
const DEFECT = /^($|ERR_INVALID|ERR_OUT_OF_RANGE)/;
/** Serialization failures, deadlocks, and waits that took too long. */
const AGAIN = /^(40001|40P01|55P03|57014)$/;
/**
 * Connection exceptions, commits whose outcome the server doesn't know, and sessions that the server ends, because it is
 * stopped or because they were silent: what these were committing may be committed.
 */
const LOST = /^(08|25P03|40003|57P0[123])/;
/**
 * Insufficient resources, operator intervention, read-only servers, system errors, and what is wrong with tables or
 * rights: no delivery can do anything about it.
 */
const UNAVAILABLE = /^(53|57P|25006|58|XX|3D000|28|42)/;

export function failureOf(error: unknown): { readonly kind: FailureKind; readonly reason: string } {
  const text = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  return { kind: kindOf(code), reason: `${code} ${text}`.trim() };
}

/** A statement that was ended because its time was over. */
export function isTimeout(error: unknown): boolean {
  return codeOf(error) === "57014";
}

/** The server's SQLSTATE, else what Bun or the system calls it. */
function codeOf(error: unknown): string {
  const { errno, code } = error as { errno?: unknown; code?: unknown };
  if (typeof errno === "string" && /^[0-9A-Z]{5}$/.test(errno)) return errno;
  return typeof code === "string" ? code : "";
}

function kindOf(code: string): FailureKind {
  if (!/^[0-9A-Z]{5}$/.test(code)) return DEFECT.test(code) ? "data" : "lost";
  if (AGAIN.test(code)) return "again";
  if (LOST.test(code)) return "lost";
  return UNAVAILABLE.test(code) ? "unavailable" : "data";
}
