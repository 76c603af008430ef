/** Host names as configuration and the `Host` header write them. */

const LABELS = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/;

/**
 * A name without its port and the dot of its root, in lower case; an IPv6 address keeps its
 * brackets.
 */
export function hostName(host: string): string {
  return host.replace(/:\d*$/, "").replace(/\.$/, "").toLowerCase();
}

/** Of names apart by commas; undefined when one of them is none, or has a port. */
export function parseHostNames(text: string): ReadonlySet<string> | undefined {
  const names = text
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "")
    .map((name) => name.replace(/\.$/, ""));
  return names.every((name) => LABELS.test(name)) ? new Set(names) : undefined;
}

/** As URLs have it: an IPv6 address, given with its brackets or without, stands in them. */
export function withPort(host: string, port: number | string): string {
  return `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}
