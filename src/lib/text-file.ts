/**
 * Small text files that a person wrote: read whole, within a limit, as UTF-8 or not at all. What is
 * no plain file is never waited for: a pipe without a writer, or a device without an end, must not
 * stop whoever reads.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { systemClock } from "./clock.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });
const NO_FILE = "it is no file, but a pipe, a socket or a device";
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "it may not be read",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is no folder",
  ELOOP: "its symbolic links lead in a circle",
  ENXIO: NO_FILE,
};
const PIPE_POLL_MS = 5;

/** Of a setting or a secret in a file of its own. */
const VALUE_BYTES_MAX = 64 * 1024;

/** A file that can't be read; the message is the reason alone. */
export class UnreadableFile extends Error {
  override readonly name = "UnreadableFile";
}

/**
 * The text without a byte order mark. A pipe is read to its end if that comes within `pipeWaitMs`;
 * by default it is refused like every other thing that is no file. Throws `UnreadableFile`.
 */
export function readTextFile(path: string, bytesMax: number, pipeWaitMs = 0): string {
  const bytes = readBytes(path, bytesMax, pipeWaitMs);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new UnreadableFile("it is no UTF-8 text");
  }
}

/**
 * A setting or a secret that a file holds: its text less one trailing newline. Throws
 * `UnreadableFile`.
 */
export function readValueFile(path: string): string {
  const text = readTextFile(path, VALUE_BYTES_MAX);
  if (endsWithTwoNewlines(text))
    throw new UnreadableFile("it ends with two newlines, of which one is cut off: take the other off");
  return text.replace(/\r?\n$/, "");
}

/**
 * What an editor or `echo` adds to a secret unseen; a key with a newline at its end is hardly ever
 * meant.
 */
export function endsWithTwoNewlines(text: string): boolean {
  return text.endsWith("\n\n") || text.endsWith("\n\r\n");
}

function readBytes(path: string, bytesMax: number, pipeWaitMs: number): Uint8Array {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return readAll(descriptor, bytesMax, pipeWaitMs);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new UnreadableFile(REASONS[code] ?? message);
  }
}

function readAll(descriptor: number, bytesMax: number, pipeWaitMs: number): Uint8Array {
  const stat = fstatSync(descriptor);
  if (stat.isDirectory()) throw new UnreadableFile("it is a folder");
  if (!stat.isFile() && !(stat.isFIFO() && pipeWaitMs > 0)) throw new UnreadableFile(NO_FILE);
  const tooLarge = new UnreadableFile(`it has more than ${bytesMax} bytes`);
  if (stat.size > bytesMax) throw tooLarge;
  // The size of what the system makes up as it is read (/proc) is 0.
  const bytes = Buffer.alloc(bytesMax + 1);
  const deadline = systemClock.elapsed() + pipeWaitMs;
  let length = 0;
  while (length <= bytesMax) {
    const read = readSome(descriptor, bytes, length);
    if (read === 0) return bytes.subarray(0, length);
    if (read !== undefined) length += read;
    else if (systemClock.elapsed() < deadline) Bun.sleepSync(PIPE_POLL_MS);
    else throw new UnreadableFile(`it is a pipe whose end didn't come within ${pipeWaitMs} ms`);
  }
  throw tooLarge;
}

/** How many bytes came; 0 at the end; undefined when the writer of a pipe has none yet. */
function readSome(descriptor: number, bytes: Buffer, at: number): number | undefined {
  try {
    return readSync(descriptor, bytes, at, bytes.length - at, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}
