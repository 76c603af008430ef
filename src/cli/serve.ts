/** `postern serve`: runs the service until it is told to stop. */
import type { Command } from "commander";
import { readSettings, SETTINGS, systemEnvironment } from "../config.ts";
import type { Service } from "../serve.ts";
import type { Exit } from "./errors.ts";
import { CONFIG_FLAG, configPath } from "./flags.ts";

export function addServe(program: Command, exit: Exit): void {
  const names = Object.values(SETTINGS).map(({ name }) => name);
  program
    .command("serve")
    .summary("run the service")
    .description(
      "Run the service. It is configured by environment variables and stops on SIGTERM or Ctrl-C. A configuration file " +
        "adds the providers' webhooks and the destinations that messages are handed on to; SIGHUP makes it read that file anew.",
    )
    .option(...CONFIG_FLAG)
    .addHelpText(
      "after",
      `
Examples:
  $ WEBHOOK_SECRET=change-me DATABASE_URL=sqlite:///data/postern.db postern serve
  $ postern serve --config postern.yaml

Environment variables (X_FILE names a file that holds X):
${wrapped(names)}`,
    )
    .action(async (flags: ServeFlags) => exit(await serve(flags)));
}

interface ServeFlags {
  readonly config?: string;
}

/** Resolves with the exit code once the service has stopped. */
async function serve(flags: ServeFlags): Promise<number> {
  const { startService } = await import("../serve.ts");
  const settings = readSettings();
  const stopped = Promise.withResolvers<number>();
  const started = Promise.withResolvers<Service>();
  const configured = await configuredBy(flags, started.promise);
  const service = await startService(settings, { ...configured, onFatal: () => stopped.resolve(1) });
  started.resolve(service);
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

/** What the configuration file holds, if there is one, and the way to read it anew. */
async function configuredBy(flags: ServeFlags, service: Promise<Service>) {
  const path = configPath(flags.config);
  if (path === undefined) return {};
  const { loadConfigFile } = await import("../config-file/config-file.ts");
  const { configReloader, logWarnings } = await import("./config-reloader.ts");
  const file = loadConfigFile(path, systemEnvironment());
  void service.then(({ log }) => logWarnings(path, file, log));
  // While it serves, nothing may be waited for.
  const load = () => loadConfigFile(path, systemEnvironment(), 0);
  const reload = configReloader({ path, load, service });
  // What went wrong is in the log.
  process.on("SIGHUP", () => void reload({ how: "SIGHUP" }).catch(() => undefined));
  const { sources, destinations } = file;
  return { sources, destinations, reload };
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
