// What the commands share at their start and end: reading flags, checking that their tools are
// there, the scratch folder, giving up.

import { missingPackages } from "./machine.ts";
import { installFastify } from "./node.ts";
import { closeScratch, openScratch, type Scratch } from "./scratch.ts";

export function wholeNumber(flag: string, text: string): number {
  if (!/^[1-9][0-9]{0,7}$/.test(text)) throw new Error(`--${flag} takes whole numbers from 1, got '${text}'`);
  return Number(text);
}

/** Words with commas between, each one of those that there are. */
export function listOf(flag: string, words: readonly string[], text: string): string[] {
  const given = text.split(",");
  const unknown = given.find((word) => !words.includes(word));
  if (unknown !== undefined) throw new Error(`--${flag} takes ${words.join(", ")}, got '${unknown}'`);
  return given;
}

/** Whole numbers from 1 with commas between, each once, ascending. */
export function ascending(flag: string, text: string): number[] {
  const numbers = text.split(",").map((each) => wholeNumber(flag, each));
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** A whole number that may be nothing. */
export function microseconds(flag: string, text: string): number {
  return text === "0" ? 0 : wholeNumber(flag, text);
}

/** Reads flags; a wrong one ends the program with one line and exit code 2. */
export function readOptions<Options>(read: () => Options, usage: string): Options {
  try {
    return read();
  } catch (error) {
    return giveUp(`${reason(error)}; ${usage}`, 2);
  }
}

/**
 * Ends the program with a line that names the Debian packages, when some are missing; installs
 * Fastify's.
 */
export function requirePackages(serverNames: string[]): void {
  const missing = missingPackages(serverNames);
  if (missing.length > 0) giveUp(`missing Debian packages: apt-get install ${missing.join(" ")}`, 2);
  if (!serverNames.includes("fastify")) return;
  try {
    installFastify();
  } catch (error) {
    giveUp(reason(error), 2);
  }
}

/**
 * Runs a benchmark in a scratch folder below `parent` that doesn't outlive it; it resolves with the
 * exit code.
 */
export async function withScratch(
  parent: string,
  work: (scratch: Scratch) => Promise<number>,
): Promise<void> {
  const scratch = openScratch(parent);
  try {
    process.exitCode = await work(scratch);
  } catch (error) {
    closeScratch(scratch);
    giveUp(reason(error), 1);
  } finally {
    closeScratch(scratch);
  }
}

function giveUp(why: string, exitCode: number): never {
  console.error(`bench: ${why}`);
  process.exit(exitCode);
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
