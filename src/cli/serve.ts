/** `postern serve`: runs the service until it is told to stop. */
import { isatty } from "node:tty";
import type { Command } from "commander";
import { readSettings, SETTINGS, systemEnvironment } from "../config.ts";
import { PortInUse } from "../core/errors.ts";
import type { Paint } from "../observe/pretty-lines.ts";
import type { Service } from "../serve.ts";
import type { Exit } from "./errors.ts";
import { CONFIG_FLAG, configPath } from "./flags.ts";
import { say } from "./output.ts";
import { serviceUrl } from "./running-service.ts";
import type { Serving } from "./serve/banner.ts";

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
    .option("--first-message", "once it listens, print a signed message to try, where no banner has one")
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
  readonly firstMessage?: true;
}

/** Resolves with the exit code once the service has stopped. */
async function serve(flags: ServeFlags): Promise<number> {
  const { startService } = await import("../serve.ts");
  const settings = readSettings();
  const stopped = Promise.withResolvers<number>();
  const started = Promise.withResolvers<Service>();
  const configured = await configuredBy(flags, started.promise);
  const looks = await looksOf({ settings, ...configured });
  const surroundings = { ...configured, ...looks, onFatal: () => stopped.resolve(1) };
  const service = await startService(settings, surroundings).catch(withHolder);
  if (flags.firstMessage === true && looks === undefined) {
    const { firstSteps } = await import("./serve/banner.ts");
    const steps = firstSteps(settings, service);
    if (steps !== undefined) say(steps);
  }
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

/** How people see what it says; undefined where lines are JSON. */
async function looksOf(serving: Serving) {
  const { stdout } = process;
  const isTerminal = stdout.isTTY === true;
  if ((serving.settings.logFormat ?? (isTerminal ? "pretty" : "json")) === "json") return undefined;
  const { styleText } = await import("node:util");
  const { banner } = await import("./serve/banner.ts");
  const paint: Paint = (style, text) => styleText(style, text, { stream: stdout });
  return {
    terminal: { columns: () => (isTerminal ? stdout.columns || undefined : undefined), paint },
    greeting: (ports: Pick<Service, "port" | "readPort">) => banner(serving, ports, paint),
  };
}

/** Where the port is in use: whether Postern has it, if one request shows that. */
async function withHolder(error: unknown): Promise<never> {
  if (!(error instanceof PortInUse)) throw error;
  const { host, variable, port } = error;
  const { answeringPostern } = await import("./serve/answering-postern.ts");
  const found = await answeringPostern(serviceUrl("/openapi.json", port));
  throw found === undefined ? error : new PortInUse(host, variable, port, `${found} listens there`);
}

/** What the configuration file holds, if there is one, and the way to read it anew. */
async function configuredBy(flags: ServeFlags, service: Promise<Service>) {
  const path = configPath(flags.config);
  if (path === undefined) return { sources: [], destinations: [], configFile: undefined };
  const { loadConfigFile } = await import("../config-file/config-file.ts");
  const { configReloader, logWarnings } = await import("./config-reloader.ts");
  const file = loadConfigFile(path, systemEnvironment());
  void service.then(({ log }) => logWarnings(path, file, log));
  // While it serves, nothing may be waited for.
  const load = () => loadConfigFile(path, systemEnvironment(), 0);
  const reload = configReloader({ path, load, service });
  const onTerminal = isatty(1);
  process.on("SIGHUP", () => {
    // The terminal was closed: nobody sees any more what would go on, and keep the port.
    if (onTerminal && !isatty(1)) process.kill(process.pid, "SIGTERM");
    // What went wrong is in the log.
    else void reload({ how: "SIGHUP" }).catch(() => undefined);
  });
  const { sources, destinations } = file;
  return { sources, destinations, reload, configFile: path };
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
