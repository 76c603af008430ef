/**
 * A destination that is a file: a line of JSON for each record. What waits is written together, and
 * counts once it is synced. Only the process that has the destination's lease writes, and whoever
 * tests it adds a sample.
 */
import type { Stats } from "node:fs";
import { type FileHandle, mkdir, open, readdir, stat } from "node:fs/promises";
import { dirname, parse } from "node:path";
import type { DestinationConfig } from "../../core/destination-config.ts";
import type { Clock } from "../../lib/clock.ts";
import { SharedRun } from "../../lib/shared-run.ts";
import { syncFolder } from "../../lib/sync-folder.ts";
import { type AttemptLimit, AttemptLimits } from "./attempt-limits.ts";
import { excerptOf } from "./excerpt.ts";
import { type Attempt, CAUSES, type Cause, type Outcome, type Sink } from "./sink.ts";
import type { SaidOfSink, SinkFinding, SinkKind, Surroundings } from "./sink-kind.ts";

const DATE = "{date}";
const UNITS_BYTES: Readonly<Record<string, number>> = { KB: 1e3, MB: 1e6, GB: 1e9 };
/** How every line begins; `id` is what is the same each time that a record comes. */
const LINE_START = '{"id":"evt_';
const NEWLINE = 10;
/** A disk that hangs keeps nobody from ending. */
const CLOSE_MS_MAX = 1000;
const TAIL_BYTES = 64 * 1024;
/** What another process writes is whole so soon. */
const [LOOKS_MAX, LOOK_EVERY_MS] = [50, 20];

export const FILE: SinkKind = {
  schemes: ["file:"],
  url: {
    type: "string",
    pattern: "^file:///[^\\s?#]*[^\\s?#/]$",
    description:
      "The full path of the file that gets a line of JSON for each record, such as file:///var/log/postern/{date}.ndjson; {date} is the day in UTC.",
  },
  members: {
    rotate: {
      type: "string",
      pattern: "^[1-9][0-9]{0,5}(KB|MB|GB)$",
      description:
        "The size beyond which the next file begins, with -1, -2 and so on before the ending of its name, such as 100MB. Default: none.",
    },
  },
  required: [],
  mistakes: pathMistakes,
  warnings: () => [],
  shown: pathOf,
  isSole: true,
  advice: { timeout: "the disk, or what it is mounted from, didn't answer: raise timeout if it is slow." },
  open: openFileSink,
};

function pathOf(url: string): string {
  return decodeURIComponent(url.slice("file://".length));
}

function pathMistakes({ url }: SaidOfSink): SinkFinding[] {
  const words = url === undefined ? undefined : pathMistake(url);
  return words === undefined ? [] : [{ member: "url", words }];
}

function pathMistake(url: string): string | undefined {
  let path: string;
  try {
    path = pathOf(url);
  } catch {
    return " has a % that is no part of an encoded character";
  }
  const [, ...parts] = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".."))
    return " must lead straight to the file, without empty parts, . and ..";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are refused.
  if (/[\0-\x1f\x7f]/.test(path)) return " has a control character";
  return /[{}]/.test(path.replaceAll(DATE, "")) ? ` knows ${DATE} and nothing else in braces` : undefined;
}

function openFileSink(config: DestinationConfig, { clock, isGuest }: Surroundings): Sink {
  const { url, timeoutMs, options } = config;
  const begin = isGuest === true ? (handle: FileHandle) => whole(handle, clock) : mended;
  const file = new RotatedFile(pathOf(url), bytesOf(options["rotate"]), clock, begin);
  const limits = new AttemptLimits(clock);
  let waiting: { readonly line: string; readonly limit: AttemptLimit }[] = [];
  const written = new SharedRun(
    async () => {
      const wanted = waiting.filter(({ limit }) => limit.why === undefined);
      waiting = [];
      await file.append(wanted.map(({ line }) => Buffer.from(line)));
    },
    0,
    clock,
  );

  async function send({ id, body }: Attempt, limit: AttemptLimit): Promise<Outcome> {
    const startedAt = clock.elapsed();
    const ms = () => Math.round(clock.elapsed() - startedAt);
    const failure = (cause: Cause, excerpt: string): Outcome => ({
      ...{ isDelivered: false, status: null, cause, excerpt: excerptOf(excerpt), ms: ms() },
    });
    waiting.push({ line: `{"id":${JSON.stringify(id)},${body.slice(1)}\n`, limit });
    try {
      const isWritten = await limit.wait(written.run().then(() => true));
      if (isWritten === true) return { isDelivered: true, status: null, ms: ms() };
      return limit.why === "timeout"
        ? failure("timeout", `the file isn't synced within ${timeoutMs} ms`)
        : failure("stopped", CAUSES.stopped);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return failure("disk", `${CAUSES.disk} (${code ?? message})`);
    }
  }

  return {
    send: (attempt, signal) => limits.within(timeoutMs, signal, (limit) => send(attempt, limit)),
    close: async () => {
      limits.close();
      // Behind what is being written, so that whoever opens the file next finds whole lines.
      const late = Promise.withResolvers<void>();
      const cancel = clock.after(CLOSE_MS_MAX, late.resolve);
      const closed = written.run().then(
        () => file.close(),
        () => file.close(),
      );
      await Promise.race([closed, late.promise]);
      cancel();
    },
  };
}

function bytesOf(size: unknown): number {
  if (typeof size !== "string") return Number.POSITIVE_INFINITY;
  return Number.parseInt(size, 10) * (UNITS_BYTES[size.slice(-2)] ?? 1);
}

interface OpenFile {
  /** Without a number. */
  readonly base: string;
  readonly number: number;
  readonly handle: FileHandle;
  readonly stats: Stats;
  bytes: number;
}

/** Sees to it that a file ends with a whole line, and gives its size. */
type Begin = (handle: FileHandle, size: number) => Promise<number>;

/** One call at a time. After an error it opens its file anew. */
class RotatedFile {
  readonly #template: string;
  readonly #bytesMax: number;
  readonly #clock: Clock;
  readonly #begin: Begin;
  #current: OpenFile | undefined;

  constructor(template: string, bytesMax: number, clock: Clock, begin: Begin) {
    this.#template = template;
    this.#bytesMax = bytesMax;
    this.#clock = clock;
    this.#begin = begin;
  }

  /** Whole lines; resolves when they are on stable storage. */
  async append(lines: readonly Uint8Array[]): Promise<void> {
    try {
      for (let rest = lines; rest.length > 0; ) rest = rest.slice(await this.#appendFirst(rest));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** As many as there is room for in one file, and one at least; gives how many. */
  async #appendFirst(lines: readonly Uint8Array[]): Promise<number> {
    const file = await this.#fileFor(lines[0]?.length ?? 0);
    let count = 0;
    for (let end = file.bytes; count < lines.length; count++) {
      end += lines[count]?.length ?? 0;
      if (count > 0 && end > this.#bytesMax) break;
    }
    const bytes = Buffer.concat(lines.slice(0, count));
    for (let at = 0; at < bytes.length; ) at += (await file.handle.write(bytes, at)).bytesWritten;
    await file.handle.datasync();
    file.bytes += bytes.length;
    return count;
  }

  async close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.handle.close().catch(() => undefined);
  }

  async #fileFor(bytes: number): Promise<OpenFile> {
    const day = new Date(this.#clock.now()).toISOString().slice(0, "2025-01-15".length);
    const base = this.#template.replaceAll(DATE, day);
    if (this.#current?.base !== base || !(await isThere(this.#current))) {
      await this.close();
      const isNumbered = this.#bytesMax < Number.POSITIVE_INFINITY;
      this.#current = await opened(base, isNumbered ? await lastNumber(base) : 0, this.#begin);
    }
    while (this.#current.bytes > 0 && this.#current.bytes + bytes > this.#bytesMax) {
      const { number } = this.#current;
      await this.close();
      this.#current = await opened(base, number + 1, this.#begin);
    }
    return this.#current;
  }
}

function numbered(base: string, number: number): string {
  const { dir, name, ext } = parse(base);
  return number === 0 ? base : `${dir}/${name}-${number}${ext}`;
}

/** Somebody may have moved or deleted it, and what is written to it would be lost. */
async function isThere({ base, number, stats }: OpenFile): Promise<boolean> {
  const now = await stat(numbered(base, number)).catch(() => undefined);
  return now?.ino === stats.ino && now.dev === stats.dev;
}

/** Of the files that there are; 0 for the one without a number. */
async function lastNumber(base: string): Promise<number> {
  const { dir, name, ext } = parse(base);
  const names = await readdir(dir).catch(() => []);
  const numbers = names
    .filter((each) => each.startsWith(`${name}-`) && each.endsWith(ext))
    .map((each) => each.slice(name.length + 1, each.length - ext.length))
    .filter((digits) => /^[1-9][0-9]{0,8}$/.test(digits));
  return Math.max(0, ...numbers.map(Number));
}

async function opened(base: string, number: number, begin: Begin): Promise<OpenFile> {
  const path = numbered(base, number);
  const folder = dirname(path);
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  const handle = await open(path, "a+", 0o600);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error("it is no plain file");
    const bytes = await begin(handle, stats.size);
    // What is new has to be found after a power cut.
    if (stats.size === 0) for (const each of foldersUpTo(folder, first)) await syncFolder(each);
    return { base, number, handle, stats, bytes };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The folder, and those above it that were made, up to the one that holds the `first` of these. */
function foldersUpTo(folder: string, first: string | undefined): readonly string[] {
  const folders = [folder];
  for (let at = folder; first !== undefined && at.length >= first.length; ) {
    at = dirname(at);
    folders.push(at);
  }
  return folders;
}

/**
 * Makes an end of the last line, which a crash may have cut, and gives the size. What is ours
 * was never told as taken and comes again, so it is cut off; what isn't is left as a line.
 */
async function mended(handle: FileHandle, size: number): Promise<number> {
  let start = size;
  while (start > 0) {
    const from = Math.max(0, start - TAIL_BYTES);
    const { buffer } = await handle.read(Buffer.alloc(start - from), 0, start - from, from);
    const newline = buffer.lastIndexOf(NEWLINE);
    start = newline === -1 ? from : from + newline + 1;
    if (newline !== -1) break;
  }
  if (start === size) return size;
  const length = Math.min(LINE_START.length, size - start);
  const { buffer } = await handle.read(Buffer.alloc(length), 0, length, start);
  if (LINE_START.startsWith(buffer.toString("latin1"))) {
    await handle.truncate(start);
    return start;
  }
  await handle.write("\n");
  return size + 1;
}

/**
 * Of a file that another process may be writing: it may see a part of a line that is being written,
 * so nothing is cut off.
 */
async function whole(handle: FileHandle, clock: Clock): Promise<number> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const { size } = await handle.stat();
    if (size === 0) return 0;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] === NEWLINE) return size;
    await new Promise<void>((resolve) => void clock.after(LOOK_EVERY_MS, resolve));
  }
  throw new Error("its last line isn't whole: the service mends it when it has something to write");
}
