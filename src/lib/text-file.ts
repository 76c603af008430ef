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
  if (bytes.length > bytesMax) throw new UnreadableFile(`it has more than ${bytesMax} bytes`);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new UnreadableFile("it is no UTF-8 text");
  }
}

function readBytes(path: string, bytesMax: number): Uint8Array {
  try {
    if (statSync(path).size > bytesMax) throw new UnreadableFile(`it has more than ${bytesMax} bytes`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new UnreadableFile(REASONS[code] ?? message);
  }
}
