/**
 * JSON with the place of every value in its bytes, so that a part of a document can be kept exactly as it was
 * written: parsing and writing it again would change large numbers, spacing and escapes.
 */

/** Deeper documents are refused: nobody sends them in good faith. */
const DEPTH_MAX = 200;

type Content =
  | { readonly kind: "object"; readonly members: ReadonlyMap<string, JsonTree> }
  | { readonly kind: "array"; readonly items: readonly JsonTree[] }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "number" | "literal"; readonly text: string };

export class JsonTree {
  readonly #content: Content;
  /** The value's bytes are those from `start` up to, not including, `end`. */
  readonly start: number;
  readonly end: number;

  constructor(content: Content, start: number, end: number) {
    this.#content = content;
    this.start = start;
    this.end = end;
  }

  /** The same value with another place: that of what it was read from. */
  movedTo(start: number, end: number): JsonTree {
    return new JsonTree(this.#content, start, end);
  }

  /** The member of an object; undefined when there is none, it is null, or this is no object. The last of equal names counts. */
  get(name: string): JsonTree | undefined {
    const member = this.#content.kind === "object" ? this.#content.members.get(name) : undefined;
    return member?.isNull === true ? undefined : member;
  }

  /** The member of a member, and so on. */
  at(...names: readonly string[]): JsonTree | undefined {
    let found: JsonTree | undefined = this;
    for (const name of names) found = found?.get(name);
    return found;
  }

  /** The names of an object's members; none of anything else. */
  get names(): readonly string[] {
    return this.#content.kind === "object" ? [...this.#content.members.keys()] : [];
  }

  /** The items of an array; none of anything else. */
  get items(): readonly JsonTree[] {
    return this.#content.kind === "array" ? this.#content.items : [];
  }

  get isObject(): boolean {
    return this.#content.kind === "object";
  }

  get isArray(): boolean {
    return this.#content.kind === "array";
  }

  get isNull(): boolean {
    return this.#content.kind === "literal" && this.#content.text === "null";
  }

  /** A string's text, or a number digit by digit as it was written; undefined of anything else. */
  get text(): string | undefined {
    const { kind } = this.#content;
    return kind === "string" || kind === "number" ? this.#content.text : undefined;
  }

  /** Whether this is the literal true. */
  get isTrue(): boolean {
    return this.#content.kind === "literal" && this.#content.text === "true";
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The document, or undefined when the bytes are no UTF-8, no JSON, or nested deeper than 200 levels. */
export function parseJsonTree(bytes: Uint8Array): JsonTree | undefined {
  try {
    // What is said to be JSON here, is: the reader below may rely on it.
    JSON.parse(utf8.decode(bytes));
    return new Reader(bytes).document();
  } catch {
    return undefined;
  }
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
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Reads a document that is known to be valid. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  document(): JsonTree {
    this.#skipSpace();
    return this.#value(0);
  }

  #value(depth: number): JsonTree {
    if (depth > DEPTH_MAX) throw new RangeError("nested too deep");
    const start = this.#at;
    const content = this.#content(depth);
    return new JsonTree(content, start, this.#at);
  }

  #content(depth: number): Content {
    const byte = this.#bytes[this.#at] as number;
    if (byte === OPEN_OBJECT) return { kind: "object", members: this.#members(depth) };
    if (byte === OPEN_ARRAY) return { kind: "array", items: this.#items(depth) };
    if (byte === QUOTE) return { kind: "string", text: this.#string() };
    const number = byte === MINUS || (byte >= ZERO && byte <= NINE);
    return { kind: number ? "number" : "literal", text: this.#word() };
  }

  #members(depth: number): Map<string, JsonTree> {
    const members = new Map<string, JsonTree>();
    this.#open();
    while (this.#bytes[this.#at] !== CLOSE_OBJECT) {
      const name = this.#string();
      this.#pass(COLON);
      members.set(name, this.#value(depth + 1));
      this.#pass(COMMA);
    }
    this.#at++;
    return members;
  }

  #items(depth: number): JsonTree[] {
    const items: JsonTree[] = [];
    this.#open();
    while (this.#bytes[this.#at] !== CLOSE_ARRAY) {
      items.push(this.#value(depth + 1));
      this.#pass(COMMA);
    }
    this.#at++;
    return items;
  }

  #open(): void {
    this.#at++;
    this.#skipSpace();
  }

  /** Passes over white space, the byte if it is there, and white space again. */
  #pass(byte: number): void {
    this.#skipSpace();
    if (this.#bytes[this.#at] !== byte) return;
    this.#at++;
    this.#skipSpace();
  }

  #skipSpace(): void {
    while ((this.#bytes[this.#at] as number) <= SPACE) this.#at++;
  }

  #string(): string {
    const start = this.#at++;
    let escaped = false;
    for (let byte = this.#bytes[this.#at]; byte !== QUOTE; byte = this.#bytes[this.#at]) {
      if (byte === BACKSLASH) {
        escaped = true;
        this.#at++;
      }
      this.#at++;
    }
    this.#at++;
    if (!escaped) return this.#bytes.toString("utf8", start + 1, this.#at - 1);
    return JSON.parse(this.#bytes.toString("utf8", start, this.#at)) as string;
  }

  #word(): string {
    const start = this.#at;
    for (let byte = this.#bytes[this.#at]; byte !== undefined && !isEnd(byte); byte = this.#bytes[this.#at])
      this.#at++;
    return this.#bytes.toString("latin1", start, this.#at);
  }
}

function isEnd(byte: number): boolean {
  return byte <= SPACE || byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT;
}
