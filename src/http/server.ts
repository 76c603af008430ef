/**
 * The listeners. Bun parses HTTP and gives us requests; what its parser refuses by itself
 * (400, 431) never gets here. Nothing in this file knows what a route does.
 */
import { PortInUse, StartRefused } from "../core/errors.ts";
import type { Listener } from "../lib/route.ts";
import { type Answer, type Dispatch, IDLE_TIMEOUT_S } from "./dispatch.ts";

export interface Listening {
  readonly port: number;
  /** Accepts no further connection; requests on open ones are still answered. */
  readonly stopAccepting: () => void;
  /** Closes every connection. */
  readonly close: () => Promise<void>;
}

/** By the system's code for what can't be had. */
const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: "this user may not take a port below 1024. Put a proxy in front, or take a higher one",
  EADDRNOTAVAIL: "HOST is no address of this machine",
  EINVAL: "HOST is no address of this machine",
};

/** Listens, or throws `StartRefused` when the address can't be had. */
export function listen(
  dispatch: Dispatch,
  hostname: string,
  port: number,
  listener: Listener | "all",
  idleTimeoutS = IDLE_TIMEOUT_S,
): Listening {
  const heard = (answer: Answer) => (request: Bun.BunRequest | Request, bun: Bun.Server<undefined>) =>
    answer(request, bun.requestIP(request) ?? undefined, bun);
  const { routes, otherwise } = dispatch.answers(listener);
  try {
    const server = Bun.serve({
      hostname,
      port,
      idleTimeout: idleTimeoutS,
      // Ours is the limit that counts: Bun's own 413 would be neither counted nor logged.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      routes: Object.fromEntries(Object.entries(routes).map(([match, answer]) => [match, heard(answer)])),
      fetch: heard(otherwise),
    });
    return {
      port: server.port ?? port,
      stopAccepting: () => void server.stop(false),
      close: () => server.stop(true),
    };
  } catch (error) {
    if ((error as { code?: string }).code === "EADDRINUSE")
      throw new PortInUse(hostname, listener === "read" ? "READ_PORT" : "PORT", port);
    const { code, message } = error as { code?: string; message?: string };
    const reason = (code && REMEDIES[code]) ?? message ?? String(error);
    throw new StartRefused(`can't listen on ${hostname}:${port}: ${reason}`);
  }
}
