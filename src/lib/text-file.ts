/** Small text files that a person wrote: read whole, within a limit, as UTF-8 or not at all. */
import { readFileSync, statSync } from "node:fs";

const utf8 = new TextDecoder("utf-8", { fatal: true });
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "it may not be read",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is no folder",
};

/** A file that can't be read; the message is the reason alone. */
export class UnreadableFile extends Error {
  override readonly name = "UnreadableFile";
}

/** The text without a byte order mark. Throws `UnreadableFile`. */
export function readTextFile(path: string, bytesMax: number): string {
  const bytes = readBytes(path, bytesMax);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new UnreadableFile("it is no UTF-8 text");
  }
}

function readBytes(path: string, bytesMax: number): Uint8Array {
  const tooLarge = new UnreadableFile(`it has more than ${bytesMax} bytes`);
  let bytes: Uint8Array;
  try {
    const stat = statSync(path);
    if (!stat.isDirectory() && stat.size > bytesMax) throw tooLarge;
    bytes = readFileSync(path);
  } catch (error) {
    if (error === tooLarge) throw error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new UnreadableFile(REASONS[code] ?? message);
  }
  // What is no plain file has no size beforehand.
  if (bytes.length > bytesMax) throw tooLarge;
  return bytes;
}
