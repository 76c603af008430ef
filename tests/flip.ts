/** What a failing disk does to a file. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

export const PAGE_BYTES = 4096;

/** Changes one byte of a text wherever the file holds it; throws when it doesn't. */
export function flipText(file: string, text: string): void {
  const bytes = readFileSync(file);
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(at);
  if (places.length === 0) throw new Error(`${file} doesn't hold ${text}`);
  for (const at of places) write(file, at + 1, Buffer.of((bytes[at + 1] as number) ^ 0x01));
}

/**
 * Puts what no file holds there into the bytes from `start` on, to the end if no length is given.
 */
export function overwrite(file: string, start: number, length = Number.POSITIVE_INFINITY): void {
  const end = Math.min(readFileSync(file).length, start + length);
  write(file, start, Buffer.from(Array.from({ length: end - start }, (_, at) => (at * 167 + start) & 0xff)));
}

/** In place: a server may have it open. */
export function write(file: string, at: number, bytes: Uint8Array): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
}
