/**
 * The log: one JSON object a line, or what is given to write lines for people. Lines are gathered
 * in memory and written without ever waiting for the reader, so that a blocked stdout can't block a
 * request; what doesn't fit meanwhile is dropped and counted.
 */
import { write, writeSync } from "node:fs";
import { type Clock, isoTicker } from "../lib/clock.ts";
import { visibleJson } from "../lib/visible-text.ts";
import { type Sync, WriteBack } from "./write-back.ts";

export type Level = "DEBUG" | "INFO" | "WARN" | "ERROR";
export const LEVELS: readonly Level[] = ["DEBUG", "INFO", "WARN", "ERROR"];

export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** How lines are written: each text is whole lines, or empty for nothing. */
export interface LogLines {
  readonly event: (level: Level, message: string, fields: Fields | undefined) => string;
  readonly request: (line: RequestLine) => string;
  /** What is still to be said when the log is flushed. */
  readonly rest: () => string;
}

interface LogOptions {
  readonly level: Level;
  /** Waiting lines beyond this many bytes (UTF-16 units, near enough) are dropped. */
  readonly bufferBytesMax: number;
  readonly clock: Clock;
  /** JSON unless given; it may `add` lines later. */
  readonly lines?: ((add: (text: string) => void) => LogLines) | undefined;
  /** A file descriptor; 1 is stdout. */
  readonly fd?: number;
  /** How a file is synced; tests look on. */
  readonly sync?: Sync;
}

export interface RequestLine {
  readonly level: Level;
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly latencyMs: number;
  readonly result: string | undefined;
  readonly fields: Fields | undefined;
  readonly error: string | undefined;
}

const FLUSH_EVERY_MS = 50;
const FLUSH_AT_CHARS = 64 * 1024;
const RETRY_MS = 20;
const PATH_CHARS_MAX = 256;

export class Log {
  /** Lines that were dropped because stdout was blocked. */
  dropped = 0;
  readonly #threshold: number;
  readonly #bufferMax: number;
  readonly #lines: LogLines;
  readonly #fd: number;
  readonly #writeBack: WriteBack;
  #waiting = "";
  /** What the system has not taken yet; only one write is under way at a time. */
  #outgoing: Buffer | undefined;
  readonly #clock: Clock;
  #cancelSend: (() => void) | undefined;
  #drained: (() => void)[] = [];
  #broken = false;

  constructor(options: LogOptions) {
    this.#threshold = LEVELS.indexOf(options.level);
    this.#bufferMax = options.bufferBytesMax;
    this.#clock = options.clock;
    this.#lines = options.lines?.((text) => this.#add(text)) ?? jsonLines(options.clock);
    this.#fd = options.fd ?? 1;
    this.#writeBack = new WriteBack(this.#fd, options.sync);
  }

  debug(message: string, fields?: Fields): void {
    this.#event("DEBUG", message, fields);
  }

  info(message: string, fields?: Fields): void {
    this.#event("INFO", message, fields);
  }

  warn(message: string, fields?: Fields): void {
    this.#event("WARN", message, fields);
  }

  error(message: string, fields?: Fields): void {
    this.#event("ERROR", message, fields);
  }

  request(line: RequestLine): void {
    if (LEVELS.indexOf(line.level) < this.#threshold) return;
    this.#add(this.#lines.request(line));
  }

  /** Whole lines, as they stand, whatever the level: what people are told at a terminal. */
  text(lines: string): void {
    this.#add(lines);
  }

  /** Resolves when everything is written, or after `withinMs` when nobody reads. */
  async flush(withinMs: number): Promise<void> {
    this.#add(this.#lines.rest());
    this.#send();
    if (this.#outgoing === undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#drained.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** For the last words of a dying process: writes what waits, blocking. */
  flushSync(): void {
    try {
      if (this.#outgoing !== undefined) writeSync(this.#fd, this.#outgoing);
      writeSync(this.#fd, this.#waiting);
    } catch {
      // Nobody reads any more.
    }
    this.#outgoing = undefined;
    this.#waiting = "";
  }

  #event(level: Level, message: string, fields: Fields | undefined): void {
    if (LEVELS.indexOf(level) < this.#threshold) return;
    this.#add(this.#lines.event(level, message, fields));
  }

  #add(text: string): void {
    if (text === "") return;
    if (
      this.#broken ||
      this.#waiting.length + (this.#outgoing?.length ?? 0) + text.length > this.#bufferMax
    ) {
      this.dropped++;
      return;
    }
    this.#waiting += text;
    if (this.#waiting.length >= FLUSH_AT_CHARS) this.#send();
    else this.#sendSoon();
  }

  #sendSoon(): void {
    this.#cancelSend ??= this.#clock.after(FLUSH_EVERY_MS, () => this.#send());
  }

  #send(): void {
    this.#cancelSend?.();
    this.#cancelSend = undefined;
    if (this.#outgoing !== undefined) return;
    if (this.#waiting === "") {
      for (const resolve of this.#drained.splice(0)) resolve();
      return;
    }
    this.#outgoing = Buffer.from(this.#waiting);
    this.#waiting = "";
    this.#write(this.#outgoing);
  }

  #write(bytes: Buffer): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (this.#outgoing === undefined) return;
      if (error !== null && error.code !== "EAGAIN" && error.code !== "EINTR") {
        this.#broken = true;
        this.#outgoing = undefined;
        this.#waiting = "";
        this.#send();
        return;
      }
      if (error === null) this.#writeBack.wrote(written);
      const rest = error === null ? bytes.subarray(written) : bytes;
      if (rest.length === 0) {
        this.#outgoing = undefined;
        if (this.#waiting.length >= FLUSH_AT_CHARS || this.#drained.length > 0) this.#send();
        else if (this.#waiting !== "") this.#sendSoon();
        return;
      }
      this.#outgoing = rest;
      if (error === null) this.#write(rest);
      else setTimeout(() => this.#write(rest), RETRY_MS);
    });
  }
}

/** Built by hand: one is written for every message that comes in. */
function jsonLines(clock: Clock): LogLines {
  const now = isoTicker(clock);
  return {
    event: (level, message, fields) =>
      visibleJson(
        `{"timestamp":"${now()}","level":"${level}","message":${JSON.stringify(message)}${members(fields)}}\n`,
      ),
    request: (line) =>
      visibleJson(
        `{"timestamp":"${now()}","level":"${line.level}","request_id":"${line.requestId}","method":"${line.method}",` +
          `"path":${JSON.stringify(line.path.slice(0, PATH_CHARS_MAX))},"status":${line.status},` +
          `"latency_ms":${Math.round(line.latencyMs * 1000) / 1000}${member("result", line.result)}` +
          `${members(line.fields)}${member("error", line.error)}}\n`,
      ),
    rest: () => "",
  };
}

function members(fields: Fields | undefined): string {
  if (fields === undefined) return "";
  let text = "";
  for (const name in fields) text += member(name, fields[name]);
  return text;
}

function member(name: string, value: Fields[string]): string {
  return value === undefined ? "" : `,"${name}":${JSON.stringify(value)}`;
}
