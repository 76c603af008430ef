/**
 * Which routes a path leads to. Constant paths are one look into a map; only what is none is compared with the few
 * patterns, on the path as received, so that an escaped slash in a parameter stays a part of it.
 */
import type { Listener, Route } from "../lib/route.ts";

/** All routes of one path, or of one pattern. */
export interface Entry {
  readonly pattern: string;
  readonly routes: readonly Route[];
  /** The value of `Allow`. */
  readonly allow: string;
}

export interface Match {
  readonly entry: Entry;
  /** What stands in the pattern's place, decoded; empty for a constant path. */
  readonly parameter: string;
}

const PARAMETER = /^(.*\/)\{[a-z_]+\}$/;

export class RouteTable {
  readonly #constant: ReadonlyMap<string, Match>;
  readonly #patterns: readonly { readonly prefix: string; readonly entry: Entry }[];

  /** Of the routes that the listener serves. */
  constructor(routes: readonly Route[], listener: Listener | "all") {
    const served = routes.filter((route) => listener === "all" || route.listener === listener);
    const entries = [...Map.groupBy(served, ({ path }) => path)].map(([pattern, found]) =>
      entryOf(pattern, found),
    );
    this.#constant = new Map(
      entries
        .filter(({ pattern }) => !PARAMETER.test(pattern))
        .map((entry) => [entry.pattern, { entry, parameter: "" }]),
    );
    this.#patterns = entries.flatMap((entry) => {
      const prefix = PARAMETER.exec(entry.pattern)?.[1];
      return prefix === undefined ? [] : [{ prefix, entry }];
    });
  }

  find(path: string): Match | undefined {
    return this.#constant.get(path) ?? this.#byPattern(path);
  }

  /** The constant path that lacks nothing but the slash at the end. */
  withoutSlash(path: string): string | undefined {
    const bare = path.endsWith("/") ? path.slice(0, -1) : "";
    return this.#constant.has(bare) ? bare : undefined;
  }

  #byPattern(path: string): Match | undefined {
    for (const { prefix, entry } of this.#patterns) {
      if (!path.startsWith(prefix)) continue;
      const raw = path.slice(prefix.length);
      const parameter = raw.includes("/") ? undefined : decode(raw);
      return parameter === undefined || parameter === "" ? undefined : { entry, parameter };
    }
    return undefined;
  }
}

function entryOf(pattern: string, routes: readonly Route[]): Entry {
  const allow = routes.map(({ method }) => (method === "GET" ? "GET, HEAD" : method)).join(", ");
  return { pattern, routes, allow };
}

/** Undefined for broken escapes or UTF-8, and for U+0000, which no identifier has. */
function decode(raw: string): string | undefined {
  try {
    const text = decodeURIComponent(raw);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
