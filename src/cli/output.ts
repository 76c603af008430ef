/**
 * What a command prints: every byte is with the system before the promise resolves, also when
 * stdout is a pipe.
 */
import { dlopen, ptr } from "bun:ffi";
import { write, writeSync } from "node:fs";

const RETRY_MS = 5;
const LOOK_MS = 250;
/** `struct pollfd`; it says by POLLERR and POLLHUP, asked for or not, that nobody reads. */
const POLL_BYTES = 8;
const FOUND_AT = 6;

/** Nobody reads any more, such as after `| head`: the command ends without a word. */
export class ClosedPipe extends Error {
  override readonly name = "ClosedPipe";
}

/** Writes everything; throws `ClosedPipe` when the reader has gone. */
export async function writeAll(descriptor: number, content: string | Uint8Array): Promise<void> {
  let rest: Uint8Array = typeof content === "string" ? Buffer.from(content) : content;
  while (rest.length > 0) {
    const written = await writeSome(descriptor, rest);
    if (written === 0) await Bun.sleep(RETRY_MS);
    rest = rest.subarray(written);
  }
}

/** A line on stdout. */
export function print(line: string): Promise<void> {
  return writeAll(1, `${line}\n`);
}

/** As in `1 source` and `2 sources`. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** A line on stderr. */
export function say(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // Nobody reads, or not fast enough: a complaint is not worth failing for.
  }
}

/**
 * Calls `gone` once nobody reads from this pipe any more, for a command that may not write for a
 * long time; never where the system doesn't say. What is returned ends the watch.
 */
export function onClosedPipe(descriptor: number, gone: (closed: ClosedPipe) => void): () => void {
  const isClosed = watchOf(descriptor);
  if (isClosed === undefined) return () => undefined;
  const timer = setInterval(() => {
    if (isClosed()) gone(new ClosedPipe("nobody reads any more"));
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/** Undefined where it isn't Linux, or has another C library. */
function watchOf(descriptor: number): (() => boolean) | undefined {
  try {
    const { poll } = dlopen("libc.so.6", { poll: { args: ["ptr", "u64", "i32"], returns: "i32" } }).symbols;
    const asked = new DataView(new ArrayBuffer(POLL_BYTES));
    asked.setInt32(0, descriptor, true);
    return () => poll(ptr(asked), 1, 0) > 0 && asked.getInt16(FOUND_AT, true) !== 0;
  } catch {
    return undefined;
  }
}

/** Bytes that the system took; none when the pipe is full and its other end asked not to wait. */
function writeSome(descriptor: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, 0, bytes.length, null, (error, written) => {
      if (error === null) resolve(written);
      else if (error.code === "EAGAIN" || error.code === "EINTR") resolve(0);
      else if (error.code === "EPIPE") reject(new ClosedPipe("nobody reads any more", { cause: error }));
      else reject(error);
    });
  });
}
