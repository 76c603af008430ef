/** Where the messages are, as a URL says it. */

export interface DatabaseUrl {
  readonly engine: "sqlite";
  /** Absolute, or relative to the working directory. */
  readonly path: string;
}

/**
 * Reads `sqlite:////absolute/path.db` or `sqlite:///relative/path.db`. Undefined for everything else, in-memory
 * databases included: they could not keep the promise of a 200.
 */
export function parseDatabaseUrl(url: string): DatabaseUrl | undefined {
  const path = /^sqlite:\/\/\/([^?#]+)$/.exec(url)?.[1];
  if (path === undefined || path.includes(":memory:") || path.includes("\0") || path.endsWith("/"))
    return undefined;
  return { engine: "sqlite", path };
}
