/**
 * The files from which Postern is deployed, as text, so that a test can also look at one with a
 * mistake in it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { SETTINGS } from "../../src/config.ts";
import { describeService } from "../../src/serve.ts";

const ROOT = resolve(import.meta.dir, "../..");
const KUBERNETES = "deploy/kubernetes";

/** By path from the repository's folder. */
export type Files = ReadonlyMap<string, string>;

export function readDeployFiles(): Files {
  const manifests = readdirSync(join(ROOT, KUBERNETES)).map((name) => `${KUBERNETES}/${name}`);
  const others = ["Dockerfile", "deploy/Caddyfile", "deploy/Caddyfile.balancer", "src/http/dispatch.ts"];
  const compose = readdirSync(ROOT).filter((name) => /^docker-compose.*\.yml$/.test(name));
  return new Map(
    [...manifests, ...others, ...compose].map((path) => [path, readFileSync(join(ROOT, path), "utf8")]),
  );
}

export function isThere(path: string): boolean {
  return existsSync(join(ROOT, path));
}

/** The text of a file that has to be there. */
export function textOf(files: Files, path: string): string {
  const text = files.get(path);
  if (text === undefined) throw new Error(`there is no ${path}`);
  return text;
}

interface ReadVariable {
  /** Without `_FILE`. */
  readonly name: string;
  readonly isFile: boolean;
  /** Whether the program takes this value. */
  readonly takes: (value: string) => boolean;
}

/** Undefined: the program reads no variable of that name. */
export function readVariable(given: string): ReadVariable | undefined {
  const settings: readonly { readonly name: string; readonly parse: (text: string) => unknown }[] =
    Object.values(SETTINGS);
  const isFile = given.endsWith("_FILE");
  const name = isFile ? given.slice(0, -"_FILE".length) : given;
  const setting = settings.find((row) => row.name === name);
  if (setting === undefined) return undefined;
  return { name, isFile, takes: (value) => value === "" || setting.parse(value) !== undefined };
}

/** Paths that can be asked for with GET. */
export function getPaths(): readonly string[] {
  const { paths } = describeService() as { paths: Record<string, Record<string, unknown>> };
  return Object.entries(paths)
    .filter(([, methods]) => "get" in methods)
    .map(([path]) => path);
}

/** What the image's own environment says. */
export function imageEnvironment(files: Files): ReadonlyMap<string, string> {
  const [, lines = ""] = /^ENV ((?:.*\\\n)*.*)$/m.exec(textOf(files, "Dockerfile")) ?? [];
  return new Map([...lines.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = "", value = ""]) => [name, value]));
}
