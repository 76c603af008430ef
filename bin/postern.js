#!/usr/bin/env node
/**
 * The command `postern` of the npm package, under whichever runtime starts it: Bun runs the program right here, Node
 * starts the Bun that the package brings along and stands in for it: same input and output, signals and exit code.
 * Neither takes settings from a `.env` or a `bunfig.toml` of the folder it is started in.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = new URL("../src/main.ts", import.meta.url);
const BUNFIG = new URL("../bunfig.toml", import.meta.url);

if (process.versions.bun === undefined) runUnderBun();
else {
  refuseEnvFile();
  await import(MAIN.href);
}

function runUnderBun() {
  const options = [`--config=${fileURLToPath(BUNFIG)}`, "--no-env-file"];
  const child = spawn(findBun(), [...options, fileURLToPath(MAIN), ...process.argv.slice(2)], {
    stdio: "inherit",
    // Bun reads it when it starts; with 256 requests at a time receivers that hang hold up deliveries to others.
    env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "65535", ...process.env },
  });
  // Ctrl-C reaches the whole group of a terminal; passed on once more it would mean: stop now.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on("SIGINT", () => terminal || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => refuse(`can't start Bun: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}

/** What Bun has read from such a file before this line can't be told from what its starter wanted. */
function refuseEnvFile() {
  if (process.execArgv.some((option) => /^--(no-)?env-file\b/.test(option))) return;
  const ends = [
    "",
    ".local",
    ...["", ".local"].map((end) => `.${process.env.NODE_ENV ?? "development"}${end}`),
  ];
  const found = ends.map((end) => `.env${end}`).find((name) => existsSync(name));
  if (found === undefined) return;
  refuse(
    `Bun has read ${found} of this folder, and Postern takes no settings from it by accident: ` +
      "start it by Node, or by `bun --no-env-file`, or on purpose by `bun --env-file=FILE`",
  );
}

function findBun() {
  try {
    const path = createRequire(import.meta.url).resolve("bun/package.json");
    const { bin } = createRequire(import.meta.url)(path);
    return join(dirname(path), bin.bun);
  } catch (error) {
    return refuse(`the npm package "bun", which runs it, is not installed: ${error.message.split("\n")[0]}`);
  }
}

function refuse(reason) {
  process.stderr.write(`postern: ${reason}\n`);
  process.exit(1);
}
