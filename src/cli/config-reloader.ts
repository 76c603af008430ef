/**
 * The configuration file, read anew while the service runs: its sources and destinations take over,
 * or the old ones stay.
 */
import { type ConfigFile, ConfigFileInvalid, mistakeLine } from "../config-file/config-file.ts";
import { describe, StartRefused } from "../core/errors.ts";
import type { Mistake } from "../core/mistake.ts";
import type { AskedBy, Reload, Reloaded } from "../features/admin/reload.ts";
import type { Service } from "../serve.ts";

interface ReloadingOptions {
  readonly path: string;
  /** Throws `ConfigFileInvalid`. */
  readonly load: () => ConfigFile;
  /** Once it has started. */
  readonly service: Promise<Pick<Service, "replaceConfiguration" | "log">>;
}

/**
 * One at a time, in the order in which they were asked for. Each writes two lines into the log: who
 * asked, and what became of it.
 */
export function configReloader({ path, load, service }: ReloadingOptions): Reload {
  let last: Promise<unknown> = Promise.resolve();

  async function reload(by: AskedBy): Promise<Reloaded> {
    const { replaceConfiguration, log } = await service;
    log.info("reload asked for", { ...by });
    try {
      const file = load();
      await replaceConfiguration(file);
      const served = { sources: file.sources.length, destinations: file.destinations.length };
      log.info("configuration reloaded", served);
      logWarnings(path, file, log);
      return served;
    } catch (error) {
      if (!(error instanceof StartRefused)) {
        log.error("configuration not reloaded", { reason: describe(error) });
        throw error;
      }
      const mistakes = mistakesOf(error);
      const [first] = mistakes;
      log.error("configuration not reloaded", {
        mistakes: mistakes.length,
        first: first === undefined ? path : mistakeLine(path, first),
      });
      return { mistakes };
    }
  }

  return (by) => {
    const reloaded = last.then(() => reload(by));
    last = reloaded.catch(() => undefined);
    return reloaded;
  };
}

/** A line for each thing in the file that is hardly ever meant. */
export function logWarnings(path: string, { warnings }: ConfigFile, log: Pick<Service["log"], "warn">): void {
  for (const warning of warnings) log.warn("configuration warning", { warning: mistakeLine(path, warning) });
}

/** What the service itself refuses is true of the file as a whole. */
function mistakesOf(error: StartRefused): readonly Mistake[] {
  return error instanceof ConfigFileInvalid
    ? error.mistakes
    : [{ line: 1, column: 1, message: error.message }];
}
