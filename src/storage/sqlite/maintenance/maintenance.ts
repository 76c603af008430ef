/**
 * What can be done with a database file beside serving it: everything but taking over another log
 * as it is.
 */
import type { Examination, IndexMaintenance, Maintenance, Task } from "../../../core/maintenance.ts";
import type { OnUpgrade } from "../../../core/upgrade.ts";
import type { Clock } from "../../../lib/clock.ts";
import { indexNumbers, indexPath } from "../derived/index-file.ts";
import { rebuild } from "../derived/offline-index.ts";
import { examine, LOOKS_A_MESSAGE, messagesIn } from "./doctor.ts";
import { exportSlices } from "./export.ts";
import { openImport } from "./import.ts";
import { openMigrationSource } from "./migration-source.ts";

/** `path` is the real one (`realFile`). */
export function sqliteMaintenance(path: string, clock: Clock, onUpgrade: OnUpgrade): Maintenance {
  return {
    async *exportLog(since, options) {
      yield* exportSlices(path, since, options);
    },
    openImport: async () => openImport(path, clock, onUpgrade),
    openMigrationSource: async () => openMigrationSource(path),
    openMigrationTarget: undefined,
    index: new IndexFiles(path, onUpgrade),
  };
}

class IndexFiles implements IndexMaintenance {
  readonly #path: string;
  readonly #onUpgrade: OnUpgrade;

  constructor(path: string, onUpgrade: OnUpgrade) {
    this.#path = path;
    this.#onUpgrade = onUpgrade;
  }

  async examine(): Promise<Task<Examination>> {
    return { rows: LOOKS_A_MESSAGE * messagesIn(this.#path), steps: sums(examine(this.#path)) };
  }

  async rebuild(): Promise<Task<void>> {
    return { rows: messagesIn(this.#path), steps: awaitable(rebuild(this.#path, this.#onUpgrade)) };
  }

  async names(): Promise<readonly string[]> {
    return indexNumbers(this.#path).map((number) => indexPath(this.#path, number));
  }
}

async function* awaitable<T>(steps: Generator<number, T>): AsyncGenerator<number, T> {
  return yield* steps;
}

/** Of steps that yield what was done since the last one. */
async function* sums<T>(steps: Generator<number, T>): AsyncGenerator<number, T> {
  let rows = 0;
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    rows += step.value;
    yield rows;
  }
}
