/**
 * Forms (application/x-www-form-urlencoded) read as bytes. However many parameters a stranger
 * sends, whatever their names, reading takes linear time and a few bytes each: names are compared
 * and sorted, never hashed. What is done for each of them makes no garbage, not even a pair.
 */
import { sortSlices } from "./sort-slices.ts";

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;

export class Form {
  /** Names and values, decoded, one behind the other. */
  readonly #bytes: Buffer;
  /** Of each parameter, where its name and its value end. */
  readonly #ends: Uint32Array;
  readonly size: number;

  private constructor(bytes: Buffer, ends: Uint32Array, size: number) {
    this.#bytes = bytes;
    this.#ends = ends;
    this.size = size;
  }

  /** So many parameters a body has at most. */
  static pairsMax(body: Uint8Array): number {
    let count = 1;
    for (let at = 0; at < body.length; at++) if (body[at] === AMPERSAND) count++;
    return count;
  }

  /** By the URL standard: `+` is a space, `%XX` a byte, a broken escape stands for itself. */
  static parse(body: Uint8Array): Form {
    const writer = new Writer(body.length, Form.pairsMax(body));
    for (let at = 0; at < body.length; at++) {
      if (body[at] === AMPERSAND) continue;
      at = writer.decode(body, at, true);
      writer.mark();
      if (body[at] === EQUALS) at = writer.decode(body, at + 1, false);
      writer.mark();
    }
    return writer.form((...fields) => new Form(...fields));
  }

  /** `bytesMax` is the most that all names and values have, texts in UTF-8. */
  static of(
    pairs: Iterable<readonly [name: string | Uint8Array, value: string | Uint8Array]>,
    bytesMax: number,
  ): Form {
    const writer = new Writer(bytesMax);
    for (const [name, value] of pairs) {
      writer.write(name);
      writer.mark();
      writer.write(value);
      writer.mark();
    }
    return writer.form((...fields) => new Form(...fields));
  }

  /** The first value of that name; bytes that are no UTF-8 become U+FFFD. */
  get(name: string): string | undefined {
    const bytes = Buffer.from(name);
    for (let index = 0; index < this.size; index++)
      if (this.#isNamed(index, bytes)) return this.value(index).toString();
    return undefined;
  }

  /** The last value of that name. */
  last(name: string): string | undefined {
    const bytes = Buffer.from(name);
    for (let index = this.size - 1; index >= 0; index--)
      if (this.#isNamed(index, bytes)) return this.value(index).toString();
    return undefined;
  }

  /** What it takes to write all names and values. */
  get bytes(): number {
    return this.size === 0 ? 0 : this.#valueEnd(this.size - 1);
  }

  /**
   * The numbers of the parameters by name, of equal names by value or, without `byValue`, in any
   * order; names and values compared as bytes.
   */
  order({ byValue }: { readonly byValue: boolean }): Uint32Array {
    const order = new Uint32Array(this.size);
    for (let index = 0; index < order.length; index++) order[index] = index;
    sortSlices(order, this.size, this.#bytes, this.#nameStart, this.#nameEnd);
    if (byValue) this.#sortEqualNames(order);
    return order;
  }

  hasEqualNames(one: number, other: number): boolean {
    return this.#isSlice(
      this.#nameStart(one),
      this.#nameEnd(one),
      this.#nameStart(other),
      this.#nameEnd(other),
    );
  }

  areEqual(one: number, other: number): boolean {
    return (
      this.hasEqualNames(one, other) &&
      this.#isSlice(this.#nameEnd(one), this.#valueEnd(one), this.#nameEnd(other), this.#valueEnd(other))
    );
  }

  /** Puts name and value into `target` at `at`, one behind the other; gives their length. */
  copyPair(index: number, target: Buffer, at: number): number {
    return this.#bytes.copy(target, at, this.#nameStart(index), this.#valueEnd(index));
  }

  name(index: number): Buffer {
    return this.#bytes.subarray(this.#nameStart(index), this.#nameEnd(index));
  }

  value(index: number): Buffer {
    return this.#bytes.subarray(this.#nameEnd(index), this.#valueEnd(index));
  }

  #sortEqualNames(order: Uint32Array): void {
    for (let from = 0; from < order.length; ) {
      let to = from + 1;
      while (to < order.length && this.hasEqualNames(order[from] as number, order[to] as number)) to++;
      if (to - from > 1)
        sortSlices(order.subarray(from, to), this.size, this.#bytes, this.#nameEnd, this.#valueEnd);
      from = to;
    }
  }

  #nameStart = (index: number): number => (index === 0 ? 0 : (this.#ends[2 * index - 1] as number));
  #nameEnd = (index: number): number => this.#ends[2 * index] as number;
  #valueEnd = (index: number): number => this.#ends[2 * index + 1] as number;

  #isSlice(start: number, end: number, otherStart: number, otherEnd: number): boolean {
    if (end - start !== otherEnd - otherStart) return false;
    for (let at = 0; at < end - start; at++)
      if (this.#bytes[start + at] !== this.#bytes[otherStart + at]) return false;
    return true;
  }

  #isNamed(index: number, name: Buffer): boolean {
    const start = this.#nameStart(index);
    const end = this.#nameEnd(index);
    if (end - start !== name.length) return false;
    for (let at = 0; at < name.length; at++) if (this.#bytes[start + at] !== name[at]) return false;
    return true;
  }
}

class Writer {
  readonly #bytes: Buffer;
  #used = 0;
  #ends: Uint32Array;
  #marks = 0;

  constructor(bytesMax: number, pairsMax = 32) {
    this.#bytes = Buffer.allocUnsafe(bytesMax);
    this.#ends = new Uint32Array(2 * pairsMax);
  }

  form(make: (bytes: Buffer, ends: Uint32Array, size: number) => Form): Form {
    return make(this.#bytes, this.#ends, this.#marks / 2);
  }

  write(given: string | Uint8Array): void {
    if (typeof given === "string") this.#used += this.#bytes.write(given, this.#used);
    else {
      this.#bytes.set(given, this.#used);
      this.#used += given.length;
    }
  }

  /** Up to `&`, of a name also up to `=`; gives where that is. */
  decode(from: Uint8Array, start: number, isName: boolean): number {
    const bytes = this.#bytes;
    let used = this.#used;
    let at = start;
    for (; at < from.length; at++) {
      const byte = from[at] as number;
      if (byte === AMPERSAND || (isName && byte === EQUALS)) break;
      const escaped = byte === PERCENT ? hexByte(from[at + 1], from[at + 2]) : -1;
      if (escaped >= 0) at += 2;
      bytes[used++] = escaped >= 0 ? escaped : byte === PLUS ? SPACE : byte;
    }
    this.#used = used;
    return at;
  }

  /** A name or a value ends here. */
  mark(): void {
    if (this.#marks === this.#ends.length) {
      const larger = new Uint32Array(2 * this.#marks);
      larger.set(this.#ends);
      this.#ends = larger;
    }
    this.#ends[this.#marks++] = this.#used;
  }
}

/** -1 when the two aren't hexadecimal digits. */
function hexByte(high: number | undefined, low: number | undefined): number {
  const first = hexDigit(high);
  const second = hexDigit(low);
  return first < 0 || second < 0 ? -1 : 16 * first + second;
}

function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
