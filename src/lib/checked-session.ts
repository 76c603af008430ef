/** Connections to an address that was checked, whose host is known by its name. */
import { isIP } from "node:net";

interface SessionOptions {
  readonly keepAlive: false | { readonly idleTimeout: number };
  /** PEM; certificates of these authorities are accepted instead of the system's. */
  readonly ca?: string | undefined;
}

/**
 * Through no proxy. The host's own certificate is asked for, whichever of its addresses the request
 * goes to.
 */
export function checkedSession(host: string, { keepAlive, ca }: SessionOptions): Bun.FetchSession {
  return new Bun.FetchSession({
    proxy: false,
    keepAlive,
    tls: {
      rejectUnauthorized: true,
      ...(isIP(host) === 0 && { serverName: host }),
      ...(ca !== undefined && { ca }),
    },
  });
}
