/**
 * Runs all tests, as `make test` does: the files side by side, then what reaches the store once
 * more on PostgreSQL, then those that measure time, one after the other and alone. They share one
 * server of PostgreSQL and one executable. Each part goes on whatever came of the one before, and
 * prints its own sums. `--long` gives each test ten times as long and all files a disk.
 */
import { chmodSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { newPostgresServer } from "../tests/postgres/own-server.ts";

const ROOT = resolve(import.meta.dir, "..");
/** They measure how long an answer takes while somebody attacks. */
const ALONE = ["tests/attacks/"];
/** What they ask ends in the store; `tests/gate` asks what is answered without it. */
const ON_EACH_ENGINE = [
  "tests/http/",
  "tests/providers/",
  "tests/deliver/replay",
  "tests/faults/kill",
  "tests/ledger/ledger",
  "tests/ledger/mutations",
];
/** Begin with these: whatever takes long keeps others waiting when it comes last. */
const LONG = [
  "tests/contract/sqlite",
  "tests/faults/postgres-",
  "tests/contract/",
  "tests/cli/migrate",
  "tests/ledger/",
  "tests/ui/",
  "tests/docs/pages",
];
/**
 * Each start of Postern gives its log 64 MiB, a thousand times and more in a run, which would
 * mostly wait for a disk. What a test kills is a process, whose writes the system has, so a file in
 * memory shows the same.
 */
const MEMORY = { folder: "/dev/shm", bytesMin: 4 * 1024 ** 3 };
/**
 * Files at a time for each processor: most of them wait for a disk or another process half of their
 * time.
 */
const FILES_PER_PROCESSOR = 2;
/** Of what a failed test says, as repeated at the end. */
const ERROR_LINES_MAX = 24;
/** They share the connections of one PostgreSQL. */
const FILES_MAX = 8;

type Engine = "sqlite" | "postgres";

const { values } = parseArgs({ options: { long: { type: "boolean", default: false } } });
const testMsMax = values.long ? 600_000 : 120_000;
const files = [...new Bun.Glob("{src,tests}/**/*.test.ts").scanSync(ROOT)].sort();
const startWith = (beginnings: readonly string[]) => (file: string) =>
  beginnings.some((beginning) => file.startsWith(beginning));

const folder = mkdtempSync(join(values.long || !hasMemory() ? tmpdir() : MEMORY.folder, "postern-run-"));
// As a temporary folder is: servers that run as `nobody` remove their own in it.
chmodSync(folder, 0o1777);
process.env["TMPDIR"] = folder;
const executable = join(folder, "postern");
const timings = join(folder, "timings.json");
const server = process.env["POSTGRES_URL"] ? undefined : await newPostgresServer();
let running: Bun.Subprocess<"ignore", "inherit", "pipe"> | undefined;
let stopped = false;
/** Each test that failed, after what its error says, to be read at the end of a long output. */
const failures: string[] = [];
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    stopped = true;
    running?.kill(signal);
  });

function hasMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY.folder);
    return process.env["TMPDIR"] === undefined && bavail * bsize >= MEMORY.bytesMin;
  } catch {
    return false;
  }
}

/** Whether it ended well. */
async function bun(args: readonly string[], engine: Engine = "sqlite"): Promise<boolean> {
  running = Bun.spawn([process.execPath, ...args], {
    cwd: ROOT,
    env: {
      ...process.env,
      POSTERN_TEST_ENGINE: engine,
      POSTERN_TEST_EXECUTABLE: executable,
      ...(server !== undefined && { POSTERN_TEST_SERVER: server.url("postgres") }),
    },
    stdio: ["ignore", "inherit", "pipe"],
  });
  await passOn(running.stderr);
  return (await running.exited) === 0;
}

/** Bun writes what tests came to on stderr. */
async function passOn(output: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  let errors: string[] = [];
  for await (const chunk of output) {
    process.stderr.write(chunk);
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (/^\((pass|fail|skip)\)/.test(line)) {
        // Bun says each failure once more at its end.
        if (line.startsWith("(fail)") && !failures.includes(line)) failures.push(...errors, line);
        errors = [];
      } else if (/^ {2}\^ this test/.test(line)) failures.push(line);
      // What was expected, what came instead, and where; the source before it is left out.
      else if (/^\w*error:/i.test(line)) errors = [line.slice(0, 300)];
      else if (errors.length > 0 && errors.length < ERROR_LINES_MAX && line !== "")
        errors.push(line.slice(0, 300));
    }
  }
}

async function part(
  name: string,
  chosen: readonly string[],
  engine: Engine,
  ...flags: string[]
): Promise<boolean> {
  if (stopped) return false;
  console.log(`\n${name}: ${chosen.length} files`);
  const startedAt = performance.now();
  const paths = chosen.map((file) => `./${file}`);
  const passed = await bun(["test", "--timeout", String(testMsMax), ...flags, ...paths], engine);
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${name}: ${passed ? "passed" : "FAILED"} in ${seconds.toFixed(0)} s`);
  return passed;
}

try {
  // In the form of Bun's own file of how long each took: the longest begins.
  const ms = (file: string) => (startWith(LONG)(file) ? 60_000 : 1000);
  await Bun.write(
    timings,
    JSON.stringify({ version: 1, files: Object.fromEntries(files.map((file) => [file, ms(file)])) }),
  );
  const sideBySide = [
    `--parallel=${Math.min(FILES_MAX, FILES_PER_PROCESSOR * availableParallelism())}`,
    // Modules and threads serve more than one file, as in a run of one process.
    "--no-isolate",
    `--timings=${timings}`,
  ];
  if (!(await bun(["scripts/compile.ts", executable]))) throw new Error("the executable wasn't made");
  const isAlone = startWith(ALONE);
  const passed = [
    await part(
      "side by side",
      files.filter((file) => !isAlone(file)),
      "sqlite",
      ...sideBySide,
    ),
    await part("on PostgreSQL", files.filter(startWith(ON_EACH_ENGINE)), "postgres", ...sideBySide),
    await part("alone", files.filter(isAlone), "sqlite"),
  ];
  if (failures.length > 0) console.log(`\nFailed:\n${failures.join("\n")}`);
  process.exitCode = passed.every(Boolean) ? 0 : 1;
} finally {
  await server?.remove();
  rmSync(folder, { recursive: true, force: true });
}
