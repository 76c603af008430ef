// Writes large files in pieces. Between chunks the program can be interrupted.

import { open } from "node:fs/promises";

const chunkBytes = 1 << 20;

/**
 * Writes all pieces to a file and waits until the disk has them, so that no write-back disturbs a
 * run.
 */
export async function writePieces(path: string, pieces: Iterable<string>): Promise<void> {
  const file = await open(path, "w");
  try {
    const chunk = Buffer.alloc(chunkBytes);
    let used = 0;
    for (const piece of pieces) {
      if (used + piece.length * 3 > chunkBytes) {
        await file.write(chunk, 0, used);
        used = 0;
      }
      used += chunk.write(piece, used);
    }
    await file.write(chunk, 0, used);
    await file.sync();
  } finally {
    await file.close();
  }
}
