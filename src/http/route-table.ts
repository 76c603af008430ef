/**
 * The targets that a listener serves, as Bun's router takes them. It compares the target as it was
 * sent, while `Request.url` has lost `..`, `%2e%2e` and `\`: no request may be routed by that, or a
 * path that a proxy lets through becomes another one here (`docs/decisions/0019-…`).
 */
import type { Listener, Route } from "../lib/route.ts";

/** All routes of one path, or of one pattern. */
interface Entry {
  readonly pattern: string;
  readonly routes: readonly Route[];
  /** The value of `Allow`. */
  readonly allow: string;
}

/** One way to spell a path that is served. */
export interface Target {
  /** For Bun's router; `/messages/:message_id` is one segment that isn't empty. */
  readonly match: string;
  readonly entry: Entry;
  /** One slash too many: it leads to the entry's path, and isn't served itself. */
  readonly redirects: boolean;
  readonly hasParameters: boolean;
}

const PARAMETER = /^\{([a-z_]+)\}$/;
const PARAMETERS = /\{([a-z_]+)\}/g;
/** Longer paths than this are unknown, and so is how they were spelt. */
const UNKNOWN_SEGMENTS_MAX = 8;
/** What a path has to escape; a backslash stays, because it was sent. */
const NOT_PLAIN = /[^\w.~!$&'()*+,;=:@\\-]/gu;

/** What the listener serves; constant paths count before patterns. */
export function targetsOf(routes: readonly Route[], listener: Listener | "all"): readonly Target[] {
  const served = routes.filter((route) => listener === "all" || route.listener === listener);
  return [...Map.groupBy(served, ({ path }) => path)].flatMap(([pattern, found]) => {
    const entry = entryOf(pattern, found);
    const match = pattern.replace(PARAMETERS, ":$1");
    const target = { match, entry, redirects: false, hasParameters: match !== pattern };
    // Only one spelling of the root is there.
    if (match === "/") return [target];
    const slashed = { ...target, match: `${match}/` };
    if (found.some(({ slashWanted }) => slashWanted)) return [{ ...target, redirects: true }, slashed];
    if (!pattern.endsWith("}")) return [target, { ...slashed, redirects: true }];
    return found.some(({ slashServed }) => slashServed) ? [target, slashed] : [target];
  });
}

/**
 * For Bun's router: paths of any name, for what no target fits. Of longer ones only `Request.url`
 * is known.
 */
export const UNKNOWN: readonly string[] = Array.from({ length: UNKNOWN_SEGMENTS_MAX }, (_, index) => {
  const match = Array.from({ length: index + 1 }, (_, segment) => `/:segment${segment}`).join("");
  return [match, `${match}/`];
}).flat();

/**
 * The parameters of a path, decoded; undefined where the path isn't the one that was sent (then
 * `sent`, the router's own reading, differs from it), and for broken escapes or UTF-8, U+0000, `.`
 * and `..`. A dot segment has no spelling that every proxy leaves alone (RFC 3986, 6.2.2), so none
 * is an identifier in a path.
 */
export function parametersOf(
  path: string,
  pattern: string,
  sent: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  const segments = path.replace(/\/$/, "").split("/");
  const wanted = pattern.split("/");
  if (segments.length !== wanted.length) return undefined;
  const found: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const name = PARAMETER.exec(wanted[index] ?? "")?.[1];
    const text = name === undefined ? undefined : parameterOf(segment, sent[name]);
    if (name === undefined ? segment !== wanted[index] : text === undefined) return undefined;
    if (name !== undefined && text !== undefined) found[name] = text;
  }
  return found;
}

function parameterOf(raw: string, sent: string | undefined): string | undefined {
  if (/[\\#]/.test(raw)) return undefined;
  const text = decode(raw);
  return text !== sent || text === "." || text === ".." || text?.includes("\0") ? undefined : text;
}

/** For people: the path as it was sent, where what the router saw says that it was another one. */
export function sentPath(path: string, match: string, params: Readonly<Record<string, string>>): string {
  const [, ...names] = match.split("/");
  const segments = names.map((name) => (name.startsWith(":") ? (params[name.slice(1)] ?? "") : name));
  const mayBeLost = segments.some((segment) => /^\.\.?$|\\/.test(segment));
  if (!mayBeLost || decode(path) === `/${segments.join("/")}`) return path;
  return `/${segments.map((segment) => segment.toWellFormed().replace(NOT_PLAIN, encodeURIComponent)).join("/")}`;
}

function entryOf(pattern: string, routes: readonly Route[]): Entry {
  const told = routes.filter(({ method }) => method !== "OPTIONS");
  const allow = told.map(({ method }) => (method === "GET" ? "GET, HEAD" : method)).join(", ");
  return { pattern, routes, allow };
}

/** Undefined for broken escapes or UTF-8. */
function decode(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}
