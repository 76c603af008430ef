/** The bearer token of reads. */
import { equalInConstantTime } from "../lib/constant-time.ts";

/** Whether a request may pass; without configured tokens everything may. */
export type Authorize = (headers: Headers) => boolean;

/** Accepts any of the tokens (several while one is rotated), compared in constant time. */
export function bearerAuth(tokens: readonly string[]): Authorize {
  if (tokens.length === 0) return () => true;
  return (headers) => {
    const given = /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (given === undefined) return false;
    let holds = false;
    for (const token of tokens) holds = equalInConstantTime(token, given) || holds;
    return holds;
  };
}
