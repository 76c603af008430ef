/** Who may read: the bearer token, or the dashboard's session in its place. */
import { equalInConstantTime } from "../lib/constant-time.ts";

/** Whether a request may pass. */
export type Authorize = (headers: Headers, method: string) => boolean;

/**
 * Accepts any of the tokens (several while one is rotated), compared in constant time; without
 * configured tokens everything.
 */
export function bearerAuth(tokens: readonly string[]): (headers: Headers) => boolean {
  if (tokens.length === 0) return () => true;
  return (headers) => {
    const given = /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (given === undefined) return false;
    let holds = false;
    for (const token of tokens) holds = equalInConstantTime(token, given) || holds;
    return holds;
  };
}
