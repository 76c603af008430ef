/** `postern serve`: runs the service until it is told to stop. */
import type { Command } from "commander";
import { readSettings, SETTINGS } from "../config.ts";
import type { Exit } from "./exit.ts";

export function addServe(program: Command, exit: Exit): void {
  const names = Object.values(SETTINGS).map(({ name }) => name);
  program
    .command("serve")
    .summary("run the service")
    .description("Run the service. It is configured by environment variables and stops on SIGTERM or Ctrl-C.")
    .addHelpText(
      "after",
      `
Example:
  $ WEBHOOK_SECRET=change-me DATABASE_URL=sqlite:///data/postern.db postern serve

Environment variables (X_FILE names a file that holds X):
${wrapped(names)}`,
    )
    .action(async () => exit(await serve()));
}

/** Resolves with the exit code once the service has stopped. */
export async function serve(): Promise<number> {
  const { startService } = await import("../serve.ts");
  const settings = readSettings();
  const stopped = Promise.withResolvers<number>();
  const service = await startService(settings, { onFatal: () => stopped.resolve(1) });
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      // A second signal means: now.
      if (stopping) stopped.resolve(1);
      stopping = true;
      service.stop(settings.shutdownGraceMs).then(
        () => stopped.resolve(0),
        () => stopped.resolve(1),
      );
    });
  }
  return stopped.promise;
}

function wrapped(names: readonly string[]): string {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last === undefined || last.length + name.length > 76) lines.push(`  ${name}`);
    else lines[lines.length - 1] = `${last}  ${name}`;
  }
  return lines.join("\n");
}
