/**
 * What tells whether two databases hold the same log: counts, and a checksum over every byte of an
 * export.
 */
import type { LogRecord } from "../core/log-record.ts";

export interface LogDigest {
  readonly messages: number;
  readonly events: number;
  /** SHA-256 of what `postern export` prints, in hexadecimal. */
  readonly sha256: string;
}

/** Takes what has a `seq` up to `last`; tells of each piece. No more than a piece is in memory. */
export async function digestOf(
  pieces: AsyncIterable<readonly LogRecord[]>,
  last: number,
  show: (seq: number, rows: number) => void,
): Promise<LogDigest> {
  const hash = new Bun.CryptoHasher("sha256");
  let messages = 0;
  let events = 0;
  for await (const piece of pieces) {
    let text = "";
    let seq = 0;
    for (const record of piece) {
      // A POST goes by the number of its first row, which follows it.
      seq = "seq" in record ? record.seq : record.delivery;
      if (seq > last) break;
      text += `${JSON.stringify(record)}\n`;
      if ("event_key" in record) events++;
      else if ("ts" in record) messages++;
    }
    hash.update(text);
    show(Math.min(seq, last), messages + events);
    if (seq > last) break;
  }
  return { messages, events, sha256: hash.digest("hex") };
}
