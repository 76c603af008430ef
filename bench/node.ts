// The Fastify reference's program and its packages, which are no packages of the project: they are
// installed when a run needs them, and again when Node or the list of them is another one.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const fastifyFolder = join(import.meta.dir, "fastify");
export const node = Bun.which("node") ?? "node";

const installedMark = join(fastifyFolder, "node_modules", ".installed");
const shownPackages = ["fastify", "better-sqlite3"];

/**
 * Takes a minute when better-sqlite3 has to be compiled, which needs Python, make and a C++
 * compiler.
 */
export function installFastify(): void {
  const wanted = `${nodeVersion()} ${readFileSync(join(fastifyFolder, "package-lock.json"), "utf8")}`;
  if (existsSync(installedMark) && readFileSync(installedMark, "utf8") === wanted) return;
  console.error("bench: installing the packages of the Fastify reference");
  const { exitCode, stderr } = Bun.spawnSync(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: fastifyFolder,
  });
  if (exitCode !== 0) throw new Error(`npm ci failed in bench/fastify: ${stderr.toString().trim()}`);
  writeFileSync(installedMark, wanted);
}

/** One entry, or none when the packages are not installed. */
export function nodeVersions(): string[] {
  const packages = shownPackages.flatMap((name) => {
    const path = join(fastifyFolder, "node_modules", name, "package.json");
    return existsSync(path) ? [`${name} ${JSON.parse(readFileSync(path, "utf8")).version}`] : [];
  });
  if (packages.length === 0) return [];
  const script =
    "new (require('better-sqlite3'))(':memory:').prepare('select sqlite_version()').pluck().get()";
  const sqlite = Bun.spawnSync([node, "-p", script], { cwd: fastifyFolder }).stdout.toString().trim();
  return [`Node ${nodeVersion()} with ${packages.join(", ")}, SQLite ${sqlite}`];
}

function nodeVersion(): string {
  return Bun.spawnSync([node, "--version"]).stdout.toString().trim();
}
