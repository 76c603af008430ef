/**
 * Makes a segment from rows. Terms are kept as bytes in one arena and found by a hash table of
 * ours; what was seen is a list of (term, document) pairs: a Map of strings and an array a term
 * would cost several times as much.
 */
import { varintSize, writeVarint } from "./bits.ts";
import { PieceCutter } from "./pieces.ts";
import { bytesOf, labelBytes, type SegmentBytes } from "./segment.ts";

const NO_DOCUMENT = 0xffffffff;
const FNV_PRIME = 0x01000193;
const FNV_BASIS = 0x811c9dc5;

/** What is searched: numbers ascend from row to row, without gaps but for rows that were lost. */
export interface IndexedRow {
  readonly row: number;
  /** Folded, well-formed, without U+0000. */
  readonly text: string | null;
  /** Well-formed and without U+0000. */
  readonly labels: readonly string[];
}

export class SegmentBuilder {
  readonly #first: number;
  readonly #cutter = new PieceCutter();
  #last: number;
  #documents = 0;
  /** The terms' bytes, one after the other; term `t` is `starts[t]` to `starts[t + 1]`. */
  #arena = Buffer.alloc(1 << 16);
  #starts = new Uint32Array(1 << 12);
  #lasts = new Uint32Array(1 << 12).fill(NO_DOCUMENT);
  #terms = 0;
  /** Term number + 1 by hash; 0 is empty. At most half full. */
  #table = new Uint32Array(1 << 13);
  #pairTerms = new Uint32Array(1 << 15);
  #pairDocuments = new Uint32Array(1 << 15);
  #pairs = 0;
  #label = "";
  #bytes = labelBytes("");

  /** `first` is the number that the segment begins with. */
  constructor(first: number) {
    this.#first = first;
    this.#last = first;
  }

  add({ row, text, labels }: IndexedRow): void {
    const document = row - this.#first;
    this.#last = row;
    this.#documents++;
    if (text !== null) {
      const pieces = this.#cutter.cut(text);
      const { bytes, spans } = this.#cutter;
      for (let index = 0; index < pieces; index++) {
        this.#see(bytes, spans[2 * index] as number, spans[2 * index + 1] as number, document);
      }
    }
    for (const label of labels) {
      const bytes = this.#labelBytes(label);
      this.#see(bytes, 0, bytes.length, document);
    }
  }

  /** Neighbouring rows mostly have the same labels. */
  #labelBytes(label: string): Uint8Array {
    if (label !== this.#label) {
      this.#label = label;
      this.#bytes = labelBytes(label);
    }
    return this.#bytes;
  }

  build(): SegmentBytes {
    const order = this.#sorted();
    const dictionary = Buffer.alloc((this.#starts[this.#terms] as number) + this.#terms + 1);
    const offsets = new Uint32Array(2 * (this.#terms + 1));
    const lasts = new Uint32Array(this.#terms);
    let at = 1;
    for (let rank = 0; rank < order.length; rank++) {
      const term = order[rank] as number;
      offsets[rank] = at;
      lasts[rank] = this.#lasts[term] as number;
      at += this.#arena.copy(dictionary, at, this.#starts[term], this.#starts[term + 1]) + 1;
    }
    offsets[order.length] = at;
    return {
      first: this.#first,
      last: this.#last,
      documents: this.#documents,
      dictionary,
      postings: this.#encode(order, offsets.subarray(order.length + 1)),
      offsets: bytesOf(offsets),
      lasts: bytesOf(lasts),
    };
  }

  /** Terms by their bytes. */
  #sorted(): Uint32Array {
    const texts = Array.from({ length: this.#terms }, (_, term) =>
      this.#arena.toString("latin1", this.#starts[term], this.#starts[term + 1]),
    );
    return Uint32Array.from(texts.keys()).sort((a, b) =>
      (texts[a] as string) < (texts[b] as string) ? -1 : 1,
    );
  }

  /** The lists in the order of terms; `listStarts` gets where each starts, and the end. */
  #encode(order: Uint32Array, listStarts: Uint32Array): Uint8Array {
    const previous = new Uint32Array(this.#terms);
    const places = new Uint32Array(this.#terms);
    for (let pair = 0; pair < this.#pairs; pair++) {
      const term = this.#pairTerms[pair] as number;
      const document = this.#pairDocuments[pair] as number;
      places[term] = (places[term] as number) + varintSize(document - (previous[term] as number));
      previous[term] = document;
    }
    let end = 0;
    for (let rank = 0; rank < order.length; rank++) {
      const term = order[rank] as number;
      const size = places[term] as number;
      listStarts[rank] = end;
      places[term] = end;
      end += size;
    }
    listStarts[order.length] = end;
    previous.fill(0);
    const postings = new Uint8Array(end);
    for (let pair = 0; pair < this.#pairs; pair++) {
      const term = this.#pairTerms[pair] as number;
      const document = this.#pairDocuments[pair] as number;
      places[term] = writeVarint(postings, places[term] as number, document - (previous[term] as number));
      previous[term] = document;
    }
    return postings;
  }

  #see(bytes: Uint8Array, start: number, end: number, document: number): void {
    const term = this.#termOf(bytes, start, end);
    if (this.#lasts[term] === document) return;
    this.#lasts[term] = document;
    if (this.#pairs === this.#pairTerms.length) {
      this.#pairTerms = grown(this.#pairTerms);
      this.#pairDocuments = grown(this.#pairDocuments);
    }
    this.#pairTerms[this.#pairs] = term;
    this.#pairDocuments[this.#pairs++] = document;
  }

  #termOf(bytes: Uint8Array, start: number, end: number): number {
    let hash = FNV_BASIS;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), FNV_PRIME);
    const mask = this.#table.length - 1;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#table[slot] as number;
      if (entry === 0) return this.#addTerm(slot, bytes, start, end);
      if (this.#holds(entry - 1, bytes, start, end)) return entry - 1;
    }
  }

  #holds(term: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[term] as number;
    if ((this.#starts[term + 1] as number) - from !== end - start) return false;
    const arena = this.#arena;
    for (let at = start, other = from; at < end; at++, other++) if (arena[other] !== bytes[at]) return false;
    return true;
  }

  #addTerm(slot: number, bytes: Uint8Array, start: number, end: number): number {
    const term = this.#terms++;
    const from = this.#starts[term] as number;
    const to = from + end - start;
    if (to > this.#arena.length) this.#arena = Buffer.concat([this.#arena], 2 * to);
    if (term + 2 > this.#starts.length) this.#starts = grown(this.#starts);
    if (term + 1 > this.#lasts.length) {
      const filled = this.#lasts.length;
      this.#lasts = grown(this.#lasts).fill(NO_DOCUMENT, filled);
    }
    this.#arena.set(bytes.subarray(start, end), from);
    this.#starts[term + 1] = to;
    this.#table[slot] = term + 1;
    if (2 * this.#terms > this.#table.length) this.#rehash();
    return term;
  }

  #rehash(): void {
    this.#table = new Uint32Array(2 * this.#table.length);
    const mask = this.#table.length - 1;
    for (let term = 0; term < this.#terms; term++) {
      let hash = FNV_BASIS;
      const end = this.#starts[term + 1] as number;
      for (let at = this.#starts[term] as number; at < end; at++) {
        hash = Math.imul(hash ^ (this.#arena[at] as number), FNV_PRIME);
      }
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
      this.#table[slot] = term + 1;
    }
  }
}

function grown(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * words.length);
  larger.set(words);
  return larger;
}
