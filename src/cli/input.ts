/**
 * What a command reads: a file or standard input as a stream, and its lines. Never more of it than
 * a line and a chunk.
 */
import { createReadStream, fstatSync, openSync } from "node:fs";
import { UsageError } from "./errors.ts";

const CHUNK_BYTES = 256 * 1024;
const NEW_LINE = 10;

export interface Input {
  /** Undefined when it is not known beforehand: a pipe. */
  readonly bytesTotal: number | undefined;
  /** How far the chunks were taken. */
  readonly bytesRead: () => number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Opens a file, or standard input for `-`; throws `UsageError` when there is nothing to read. */
export function openInput(file: string): Input {
  let bytesRead = 0;
  const { source, bytesTotal } = file === "-" ? { source: Bun.stdin.stream() } : openFile(file);
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      bytesRead += chunk.length;
      yield chunk;
    }
  }
  return { bytesTotal, bytesRead: () => bytesRead, chunks: counted() };
}

function openFile(file: string): { source: AsyncIterable<Uint8Array>; bytesTotal?: number | undefined } {
  try {
    const descriptor = openSync(file, "r");
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw new Error("it is a folder");
    const source = createReadStream(file, { fd: descriptor, highWaterMark: CHUNK_BYTES });
    return { source, bytesTotal: stat.isFile() ? stat.size : undefined };
  } catch (error) {
    const code = (error as { code?: string }).code;
    const reason = code === "ENOENT" ? "there is no such file" : (error as Error).message;
    throw new UsageError(`can't read ${file}: ${reason}`);
  }
}

export interface Line {
  /** Counted from 1, blank lines included. */
  readonly number: number;
  /** Without the line feed; undefined when the line is longer than the limit. */
  readonly bytes: Uint8Array | undefined;
}

/** The lines of a stream, as many at once as a chunk holds; the last may lack its line feed. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<readonly Line[]> {
  let number = 0;
  /**
   * The beginning of a line whose end has not come yet; its bytes are dropped once they are too
   * many.
   */
  let begun: Uint8Array[] = [];
  let begunBytes = 0;

  function finish(end: Uint8Array): Line {
    const tooLong = begunBytes + end.length > lineBytesMax;
    const bytes = begunBytes === 0 ? end : Buffer.concat([...begun, end]);
    begun = [];
    begunBytes = 0;
    return { number: ++number, bytes: tooLong ? undefined : bytes };
  }

  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEW_LINE); end >= 0; end = chunk.indexOf(NEW_LINE, start)) {
      lines.push(finish(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) {
      begunBytes += chunk.length - start;
      if (begunBytes > lineBytesMax) begun = [];
      else begun.push(chunk.subarray(start));
    }
    if (lines.length > 0) yield lines;
  }
  if (begunBytes > 0) yield [finish(new Uint8Array())];
}

/** Whether a line holds nothing but white space, as JSON knows it. */
export function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 32 && byte !== 9 && byte !== 13) return false;
  return true;
}
