/**
 * Cuts folded texts into pieces, so that a short dictionary of pieces answers whether a text
 * contains a string. A text is a row of words (runs of letters, digits and marks; where a script
 * has no spaces, each code point is a word) and of gaps (runs of everything else). Its pieces are
 *
 * - each word with the code point before and the code point after it, if there are any,
 * - each gap of two code points or more,
 * - the text itself if it is one single code point that makes no word.
 *
 * So whatever lies within one word and its neighbours, or within one gap, or is one or two code
 * points long, is part of a piece exactly if it is part of the text. Texts are well-formed and
 * never contain U+0000.
 */
import { ALONE_RUNS, WORD_RUNS, WORD_TABLE_VERSION } from "./word-table.ts";

/** Segments that were cut by another version have to be built anew. */
export const PIECES_VERSION = `1/${WORD_TABLE_VERSION}`;

/** More needles would cost a search each and leave hardly fewer candidates. */
const NEEDLES_MAX = 16;

const GAP = 0;
const WORD = 1;
const ALONE = 2;

/**
 * The kind of each code point. The system gives the megabyte page by page, where it is looked at.
 */
const kinds = new Uint8Array(0x110000);
for (const [kind, runs] of [
  [WORD, WORD_RUNS],
  [ALONE, ALONE_RUNS],
] as const) {
  let end = 0;
  const steps = runs
    .trim()
    .split(/\s/)
    .map((step) => Number.parseInt(step, 36));
  for (let index = 0; index < steps.length; index += 2) {
    const first = end + (steps[index] ?? 0);
    end = first + (steps[index + 1] ?? 0);
    kinds.fill(kind, first, end);
  }
}

/** The same for single bytes: those that are only a part of a code point have no kind. */
const kindOfByte = Uint8Array.from({ length: 0x100 }, (_, byte) =>
  byte < 0x80 ? (kinds[byte] ?? GAP) : 0xff,
);
/** Stands behind a text and is in none. */
const END = 0xff;

/** How many bytes a code point has in UTF-8, by its first one. */
function sizeOf(lead: number): number {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

function kindAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return kinds[lead] ?? GAP;
  const second = (bytes[at + 1] ?? 0) & 0x3f;
  if (lead < 0xe0) return kinds[((lead & 0x1f) << 6) | second] ?? GAP;
  const third = (bytes[at + 2] ?? 0) & 0x3f;
  if (lead < 0xf0) return kinds[((lead & 0x0f) << 12) | (second << 6) | third] ?? GAP;
  const fourth = (bytes[at + 3] ?? 0) & 0x3f;
  return kinds[((lead & 0x07) << 18) | (second << 12) | (third << 6) | fourth] ?? GAP;
}

/** Cuts one text after the other; what it holds is overwritten by the next one. */
export class PieceCutter {
  /** The text in UTF-8. */
  bytes = Buffer.alloc(1024);
  /** Where each piece starts and ends in `bytes`. Pieces may come more than once. */
  spans = new Uint32Array(1024);

  /** Returns how many pieces there are. */
  cut(text: string): number {
    const units = text.length;
    if (this.bytes.length <= 3 * units) this.bytes = Buffer.alloc(4 * units + 1);
    if (this.spans.length < 2 * units) this.spans = new Uint32Array(3 * units);
    const { bytes, spans } = this;
    const length = bytes.write(text);
    bytes[length] = END;
    let count = 0;
    /** Where the code point before the run starts; for the first run, the run itself. */
    let before = 0;
    for (let start = 0; start < length; ) {
      const kind = kindAt(bytes, start);
      let last = start;
      let end = start + sizeOf(bytes[start] ?? 0);
      while (kind !== ALONE) {
        if (kindOfByte[bytes[end] ?? END] === kind) {
          do end++;
          while (kindOfByte[bytes[end] ?? END] === kind);
          last = end - 1;
        }
        if ((bytes[end] ?? 0) < 0x80 || end === length || kindAt(bytes, end) !== kind) break;
        last = end;
        end += sizeOf(bytes[end] ?? 0);
      }
      if (kind !== GAP) {
        spans[count++] = before;
        spans[count++] = end < length ? end + sizeOf(bytes[end] ?? 0) : end;
      } else if (last > start || end - start === length) {
        spans[count++] = start;
        spans[count++] = end;
      }
      before = last;
      start = end;
    }
    return count / 2;
  }
}

const cutter = new PieceCutter();

/** The pieces of a text. */
export function pieces(text: string): Set<string> {
  const found = new Set<string>();
  const count = cutter.cut(text);
  for (let index = 0; index < count; index++)
    found.add(cutter.bytes.toString("utf8", cutter.spans[2 * index], cutter.spans[2 * index + 1]));
  return found;
}

/** How to find the texts that contain a string. */
interface Plan {
  /**
   * Each of them is part of a piece of every text that contains the string. The longest comes
   * first.
   */
  readonly needles: readonly string[];
  /**
   * Whether a text with a piece that contains the one needle contains the string; else texts have
   * to be looked at.
   */
  readonly exact: boolean;
}

/** Plans the search for a folded string, of any length; the empty one has no needles. */
export function plan(q: string): Plan {
  const own = pieces(q);
  if (own.has(q)) return { needles: [q], exact: true };
  const longest = [...own].sort((a, b) => b.length - a.length).slice(0, NEEDLES_MAX);
  const needles = longest.filter((needle, index) =>
    longest.every((longer, rank) => rank >= index || !longer.includes(needle)),
  );
  return { needles, exact: false };
}
