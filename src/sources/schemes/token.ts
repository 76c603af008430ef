/**
 * A header that equals the secret: no signature, so it proves who sent a request but not that it
 * arrived unchanged.
 */
import { equalInConstantTime } from "../../lib/constant-time.ts";
import { defineScheme, refused, type Scheme, secretBytes } from "./proof.ts";

/** Throws `SchemeError` for a blank secret. */
export function tokenScheme(options: { readonly header: string }, secrets: readonly string[]): Scheme {
  for (const secret of secrets) secretBytes(secret);
  return defineScheme({
    coversQuery: false,
    begin({ headers }) {
      const token = headers.get(options.header);
      if (token === null) return refused(`the header ${options.header} is missing`);
      let proven = false;
      for (const secret of secrets) proven = equalInConstantTime(secret, token) || proven;
      return proven ? () => ({ proven: true }) : refused(`the header ${options.header} is not the secret`);
    },
    sign: () => ({ headers: { [options.header]: secrets[0] ?? "" }, secretHeader: options.header }),
  });
}
