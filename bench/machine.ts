// What a figure depends on: the programs that must be there, the machine, the versions and the file
// system.

import { Database } from "bun:sqlite";
import { readFileSync, realpathSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { nodeVersions } from "./node.ts";
import { python } from "./servers.ts";

/** The Debian package of each Python module. */
const debianPackages: Record<string, string> = {
  fastapi: "python3-fastapi",
  uvicorn: "python3-uvicorn",
  uvloop: "python3-uvloop",
  httptools: "python3-httptools",
  prometheus_client: "python3-prometheus-client",
  asyncpg: "python3-asyncpg",
};
const referenceModules = ["fastapi", "uvicorn", "uvloop", "httptools", "prometheus_client"];
/** The Python modules that a server takes. */
const modulesOf: Record<string, string[]> = {
  fastapi: referenceModules,
  "fastapi-postgres": [...referenceModules, "asyncpg"],
};

/** The Debian packages that are missing for the given servers. */
export function missingPackages(serverNames: string[]): string[] {
  const missing = Bun.which("wrk") ? [] : ["wrk"];
  const modules = [...new Set(serverNames.flatMap((name) => modulesOf[name] ?? []))];
  if (modules.length === 0) return missing;
  const probe = `import importlib.util as u; print(*[m for m in ${JSON.stringify(modules)} if not u.find_spec(m)])`;
  const absent = runPython(probe)?.split(" ") ?? modules;
  return [...missing, ...absent.flatMap((module) => debianPackages[module] ?? [])];
}

/** One line: date, machine and versions; no host name and no path. */
export function machineLine(databaseFolder: string, now: Date): string {
  return [
    now.toISOString().slice(0, 10),
    `${cpus()[0]?.model ?? "unknown CPU"}, ${cpus().length} cores`,
    `load average at the start ${loadavg()[0]?.toFixed(2)}`,
    `Linux ${release()}`,
    `databases on ${fileSystemType(databaseFolder)}`,
    `Bun ${Bun.version} with SQLite ${bunSqliteVersion()}`,
    pythonVersions(),
    ...nodeVersions(),
    Bun.spawnSync(["wrk", "-v"]).stdout.toString().split(" [")[0] ?? "wrk",
  ].join(" · ");
}

/**
 * The type of the file system that holds a folder, such as ext4; by the longest mount point above
 * it.
 */
export function fileSystemType(folder: string): string {
  const path = `${realpathSync(folder)}/`;
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, point]) => point && path.startsWith(point.endsWith("/") ? point : `${point}/`));
  return mounts.sort(([, a = ""], [, b = ""]) => b.length - a.length)[0]?.[2] ?? "unknown";
}

/** File systems in memory, where an fsync costs nothing and the stores' figures mean nothing. */
export function isMemory(fileSystem: string): boolean {
  return fileSystem === "tmpfs" || fileSystem === "ramfs";
}

function bunSqliteVersion(): string {
  const database = new Database(":memory:");
  const row = database.query<{ version: string }, []>("select sqlite_version() as version").get();
  database.close();
  return row?.version ?? "unknown";
}

function pythonVersions(): string {
  const versions = runPython(
    "import platform, fastapi, uvicorn, sqlite3; print('Python', platform.python_version(), 'with FastAPI', " +
      "fastapi.__version__, 'uvicorn', uvicorn.__version__, 'SQLite', sqlite3.sqlite_version)",
  );
  return versions ?? "no Python";
}

/** Of a Python module. */
export function moduleVersion(module: string): string {
  return `${module} ${runPython(`import ${module}; print(${module}.__version__)`) ?? "unknown"}`;
}

function runPython(program: string): string | null {
  if (!Bun.which(python)) return null;
  const run = Bun.spawnSync([python, "-c", program]);
  return run.exitCode === 0 ? run.stdout.toString().trim() : null;
}
