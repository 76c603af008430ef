/** What an error of the server or of a connection means for whoever waits. */
import { StartRefused } from "../../../core/errors.ts";

/**
 * `data`: the engine refuses the intake itself; `again`: the same may succeed at once; `lost`: the
 * connection is gone, and with it the knowledge of what became of a transaction; `unavailable`: the
 * server can't write now.
 */
export type FailureKind = "data" | "again" | "lost" | "unavailable";

/**
 * What no server and no connection says, but a defect of ours; every other word is Bun's or the
 * system's for a connection.
 */
const DEFECT = /^($|ERR_INVALID|ERR_OUT_OF_RANGE)/;
/** Serialization failures, deadlocks, and waits that took too long. */
const AGAIN = /^(40001|40P01|55P03|57014)$/;
/**
 * Connection exceptions, commits whose outcome the server doesn't know, and sessions that the
 * server ends, because it is stopped or because they were silent: what these were committing may be
 * committed.
 */
const LOST = /^(08|25P03|40003|57P0[123])/;
/**
 * Insufficient resources, operator intervention, read-only servers, system errors, and what is
 * wrong with tables or rights: no intake can do anything about it.
 */
const UNAVAILABLE = /^(53|57P|25006|58|XX|3D000|3F000|28|42)/;

/** What waiting alone doesn't put right, beside the server's own words. */
const ADVICE: readonly (readonly [code: RegExp, advice: string])[] = [
  [/^28/, "the server doesn't let the URL's user in: look at its user and password, and at pg_hba.conf"],
  [/^3D000/, "the server has no database of the URL's name: make it, or correct the URL"],
  [/^(3F000|42501)/, "the URL's user lacks a privilege: it has to own the database, or be granted this one"],
];

interface FailureMeaning {
  readonly kind: FailureKind;
  /** For the log: no error of a server or a connection says a password. */
  readonly reason: string;
  /** Whether somebody has to do something about it. */
  readonly isLasting: boolean;
}

export function failureOf(error: unknown): FailureMeaning {
  const text = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  const [, advice] = ADVICE.find(([pattern]) => pattern.test(code)) ?? [];
  const reason = `${code} ${text}`.trim();
  return {
    kind: kindOf(code),
    reason: advice === undefined ? reason : `${reason} (${advice})`,
    isLasting: error instanceof StartRefused || advice !== undefined,
  };
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
