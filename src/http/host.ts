/**
 * The `Host` of a request: whether it is one at all, and whether a page that a stranger serves may
 * be behind it. By DNS rebinding a page of `evil.example` reads from an address behind the firewall
 * as from its own origin; what it can't do is name another host than its own.
 */
import { hostName } from "../lib/host-name.ts";
import { canonicalAddress } from "../lib/ip-address.ts";

/** RFC 3986, 3.2.2, without the comma, by which Bun joins two lines of `Host`. */
const HOST = /^(?:[\w.~!$&'()*+;=%-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;
const LOOPBACK = /^(?:.+\.)?localhost$/;

/**
 * Whether a `Host` header is one host. HTTP/1.0 has none; without it in HTTP/1.1 Bun answers 400 by
 * itself.
 */
export function isHost(given: string | null): boolean {
  return given === null || HOST.test(given);
}

/** Whether a browser asks under a name that is neither an address, nor loopback, nor allowed. */
export function foreignPage(allowed: ReadonlySet<string>): (headers: Headers) => boolean {
  return (headers) => {
    if (!mayBeBrowser(headers)) return false;
    const name = hostName(headers.get("host") ?? "");
    return canonicalAddress(name) === undefined && !LOOPBACK.test(name) && !allowed.has(name);
  };
}

/** Whether an address to listen on (`HOST`) is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return /^(127\.|::1$|\[::1\]$|localhost$)/.test(host);
}

/**
 * Why a request may change nothing; undefined when it may. Without a token (`guarded`) a change is
 * for programs of this machine alone, and for no page of elsewhere in a browser on it.
 */
export function changeRefusal(guarded: boolean, host: string): (headers: Headers) => string | undefined {
  if (guarded) return () => undefined;
  if (!isLoopback(host)) return () => "set API_TOKEN to use this, or HOST to a loopback address";
  return (headers) =>
    fromOtherOrigin(headers) ? "asked by a page of another origin: set API_TOKEN to use this" : undefined;
}

/**
 * Of another host or port, or of none (`null`, a sandboxed page). Such a page needs no answer for
 * its request to have an effect.
 */
function fromOtherOrigin(headers: Headers): boolean {
  if (/^(?:cross|same)-site$/.test(headers.get("sec-fetch-site") ?? "")) return true;
  const origin = headers.get("origin")?.toLowerCase();
  return origin !== undefined && origin.replace(/^https?:\/\//, "") !== headers.get("host")?.toLowerCase();
}

/**
 * `Origin` isn't on a GET to a page's own origin, and `Sec-Fetch-Site` only on what goes by TLS or
 * to loopback, so that a rebound page's GET shows itself by `Accept-Language` alone, to which the
 * page may give any value. Node's fetch sends that too, but with `Sec-Fetch-Mode` beside it: a
 * browser sends all of `Sec-Fetch-*` or none, and lets no page set one.
 */
function mayBeBrowser(headers: Headers): boolean {
  if (headers.has("origin") || headers.has("sec-fetch-site")) return true;
  return headers.has("accept-language") && !headers.has("sec-fetch-mode");
}
