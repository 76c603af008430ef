#!/usr/bin/env node
/**
 * The command `postern` of the npm package, under whichever runtime starts it: Bun runs the program right here, Node
 * starts the Bun that the package brings along and stands in for it: same input and output, signals and exit code.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = new URL("../src/main.ts", import.meta.url);

if (process.versions.bun === undefined) runUnderBun();
else await import(MAIN.href);

function runUnderBun() {
  const child = spawn(findBun(), [fileURLToPath(MAIN), ...process.argv.slice(2)], {
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
