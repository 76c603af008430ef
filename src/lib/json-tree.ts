/**
 * JSON with where in its bytes every value stands, so that a part of a document can be kept exactly
 * as it was written: parsing and writing it again would change large numbers, spacing and escapes.
 * It never takes more than linear time and a few bytes a value, whatever a stranger wrote: names
 * are compared, never hashed.
 */
import { isUtf8 } from "node:buffer";
import { BeyondBounds } from "./bounds.ts";

/** Deeper documents are refused: nobody sends them in good faith. */
const JSON_DEPTH_MAX = 200;
/** Values and names of a document. */
export const JSON_ENTRIES_MAX = 1_000_000;
/** Items that a reader of a document may be given, of all its arrays together. */
const ITEMS_MAX = 100_000;
/** Strings of a document that are read as documents. */
const INNER_MAX = 10_000;
/** Where an object has more members, what was found among them is remembered. */
const MEMBERS_REMEMBERED = 256;

/**
 * How a value begins and ends in the bytes, and which entry comes after it and all that it holds.
 */
const START = 0;
const END = 1;
const NEXT = 2;
const KIND = 3;
const ENTRY_INTS = 4;

const Kind = {
  object: 0,
  array: 1,
  number: 2,
  literal: 3,
  string: 4,
  /** A string with a backslash in it. */
  escaped: 5,
} as const;
type Kind = (typeof Kind)[keyof typeof Kind];

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the bytes stand that a value was made from, by where it begins in its own document. */
type Locate = (start: number) => Span;

/** A value of a document; its bytes are those from `start` up to, not including, `end`. */
export class JsonTree {
  readonly #document: Document;
  /** Where its entry begins. */
  readonly #entry: number;
  readonly start: number;
  readonly end: number;

  constructor(document: Document, entry: number) {
    this.#document = document;
    this.#entry = entry;
    const located = document.locate?.(document.int(entry, START));
    this.start = located?.start ?? document.int(entry, START);
    this.end = located?.end ?? document.int(entry, END);
  }

  /** How it is written, where its bytes are those of something larger; else undefined. */
  get writtenWithin(): string | undefined {
    return this.#document.locate === undefined ? undefined : this.#document.source(this.#entry);
  }

  /**
   * The object or array that a string holds as JSON; its values span that string. Throws
   * `BeyondBounds` for far too many of them.
   */
  get inner(): JsonTree | undefined {
    return this.#kind < Kind.string ? undefined : this.#document.inner(this.#entry, this);
  }

  /**
   * The member of an object; undefined when there is none, it is null, or this is no object. The
   * last of equal names counts.
   */
  get(name: string): JsonTree | undefined {
    const found = this.#document.member(this.#entry, name);
    return found < 0 ? undefined : notNull(new JsonTree(this.#document, found));
  }

  /** Values and names that it is made of, itself included. */
  get entries(): number {
    return (this.#document.int(this.#entry, NEXT) - this.#entry) / ENTRY_INTS;
  }

  /** The member of a member, and so on. */
  at(...names: readonly string[]): JsonTree | undefined {
    let found: JsonTree | undefined = this;
    for (const name of names) found = found?.get(name);
    return found;
  }

  /** An object's members as they are written, equal names and nulls too; none of anything else. */
  *members(): Generator<readonly [name: string, value: JsonTree]> {
    if (!this.isObject) return;
    for (const entry of this.#document.names(this.#entry))
      yield [this.#document.string(entry), new JsonTree(this.#document, entry + ENTRY_INTS)];
  }

  /** The items of an array; none of anything else. Throws `BeyondBounds` for far too many. */
  get items(): readonly JsonTree[] {
    if (!this.isArray) return [];
    return this.#document.items(this.#entry).map((entry) => new JsonTree(this.#document, entry));
  }

  get isObject(): boolean {
    return this.#kind === Kind.object;
  }

  get isArray(): boolean {
    return this.#kind === Kind.array;
  }

  get isNull(): boolean {
    return this.#kind === Kind.literal && this.#document.raw(this.#entry) === "null";
  }

  /** A string's text, or a number digit by digit as it was written; undefined of anything else. */
  get text(): string | undefined {
    if (this.#kind === Kind.number) return this.#document.raw(this.#entry);
    return this.#kind >= Kind.string ? this.#document.string(this.#entry) : undefined;
  }

  /** The same, and `true` or `false`. */
  get scalar(): string | undefined {
    const isBoolean = this.#kind === Kind.literal && !this.isNull;
    return isBoolean ? this.#document.raw(this.#entry) : this.text;
  }

  /** Whether this is the literal true. */
  get isTrue(): boolean {
    return this.#kind === Kind.literal && this.#document.raw(this.#entry) === "true";
  }

  get #kind(): Kind {
    return this.#document.int(this.#entry, KIND) as Kind;
  }
}

function notNull(tree: JsonTree): JsonTree | undefined {
  return tree.isNull ? undefined : tree;
}

/**
 * The document, or undefined when the bytes are no UTF-8 or no JSON. `locate` where they were made
 * from others. Throws `BeyondBounds` for one that is too much.
 */
export function parseJsonTree(bytes: Uint8Array, locate?: Locate): JsonTree | undefined {
  if (!isUtf8(bytes)) return undefined;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Reader(buffer).entries();
  return entries === undefined ? undefined : new JsonTree(new Document(buffer, entries, locate), 0);
}

/**
 * A valid document: its bytes, and an entry for each value and each name, in the order in which
 * they are written.
 */
class Document {
  readonly #bytes: Buffer;
  readonly #entries: Int32Array;
  #given = 0;
  /** By its entry, what a string holds. */
  #inner: Map<number, JsonTree | undefined> | undefined;
  /** Of large objects, by their entry and a name that a reader asked for. */
  #found: Map<string, number> | undefined;
  readonly locate: Locate | undefined;

  constructor(bytes: Buffer, entries: Int32Array, locate: Locate | undefined) {
    this.#bytes = bytes;
    this.#entries = entries;
    this.locate = locate;
  }

  int(entry: number, field: number): number {
    return this.#entries[entry + field] as number;
  }

  raw(entry: number): string {
    return this.#bytes.toString("latin1", this.int(entry, START), this.int(entry, END));
  }

  source(entry: number): string {
    return this.#bytes.toString("utf8", this.int(entry, START), this.int(entry, END));
  }

  inner(entry: number, span: Span): JsonTree | undefined {
    this.#inner ??= new Map();
    if (this.#inner.has(entry)) return this.#inner.get(entry);
    if (this.#inner.size >= INNER_MAX) throw new BeyondBounds(`more than ${INNER_MAX} strings of JSON`);
    const text = this.string(entry);
    const { start, end } = span;
    const inner = /^\s*[{[]/.test(text)
      ? parseJsonTree(Buffer.from(text), () => ({ start, end }))
      : undefined;
    this.#inner.set(entry, inner);
    return inner;
  }

  string(entry: number): string {
    const [start, end] = [this.int(entry, START), this.int(entry, END)];
    if (this.int(entry, KIND) === Kind.string) return this.#bytes.toString("utf8", start + 1, end - 1);
    return JSON.parse(this.#bytes.toString("utf8", start, end)) as string;
  }

  /** The entry of the last member of that name; -1 when there is none. */
  member(object: number, name: string): number {
    if (this.int(object, KIND) !== Kind.object) return -1;
    const known = this.#found?.get(`${object} ${name}`);
    if (known !== undefined) return known;
    let found = -1;
    let members = 0;
    const end = this.int(object, NEXT);
    for (let entry = object + ENTRY_INTS; entry < end; entry = this.int(entry + ENTRY_INTS, NEXT)) {
      members++;
      if (this.#isNamed(entry, name)) found = entry + ENTRY_INTS;
    }
    if (members > MEMBERS_REMEMBERED) {
      this.#found ??= new Map();
      this.#found.set(`${object} ${name}`, found);
    }
    return found;
  }

  /** The entries of the names of an object's members; each one's value stands behind it. */
  *names(object: number): Generator<number> {
    const end = this.int(object, NEXT);
    for (let entry = object + ENTRY_INTS; entry < end; entry = this.int(entry + ENTRY_INTS, NEXT))
      yield entry;
  }

  items(array: number): number[] {
    const items: number[] = [];
    const end = this.int(array, NEXT);
    for (let entry = array + ENTRY_INTS; entry < end; entry = this.int(entry, NEXT)) {
      if (++this.#given > ITEMS_MAX) throw new BeyondBounds(`more than ${ITEMS_MAX} items`);
      items.push(entry);
    }
    return items;
  }

  #isNamed(entry: number, name: string): boolean {
    if (this.int(entry, KIND) === Kind.escaped) return this.string(entry) === name;
    const start = this.int(entry, START) + 1;
    const length = this.int(entry, END) - 1 - start;
    // In UTF-8 a name has at least as many bytes as units, and as many only if it is ASCII.
    if (length < name.length) return false;
    if (length > name.length) return !isAscii(name) && this.string(entry) === name;
    for (let index = 0; index < length; index++)
      if (this.#bytes[start + index] !== name.charCodeAt(index)) return false;
    return true;
  }
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;
const UPPER_E = 0x45;
const LOWER_U = 0x75;

/** What may stand behind a backslash beside `u`: `" \ / b f n r t`. */
const ESCAPES = new Set([...'"\\/bfnrt'].map((character) => character.charCodeAt(0)));
const LITERALS = ["true", "false", "null"].map((word) => Buffer.from(word));

class Invalid extends Error {}

/** Reads bytes by the grammar of RFC 8259, strictly. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #entries = new Int32Array(64 * ENTRY_INTS);
  #used = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Undefined when it is no JSON. */
  entries(): Int32Array | undefined {
    try {
      this.#skipSpace();
      this.#value(0);
      this.#skipSpace();
      return this.#at === this.#bytes.length ? this.#entries : undefined;
    } catch (error) {
      if (error instanceof Invalid) return undefined;
      throw error;
    }
  }

  #value(depth: number): void {
    if (depth > JSON_DEPTH_MAX) throw new BeyondBounds(`nested deeper than ${JSON_DEPTH_MAX} levels`);
    const entry = this.#begin();
    this.#end(entry, this.#content(depth));
  }

  #begin(): number {
    const entry = this.#used;
    if (entry === this.#entries.length) {
      if (entry >= JSON_ENTRIES_MAX * ENTRY_INTS)
        throw new BeyondBounds(`more than ${JSON_ENTRIES_MAX} values and names`);
      const larger = new Int32Array(Math.min(2 * entry, JSON_ENTRIES_MAX * ENTRY_INTS));
      larger.set(this.#entries);
      this.#entries = larger;
    }
    this.#used += ENTRY_INTS;
    this.#entries[entry + START] = this.#at;
    return entry;
  }

  #end(entry: number, kind: Kind): void {
    this.#entries[entry + END] = this.#at;
    this.#entries[entry + NEXT] = this.#used;
    this.#entries[entry + KIND] = kind;
  }

  #content(depth: number): Kind {
    const byte = this.#bytes[this.#at];
    if (byte === OPEN_OBJECT) return this.#object(depth);
    if (byte === OPEN_ARRAY) return this.#array(depth);
    if (byte === QUOTE) return this.#string();
    return byte === MINUS || isDigit(byte) ? this.#number() : this.#literal();
  }

  #object(depth: number): Kind {
    for (let more = this.#open(CLOSE_OBJECT); more; more = this.#goesOn(CLOSE_OBJECT)) {
      if (this.#bytes[this.#at] !== QUOTE) throw new Invalid();
      const name = this.#begin();
      this.#end(name, this.#string());
      this.#skipSpace();
      this.#expect(COLON);
      this.#skipSpace();
      this.#value(depth + 1);
    }
    return Kind.object;
  }

  #array(depth: number): Kind {
    for (let more = this.#open(CLOSE_ARRAY); more; more = this.#goesOn(CLOSE_ARRAY)) this.#value(depth + 1);
    return Kind.array;
  }

  /** Passes over what opens an object or an array; false when it ends at once. */
  #open(close: number): boolean {
    this.#at++;
    this.#skipSpace();
    if (this.#bytes[this.#at] !== close) return true;
    this.#at++;
    return false;
  }

  /** After a value: whether another one follows. */
  #goesOn(close: number): boolean {
    this.#skipSpace();
    const byte = this.#bytes[this.#at++];
    if (byte === close) return false;
    if (byte !== COMMA) throw new Invalid();
    this.#skipSpace();
    return true;
  }

  #expect(byte: number): void {
    if (this.#bytes[this.#at++] !== byte) throw new Invalid();
  }

  #skipSpace(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== SPACE && byte !== NEWLINE && byte !== RETURN && byte !== TAB) return;
      this.#at++;
    }
  }

  #string(): Kind {
    const bytes = this.#bytes;
    let kind: Kind = Kind.string;
    let at = this.#at + 1;
    for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[at]) {
      if (byte === undefined || byte < SPACE) throw new Invalid();
      at++;
      if (byte !== BACKSLASH) continue;
      kind = Kind.escaped;
      at = this.#escape(at);
    }
    this.#at = at + 1;
    return kind;
  }

  /** Where what is escaped ends. */
  #escape(at: number): number {
    const byte = this.#bytes[at] ?? 0;
    if (ESCAPES.has(byte)) return at + 1;
    if (byte !== LOWER_U) throw new Invalid();
    for (let digit = at + 1; digit <= at + 4; digit++)
      if (!isHexDigit(this.#bytes[digit])) throw new Invalid();
    return at + 5;
  }

  #number(): Kind {
    if (this.#bytes[this.#at] === MINUS) this.#at++;
    if (this.#bytes[this.#at] === ZERO) this.#at++;
    else this.#digits();
    if (this.#bytes[this.#at] === DOT) {
      this.#at++;
      this.#digits();
    }
    if (this.#bytes[this.#at] === LOWER_E || this.#bytes[this.#at] === UPPER_E) {
      this.#at++;
      if (this.#bytes[this.#at] === PLUS || this.#bytes[this.#at] === MINUS) this.#at++;
      this.#digits();
    }
    return Kind.number;
  }

  /** One at least. */
  #digits(): void {
    if (!isDigit(this.#bytes[this.#at])) throw new Invalid();
    while (isDigit(this.#bytes[this.#at])) this.#at++;
  }

  #literal(): Kind {
    const word = LITERALS.find(([first]) => first === this.#bytes[this.#at]);
    if (word === undefined) throw new Invalid();
    for (const byte of word) this.#expect(byte);
    return Kind.literal;
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function isHexDigit(byte: number | undefined): boolean {
  // Letters in lower case by the bit that tells them apart.
  return isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
