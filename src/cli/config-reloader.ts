/**
 * The configuration file, read anew while the service runs: its sources take over, or the old ones
 * stay.
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
  readonly service: Promise<Pick<Service, "replaceSources" | "log">>;
}

/**
 * One at a time, in the order in which they were asked for. Each writes two lines into the log: who
 * asked, and what became of it.
 */
export function configReloader({ path, load, service }: ReloadingOptions): Reload {
  let last: Promise<unknown> = Promise.resolve();

  async function reload(by: AskedBy): Promise<Reloaded> {
    const { replaceSources, log } = await service;
    log.info("reload asked for", { ...by });
    try {
      const { sources } = load();
      await replaceSources(sources);
      log.info("configuration reloaded", { sources: sources.length });
      return { sources: sources.length };
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

/** What the service itself refuses is true of the file as a whole. */
function mistakesOf(error: StartRefused): readonly Mistake[] {
  return error instanceof ConfigFileInvalid
    ? error.mistakes
    : [{ line: 1, column: 1, message: error.message }];
}
