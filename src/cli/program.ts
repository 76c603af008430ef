/**
 * The command line: which commands there are, and what an error becomes. Exit codes: 0 done, 1 it
 * failed, 2 it was asked wrongly. Commands load what they need when they run, so that `healthcheck`
 * is quick.
 */
import { Command, CommanderError } from "commander";
import { describe, StartRefused } from "../core/errors.ts";
import { VERSION } from "../version.ts";
import { addCheckConfig } from "./check-config.ts";
import { addConfigSchema } from "./config-schema.ts";
import { addConsumers } from "./consumers.ts";
import { addDeliveries } from "./deliveries.ts";
import { addDoctor } from "./doctor.ts";
import { CommandFailed, UsageError } from "./errors.ts";
import { addExport } from "./export.ts";
import { addHealthcheck } from "./healthcheck.ts";
import { addImport } from "./import.ts";
import { addMigrate } from "./migrate.ts";
import { addOpenapi } from "./openapi.ts";
import { ClosedPipe, say, writeAll } from "./output.ts";
import { addPresets } from "./presets.ts";
import { addReload } from "./reload.ts";
import { addSend } from "./send.ts";
import { addServe } from "./serve.ts";
import { addTail } from "./tail.ts";
import { addVerify } from "./verify.ts";

/** In the order of the help. */
const COMMANDS = [
  ...[addServe, addReload, addCheckConfig, addConfigSchema, addPresets],
  ...[
    addTail,
    addConsumers,
    addDeliveries,
    addSend,
    addVerify,
    addImport,
    addExport,
    addMigrate,
    addDoctor,
    addHealthcheck,
    addOpenapi,
  ],
];

/** Runs one command and resolves with its exit code, once everything it printed is written. */
export async function run(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  let printed = "";
  const program = new Command("postern")
    .description(
      "Receives webhooks, verifies who sent them, keeps each message exactly once, and hands it on.",
    )
    .version(VERSION)
    .addHelpText("after", "\nExample:\n  $ WEBHOOK_SECRET=change-me postern serve")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        printed += text;
      },
      writeErr: (text) => say(text.trimEnd()),
      outputError: (text) => complain(text.replace(/^error: /, "")),
    });
  for (const add of COMMANDS) {
    add(program, (code) => {
      exitCode = code;
    });
  }
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    return await failed(error, printed);
  }
}

async function failed(error: unknown, printed: string): Promise<number> {
  // Asking for help or for the version ends the parser by an error as well; a mistake is on stderr
  // already.
  if (error instanceof CommanderError) {
    await writeAll(1, printed).catch(() => undefined);
    return error.exitCode === 0 ? 0 : 2;
  }
  if (error instanceof ClosedPipe) return 0;
  const expected = [UsageError, CommandFailed, StartRefused].some((kind) => error instanceof kind);
  complain(expected ? (error as Error).message : describe(error));
  return error instanceof UsageError ? 2 : 1;
}

function complain(text: string): void {
  const lines = text.split("\n").map((line) => line.trim());
  say(`postern: ${lines.filter((line) => line !== "").join(" ")}`);
}
