/**
 * A YAML text as a plain value whose values keep their locations: JSON pointer → line and column.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
} from "yaml";
import type { Location, Mistake } from "../core/mistake.ts";
import type { Substitute } from "./substitute.ts";
import { syntaxMistakes } from "./syntax-mistakes.ts";
import { boundMistake, DEPTH_MAX } from "./yaml-bounds.ts";

/** Aliases can make a small file a large value. */
const NODES_MAX = 50_000;
/** Of all pointers together: long names above many values make them a multiple of the file. */
const POINTER_CHARS_MAX = 16_000_000;

export interface LocatedDocument {
  readonly value: unknown;
  /** What is no YAML, or can't be taken out of it. */
  readonly mistakes: readonly Mistake[];
  /** Whether the value could be read at all: then what is in it may be looked at. */
  readonly readable: boolean;
  /** Of a value; of the nearest thing around it when it has none. */
  readonly locationOf: (pointer: string) => Location;
  /** Of the name before a value. */
  readonly keyLocationOf: (pointer: string) => Location;
  /** Whether a text's reference leads nowhere, so that there is nothing to say of its value. */
  readonly isUnknown: (pointer: string) => boolean;
  /** Whether the same can be said of any part of it. */
  readonly holdsUnknown: (pointer: string) => boolean;
}

/** Reads one document and puts variables and files into its texts. */
export function readDocument(text: string, substitute: Substitute): LocatedDocument {
  const lines = new LineCounter();
  const locationAt = (offset: number): Location => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const reading = new Reading(locationAt, substitute);
  const bound = boundMistake(text);
  if (bound !== undefined) return reading.result([bound]);
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    schema: "core",
  });
  const syntax = syntaxMistakes(document, text, locationAt);
  if (syntax.length === 0) reading.read(document);
  return reading.result(syntax);
}

interface Locations {
  readonly key: Location | undefined;
  readonly value: Location;
}

class Reading {
  readonly #locationAt: (offset: number) => Location;
  readonly #substitute: Substitute;
  readonly #mistakes: Mistake[] = [];
  readonly #locations = new Map<string, Locations>();
  readonly #unknown = new Set<string>();
  /** Those that are being read: an alias must not lead into what it is a part of. */
  readonly #around = new Set<Node>();
  #document: Document.Parsed | undefined;
  #nodes = 0;
  #pointerChars = 0;
  #value: unknown;

  constructor(locationAt: (offset: number) => Location, substitute: Substitute) {
    this.#locationAt = locationAt;
    this.#substitute = substitute;
  }

  read(document: Document.Parsed): void {
    this.#document = document;
    this.#value = this.#read(document.contents, "", undefined);
  }

  result(syntax: readonly Mistake[]): LocatedDocument {
    const locations = (pointer: string): Locations => {
      for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
        const found = this.#locations.get(at);
        if (found !== undefined) return found;
        if (at === "") return { key: undefined, value: { line: 1, column: 1 } };
      }
    };
    return {
      value: this.#value,
      mistakes: [...syntax, ...this.#mistakes],
      readable: syntax.length === 0 && !this.#isFull,
      locationOf: (pointer) => locations(pointer).value,
      keyLocationOf: (pointer) => locations(pointer).key ?? locations(pointer).value,
      isUnknown: (pointer) => this.#unknown.has(pointer),
      holdsUnknown: (pointer) => [...this.#unknown].some((at) => `${at}/`.startsWith(`${pointer}/`)),
    };
  }

  get #isFull(): boolean {
    return this.#nodes > NODES_MAX || this.#pointerChars > POINTER_CHARS_MAX;
  }

  #read(node: Node | ParsedNode | null, pointer: string, key: Location | undefined): unknown {
    const offset = node?.range?.[0];
    const empty = isScalar(node) && node.value === null && node.source === "";
    const value = (empty ? key : undefined) ?? (offset === undefined ? key : this.#locationAt(offset));
    const location = value ?? { line: 1, column: 1 };
    if (this.#isFull) return null;
    this.#nodes += 1;
    this.#pointerChars += pointer.length;
    if (this.#isFull) {
      this.#add(location, `the file has more than ${NODES_MAX} values, or very long names above them`);
      return null;
    }
    this.#locations.set(pointer, { key, value: location });
    if (node === null) return null;
    if (isAlias(node)) {
      const target = this.#document === undefined ? undefined : node.resolve(this.#document);
      if (target !== undefined && !this.#around.has(target)) return this.#read(target, pointer, key);
      return this.#nothing(pointer, location, `*${node.source} stands for nothing that was named before it`);
    }
    if (isMap(node) || isSeq(node)) {
      if (this.#around.size === DEPTH_MAX)
        return this.#nothing(pointer, location, "this is nested too deeply");
      this.#around.add(node);
      const read = isMap(node) ? this.#mapping(node.items, pointer) : this.#list(node.items, pointer);
      this.#around.delete(node);
      return read;
    }
    return this.#scalar(isScalar(node) ? node.value : undefined, pointer, location);
  }

  #mapping(pairs: readonly { key: unknown; value: unknown }[], pointer: string): unknown {
    const entries = new Map<string, unknown>();
    for (const pair of pairs) {
      const key = pair.key as Node;
      const location = this.#locationAt(key.range?.[0] ?? 0);
      if (!isScalar(key) || typeof key.value !== "string") {
        this.#add(location, "a name must be text: put it in quotes");
        continue;
      }
      const inner = `${pointer}/${pointerStep(key.value)}`;
      if (entries.has(key.value)) {
        const first = this.#locations.get(inner)?.key?.line;
        this.#add(location, `${JSON.stringify(key.value)} stands here again: it is in line ${first} already`);
        continue;
      }
      entries.set(key.value, this.#read((pair.value as Node | null) ?? null, inner, location));
    }
    return Object.fromEntries(entries);
  }

  #list(items: readonly unknown[], pointer: string): unknown {
    return items.map((item, index) => this.#read(item as Node, `${pointer}/${index}`, undefined));
  }

  #scalar(value: unknown, pointer: string, location: Location): unknown {
    if (typeof value === "string") {
      if (!value.isWellFormed())
        return this.#nothing(pointer, location, "it holds half of a character (\\ud800 to \\udfff alone)");
      const { text, mistakes } = this.#substitute(value);
      for (const message of mistakes) this.#nothing(pointer, location, message);
      return text;
    }
    if (value === null || typeof value === "number" || typeof value === "boolean") return value;
    return this.#nothing(pointer, location, "it must be text, a number, true or false");
  }

  #nothing(pointer: string, location: Location, message: string): null {
    this.#unknown.add(pointer);
    this.#add(location, pointer === "" ? message : `${pathText(pointer)}: ${message}`);
    return null;
  }

  #add(location: Location, message: string): void {
    this.#mistakes.push({ ...location, message });
  }
}

/** A name as a step of a JSON pointer (RFC 6901). */
export function pointerStep(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** A pointer for people: `sources.sms.map[0].from`. */
export function pathText(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((step, index) => (/^\d+$/.test(step) ? `[${step}]` : `${index === 0 ? "" : "."}${step}`))
    .join("");
}
