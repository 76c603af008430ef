/**
 * Names that the service's processes resolve, and then don't: a hosts file and a resolver of their
 * own, mounted where they alone see them. The resolver is an address where nobody listens.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";

const RESOLVER = "nameserver 127.9.9.9\noptions timeout:1 attempts:1\n";
const namespaces = process.getuid?.() === 0 ? "unshare -m" : "unshare -Urm";

export interface Names {
  /** What runs before a process that is to resolve them: a shell that ends with `exec "$@"`. */
  readonly shell: string;
  /** Those that are 127.0.0.1 from now on, besides `localhost`; all others aren't resolved. */
  readonly know: (...names: readonly string[]) => void;
  readonly remove: () => void;
}

/** Undefined where this user may not mount anything in a namespace of its own. */
export function newNames(): Names | undefined {
  const folder = newFolder();
  const [hosts, resolver] = [join(folder.path, "hosts"), join(folder.path, "resolv.conf")];
  const know = (...names: readonly string[]) =>
    writeFileSync(hosts, `127.0.0.1 ${["localhost", ...names].join(" ")}\n`);
  know();
  writeFileSync(resolver, RESOLVER);
  const mounts = `mount --bind '${hosts}' /etc/hosts && mount --bind '${resolver}' /etc/resolv.conf`;
  const shell = `exec ${namespaces} sh -c "${mounts} && exec \\"\\$@\\"" sh "$@"`;
  if (Bun.spawnSync(["sh", "-c", shell, "sh", "true"]).exitCode === 0)
    return { shell, know, remove: () => folder.remove() };
  folder.remove();
  return undefined;
}
