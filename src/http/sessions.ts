/**
 * Sessions of the dashboard: a cookie in place of the API token, which the page thus never keeps.
 * It is signed with a key made from the token, so nothing is stored and a token that is taken away
 * takes its sessions with it. Those that were signed out are remembered until they would be over.
 */
import { createHmac } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { equalInConstantTime } from "../lib/constant-time.ts";
import type { Authorize } from "./auth.ts";

const COOKIE = "postern_session";
const SESSION_MS = 12 * 3_600_000;
/** What only a page of the same origin can add to a request. */
const OWN_HEADER = "x-postern-ui";
const READING = new Set(["GET", "HEAD"]);

interface SessionsOptions {
  /** The tokens that count; sessions are signed by the first. */
  readonly tokens: readonly string[];
  readonly clock: Clock;
}

export class Sessions {
  readonly #tokens: readonly string[];
  readonly #keys: readonly Buffer[];
  readonly #clock: Clock;
  /** When those end that were signed out before, by what signs them. */
  readonly #signedOut = new Map<string, number>();

  constructor({ tokens, clock }: SessionsOptions) {
    this.#tokens = tokens;
    this.#keys = tokens.map((token) => createHmac("sha256", token).update("postern dashboard").digest());
    this.#clock = clock;
  }

  /** Without a token everybody may read: there is nothing to sign in to. */
  get areWanted(): boolean {
    return this.#keys.length > 0;
  }

  /** The value of `Set-Cookie` for one who has the token; undefined for everybody else. */
  begin(token: string, path: string, isSecure: boolean): string | undefined {
    let holds = false;
    for (const each of this.#tokens) holds = equalInConstantTime(each, token) || holds;
    const [key] = this.#keys;
    if (!holds || key === undefined) return undefined;
    const until = this.#clock.now() + SESSION_MS;
    return cookie(`${until}.${signature(key, until)}`, path, SESSION_MS / 1000, isSecure);
  }

  /**
   * Ends the request's session in this process, and gives the value of `Set-Cookie` that takes it
   * from the browser.
   */
  end(headers: Headers, path: string, isSecure: boolean): string {
    for (const [sent, until] of this.#signedOut) if (until <= this.#clock.now()) this.#signedOut.delete(sent);
    for (const { sent, until } of this.#of(headers)) this.#signedOut.set(sent, until);
    return cookie("", path, 0, isSecure);
  }

  /** When the session of a request ends, in milliseconds since 1970; undefined when it has none. */
  endOf(headers: Headers): number | undefined {
    return this.#of(headers)[0]?.until;
  }

  #of(headers: Headers): readonly { readonly sent: string; readonly until: number }[] {
    return cookiesOf(headers).flatMap((given) => {
      const [, text = "", sent = ""] = /^(\d{1,15})\.([\w-]{43})$/.exec(given) ?? [];
      const until = Number(text);
      let holds = false;
      for (const key of this.#keys) holds = equalInConstantTime(signature(key, until), sent) || holds;
      return holds && until > this.#clock.now() && !this.#signedOut.has(sent) ? [{ sent, until }] : [];
    });
  }

  /**
   * Whether the request is the dashboard's own: a session, and no page of elsewhere behind it. What
   * changes something has to prove that by its own header as well.
   */
  readonly authorize: Authorize = (headers, method) => {
    const reads = READING.has(method);
    if (!reads && headers.get(OWN_HEADER) !== "1") return false;
    return isOwnOrigin(headers, reads) && this.endOf(headers) !== undefined;
  };
}

export function hasSessionCookie(headers: Headers): boolean {
  return cookiesOf(headers).length > 0;
}

/**
 * `Sec-Fetch-Site` is set by the browser alone, but only on what goes by TLS or to loopback;
 * elsewhere `Origin` says it, which isn't on a page's own reads.
 */
function isOwnOrigin(headers: Headers, reads: boolean): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" || (reads && site === "none");
  const origin = headers.get("origin");
  if (origin === null) return reads;
  return origin.toLowerCase().replace(/^https?:\/\//, "") === headers.get("host")?.toLowerCase();
}

/** Several, where services stand side by side under one name. */
function cookiesOf(headers: Headers): string[] {
  const pairs = (headers.get("cookie") ?? "").split(/; */);
  return pairs.filter((pair) => pair.startsWith(`${COOKIE}=`)).map((pair) => pair.slice(COOKIE.length + 1));
}

function signature(key: Buffer, until: number): string {
  return createHmac("sha256", key).update(String(until)).digest("base64url");
}

function cookie(value: string, path: string, maxAgeS: number, isSecure: boolean): string {
  const flags = `Path=${path}; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict`;
  return `${COOKIE}=${value}; ${flags}${isSecure ? "; Secure" : ""}`;
}
