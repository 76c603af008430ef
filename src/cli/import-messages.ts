/** The work of `postern import`: lines → records by the native rules → the database. */
import type { DatabaseUrl } from "../core/database-url.ts";
import type { FieldError } from "../core/field-errors.ts";
import { isInstant } from "../core/instant.ts";
import { systemClock } from "../lib/clock.ts";
import { parseNativeMessage } from "../sources/native.ts";
import { type Import, type ImportRecord, importInto } from "../storage/open.ts";
import { type Input, isBlank, type Line, linesOf, openInput } from "./input.ts";
import { onInterruption } from "./interruption.ts";
import { print, say } from "./output.ts";
import { type Progress, startProgress } from "./progress.ts";

export interface ImportFlags {
  readonly strict?: true;
}

const LINE_BYTES_MAX = 1024 * 1024;
/** Beyond it the count of the following numbers would leave the integers that JSON carries safely. */
const SEQ_MAX = 2 ** 52;
const REPORTS_MAX = 10;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Resolves with the exit code: 1 when any line was invalid. */
export async function importMessages(url: DatabaseUrl, file: string, flags: ImportFlags): Promise<number> {
  const input = openInput(file);
  const database = importInto(url, systemClock);
  const progress = await startProgress("imported", input.bytesTotal);
  const run = new ImportRun(database, progress);
  const startedAt = systemClock.elapsed();
  let storedMs = 0;
  const calm = onInterruption(() => {
    progress.stop();
    database.commit();
    database.close();
    say(`${run.summary()}; interrupted: run it again to go on`);
  });
  try {
    await run.take(input, flags.strict === true);
    database.commit();
    storedMs = systemClock.elapsed() - startedAt;
    progress.stop();
    const indexing = await startProgress("indexed", undefined);
    for (const row of database.follow()) {
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
    database.close();
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
    for await (const lines of linesOf(input.chunks, LINE_BYTES_MAX)) {
      for (const line of lines) {
        this.#takeLine(line);
        if (strict && this.invalid > 0) return;
      }
      messages += lines.length;
      this.#progress.show(input.bytesRead(), messages);
    }
  }

  /** Of what is on stable storage. */
  summary(): string {
    const { created, duplicate, differs } = this.#database.committed;
    return `new ${created}, duplicate ${duplicate}, differing ${differs}, invalid ${this.invalid}`;
  }

  #takeLine({ number, bytes }: Line): void {
    if (bytes !== undefined && isBlank(bytes)) return;
    const record = bytes === undefined ? "longer than 1 MiB" : parseRecord(bytes);
    if (typeof record === "string") {
      this.invalid++;
      this.#report(`line ${number} is invalid: ${record}`);
      return;
    }
    const outcome = this.#database.append(record);
    if (outcome === "differs") {
      const id = JSON.stringify(record.message.message_id);
      this.#report(`line ${number} differs from the stored message ${id}, which stays`);
    }
  }

  #report(text: string): void {
    this.#reports++;
    if (this.#reports <= REPORTS_MAX) this.#progress.say(`postern: ${text}`);
    else if (this.#reports === REPORTS_MAX + 1) this.#progress.say("postern: further lines are only counted");
  }
}

/** A record, or in words why the line is none. */
export function parseRecord(line: Uint8Array): ImportRecord | string {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(line));
  } catch (error) {
    return error instanceof SyntaxError ? "no valid JSON" : "no valid UTF-8";
  }
  const parsed = parseNativeMessage(value);
  if ("errors" in parsed) return parsed.errors.map(inWords).join("; ");
  const [message] = parsed.delivery.messages;
  const { seq, created_at: createdAt } = value as { seq?: unknown; created_at?: unknown };
  if (message === undefined) return "no message";
  if (seq !== undefined && !isSeq(seq)) return `seq: it takes a whole number from 1 to ${SEQ_MAX}`;
  if (createdAt !== undefined && !(typeof createdAt === "string" && isInstant(createdAt))) {
    return "created_at: it takes an instant such as 2025-01-15T10:00:00.000Z";
  }
  return { message, ...(seq !== undefined && { seq }), ...(createdAt !== undefined && { createdAt }) };
}

function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= SEQ_MAX;
}

function inWords({ loc, msg }: FieldError): string {
  return loc.length > 1 ? `${loc.slice(1).join(".")}: ${msg}` : msg;
}
