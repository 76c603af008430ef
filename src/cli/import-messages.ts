/** The work of `postern import`: lines → records by the native rules → the database. */
import type { DatabaseUrl } from "../core/database-url.ts";
import type { Import } from "../core/maintenance.ts";
import { systemClock } from "../lib/clock.ts";
import { parseRecord } from "./import-record.ts";
import { type Input, isBlank, type Line, linesOf, openInput } from "./input.ts";
import { onInterruption } from "./interruption.ts";
import { maintenanceOf, needed } from "./maintenance.ts";
import { print, say } from "./output.ts";
import { type Progress, startProgress } from "./progress.ts";

export interface ImportFlags {
  readonly strict?: true;
}

/** The bytes of a provider's POST are one line, a third longer for their base64. */
const LINE_MIB_MAX = 64;
const REPORTS_MAX = 10;

/** Resolves with the exit code: 1 when any line was invalid. */
export async function importMessages(url: DatabaseUrl, file: string, flags: ImportFlags): Promise<number> {
  const openImport = needed(maintenanceOf(url).openImport, "import");
  const input = openInput(file);
  const database = await openImport();
  const progress = await startProgress("imported", input.bytesTotal);
  const run = new ImportRun(database, progress);
  const startedAt = systemClock.elapsed();
  let storedMs = 0;
  const calm = onInterruption(async () => {
    progress.stop();
    await database.commit();
    await database.close();
    say(`${run.summary()}; interrupted: run it again to go on`);
  });
  try {
    await run.take(input, flags.strict === true);
    await database.commit();
    storedMs = systemClock.elapsed() - startedAt;
    progress.stop();
    const indexing = await startProgress("indexed", undefined);
    for await (const row of database.follow()) {
      indexing.show(row, row);
      // A turn for whoever wants to interrupt it.
      await Bun.sleep(0);
    }
    indexing.stop();
  } catch (error) {
    progress.stop();
    say(`${run.summary()}; stopped: run it again to go on`);
    throw error;
  } finally {
    calm();
    progress.stop();
    await database.close();
  }
  await print(run.summary());
  await print(
    `stored in ${seconds(storedMs)} s, indexed in ${seconds(systemClock.elapsed() - startedAt - storedMs)} s`,
  );
  return run.invalid === 0 ? 0 : 1;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

class ImportRun {
  invalid = 0;
  readonly #database: Import;
  readonly #progress: Progress;
  #reports = 0;

  constructor(database: Import, progress: Progress) {
    this.#database = database;
    this.#progress = progress;
  }

  /** Takes everything, or up to the first bad line. */
  async take(input: Input, strict: boolean): Promise<void> {
    let messages = 0;
    for await (const lines of linesOf(input.chunks, LINE_MIB_MAX * 1024 * 1024)) {
      for (const line of lines) {
        await this.#takeLine(line);
        if (strict && this.invalid > 0) return;
      }
      messages += lines.length;
      this.#progress.show(input.bytesRead(), messages);
    }
  }

  /** Of what is on stable storage. */
  summary(): string {
    const { messages, events } = this.#database.committed;
    const differing = messages.differs + messages.conflict;
    const newEvents = events.created + events.differs;
    const besides =
      newEvents + events.duplicate === 0 ? "" : `; events: new ${newEvents}, duplicate ${events.duplicate}`;
    return `new ${messages.created}, duplicate ${messages.duplicate}, differing ${differing}, invalid ${this.invalid}${besides}`;
  }

  async #takeLine({ number, bytes }: Line): Promise<void> {
    if (bytes !== undefined && isBlank(bytes)) return;
    const record = bytes === undefined ? `longer than ${LINE_MIB_MAX} MiB` : parseRecord(bytes);
    const outcome = typeof record === "string" ? { problem: record } : await this.#database.append(record);
    if (typeof outcome === "object") {
      this.invalid++;
      this.#report(`line ${number} is invalid: ${outcome.problem}`);
      return;
    }
    if (
      (outcome === "differs" || outcome === "conflict") &&
      typeof record === "object" &&
      "message" in record
    ) {
      const id = JSON.stringify(record.message.message_id);
      const other = outcome === "conflict" ? ", which came from another source," : ",";
      this.#report(`line ${number} differs from the stored message ${id}${other} which stays`);
    }
  }

  #report(text: string): void {
    this.#reports++;
    if (this.#reports <= REPORTS_MAX) this.#progress.say(`postern: ${text}`);
    else if (this.#reports === REPORTS_MAX + 1) this.#progress.say("postern: further lines are only counted");
  }
}
