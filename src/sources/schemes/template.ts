/**
 * What is signed, as a template over bytes: `{timestamp}.{body}`, say. Values are put in verbatim,
 * as they were received.
 *
 * A signature is over one run of bytes, and doesn't say where a value ends. Whoever has caught a
 * request could move characters from one value into its neighbour, and the signature would still
 * hold; `unclear` refuses what could be cut in more than one way.
 */
import type { JsonTree } from "../../lib/json-tree.ts";
import { pathOf, queryOf } from "../kind.ts";
import { type Place, parsePlace, type RequestParts } from "../places.ts";
import { SchemeError, SHOWN_BYTES_MAX } from "./proof.ts";
import { signedParameters } from "./signed-parameters.ts";

const NAMED = ["timestamp", "id", "nonce"] as const;
type Named = (typeof NAMED)[number];
const PLAIN = ["body", "crc32(body)", "method", "url", "path", "parameters", "secret"] as const;
type Plain = (typeof PLAIN)[number];

const HASH = /^(md5|sha1|sha256|sha512)\(body\)(?: (base64|bytes))?$/;
type HashName = "md5" | "sha1" | "sha256" | "sha512";

type Part =
  | { readonly literal: string }
  | { readonly name: Named | Plain }
  | { readonly hash: HashName; readonly as: "hex" | "base64" | "bytes" }
  | { readonly place: Place };

export type Pieces = readonly (Uint8Array | string)[];

/** A request as a template sees it. */
export interface SignedParts {
  readonly parts: RequestParts;
  /** The item that is signed by itself. */
  readonly item?: JsonTree | undefined;
  readonly values: Readonly<Record<Named, string>>;
}

/** Each could be a body's length of work. */
const PARTS_MAX = 40;
const BODIES_MAX = 10;

/** What JSON and XML begin and end with, and neither an identifier nor a URL's query holds. */
const BOUNDARY = /[\s{}[\]<>"]/;

const NOTHING = new Uint8Array();

export class Template {
  readonly text: string;
  /** What of the request stands in it, each by itself. */
  readonly places: readonly Place[];
  /** Whether nobody can change the body without making another signature. */
  readonly coversBody: boolean;
  /** Whether it has a hash that is known to be weak. */
  readonly weak: boolean;
  readonly #parts: readonly Part[];

  /** Throws `SchemeError` for a name that it doesn't know, and for far too many. */
  constructor(text: string) {
    this.text = text;
    this.#parts = text
      .split(/(\{[^{}]*\})/)
      .filter((part) => part !== "")
      .map((part) => (part.startsWith("{") ? partOf(part.slice(1, -1)) : { literal: part }));
    const bodies = this.#parts.filter(readsWholeBody).length;
    if (this.#parts.length > PARTS_MAX || bodies > BODIES_MAX)
      throw mistake(`what is signed has more than ${PARTS_MAX} parts, or ${BODIES_MAX} times the body`);
    this.places = this.#parts.flatMap((part) => ("place" in part ? [part.place] : []));
    // A CRC is no hash: who changes the body makes another one that has the same.
    this.coversBody =
      this.#parts.some((part) => "hash" in part) || this.has("body") || this.has("parameters");
    this.weak = this.#parts.some((part) => "hash" in part && (part.hash === "md5" || part.hash === "sha1"));
    if (!this.coversBody) return;
    const joined = this.#parts.find((part, index) => isFree(part) && isFree(this.#parts[index + 1]));
    if (joined !== undefined)
      throw mistake(
        `what is signed, "${text}", has two values without anything between them: nobody could say where one ends`,
      );
  }

  has(name: Named | Plain): boolean {
    return this.#parts.some((part) => "name" in part && part.name === name);
  }

  /** Whether it can only be made with the body at hand, beyond its bytes. */
  get readsBody(): boolean {
    return this.has("parameters") || this.places.some(({ inBody }) => inBody);
  }

  /** The bytes that are signed, part by part. */
  pieces(signed: SignedParts, secret: Uint8Array = NOTHING): Pieces {
    return this.#parts.map((part) => pieceOf(part, signed, secret));
  }

  /** The same for people: the body told by its length, and no secret. */
  describe(signed: SignedParts): string {
    return this.#parts
      .map((part) => {
        if ("name" in part && part.name === "body")
          return `<body of ${signed.parts.request.body.length} bytes>`;
        if ("name" in part && part.name === "secret") return "<secret>";
        const piece = pieceOf(part, signed, NOTHING);
        if (typeof piece === "string") return piece;
        const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
        return "hash" in part ? `<${bytes.toString("hex")}>` : bytes.toString("utf8", 0, SHOWN_BYTES_MAX);
      })
      .join("");
  }

  /**
   * Why what is signed can't be made, or could be cut in another way; undefined when it can't.
   * Without a body (`withBody` false) only what the head tells.
   */
  unclear(signed: SignedParts, withBody: boolean): string | undefined {
    for (const [index, part] of this.#parts.entries()) {
      if ("place" in part && part.place.inBody && !withBody) continue;
      const why = isFree(part) ? this.#unclearValue(part, index, signed) : undefined;
      if (why !== undefined) return why;
      if ("name" in part && part.name === "url" && this.#isUnclearUrl(index, signed.parts.request.url))
        return "the URL that is signed holds characters that no URL has, and could be read in another way";
    }
    return withBody ? this.#unclearBody(signed) : undefined;
  }

  #unclearValue(part: Free, index: number, signed: SignedParts): string | undefined {
    const [name, value] = "place" in part ? placeValue(part.place, signed) : namedValue(part.name, signed);
    const isOptional = "place" in part && part.place.inBody;
    if (value === undefined || (value === "" && "name" in part))
      return isOptional ? undefined : `the ${name} that is signed is missing`;
    // A text of the body, where the body isn't covered, is the sender's own: an order's reference.
    const isFreeText = isOptional && !this.coversBody;
    if (!isFreeText && this.#parts.some((other) => "literal" in other && value.includes(other.literal)))
      return `the ${name} that is signed holds what stands between the signed parts`;
    const joined = [this.#parts[index - 1], this.#parts[index + 1]].some(
      (neighbour) => neighbour !== undefined && !("literal" in neighbour),
    );
    return joined && BOUNDARY.test(value)
      ? `the ${name} that is signed stands beside another part, and holds white space, brackets or quotes`
      : undefined;
  }

  /** Only the query can be longer or shorter: the rest of a URL is the source's own. */
  #isUnclearUrl(index: number, url: string): boolean {
    const others = [...this.#parts.slice(0, index), ...this.#parts.slice(index + 1)];
    return others.some((part) => isOpen(part)) && BOUNDARY.test(queryOf(url) ?? "");
  }

  /**
   * Where the body stands beside a value or a URL with a query, what it begins or ends with has to
   * tell where that ends.
   */
  #unclearBody({ parts }: SignedParts): string | undefined {
    const { body, url } = parts.request;
    if (this.has("parameters") && body.length > 0 && parts.parameters === undefined)
      return "the parameters are signed, and the body is no form";
    for (const [index, part] of this.#parts.entries()) {
      if (!("name" in part) || part.name !== "body" || body.length === 0) continue;
      const [before, after] = [this.#parts[index - 1], this.#parts[index + 1]];
      const [first = "", last = ""] = [body[0], body[body.length - 1]].map((byte) =>
        String.fromCharCode(byte as number),
      );
      const afterUrl = before !== undefined && "name" in before && before.name === "url";
      const isQueryOn = afterUrl && (queryOf(url) === undefined ? first === "?" : !BOUNDARY.test(first));
      if (isQueryOn || (isFree(before) && !BOUNDARY.test(first)) || (isFree(after) && !BOUNDARY.test(last)))
        return "the body stands beside another signed part, and nothing tells where one ends";
    }
    return undefined;
  }
}

/** Text of any length, which the sender's clock or the route doesn't bound. */
type Free = { readonly place: Place } | { readonly name: Named };

function isFree(part: Part | undefined): part is Free {
  if (part === undefined) return false;
  return "place" in part || ("name" in part && (part.name === "id" || part.name === "nonce"));
}

function isOpen(part: Part): boolean {
  return isFree(part) || ("name" in part && (part.name === "body" || part.name === "parameters"));
}

function readsWholeBody(part: Part): boolean {
  return "hash" in part || ("name" in part && ["body", "crc32(body)", "parameters"].includes(part.name));
}

function namedValue(name: Named, { values }: SignedParts): readonly [name: string, value: string] {
  return [name, values[name]];
}

function placeValue(
  place: Place,
  { parts, item }: SignedParts,
): readonly [name: string, value: string | undefined] {
  return [place.words, place.read(parts, item)];
}

function pieceOf(part: Part, { parts, item, values }: SignedParts, secret: Uint8Array): Uint8Array | string {
  const { body, url, method } = parts.request;
  if ("literal" in part) return part.literal;
  // What isn't there is empty: senders of JSON sign so what they have nothing for.
  if ("place" in part) return part.place.read(parts, item) ?? "";
  if ("hash" in part) {
    const digest = new Bun.CryptoHasher(part.hash).update(body);
    return part.as === "bytes" ? digest.digest() : digest.digest(part.as);
  }
  switch (part.name) {
    case "body":
      return body;
    case "secret":
      return secret;
    case "crc32(body)":
      return String(Bun.hash.crc32(body));
    case "method":
      return method;
    case "url":
      return url;
    case "path":
      return pathOf(url);
    case "parameters":
      return parts.parameters === undefined ? "" : signedParameters(parts.parameters);
    default:
      return values[part.name];
  }
}

export function sha256Hex(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

function partOf(text: string): Part {
  const name = [...NAMED, ...PLAIN].find((known) => known === text);
  if (name !== undefined) return { name };
  const [, hash, as = "hex"] = HASH.exec(text) ?? [];
  if (hash !== undefined) return { hash: hash as HashName, as: as as "hex" };
  if (/^(header|query|form|json)\./.test(text)) return { place: parsePlace(text, "scheme/signed") };
  const known = [...PLAIN, "sha256(body)", "sha256(body) base64", ...NAMED, "header.NAME", "query.NAME"];
  throw mistake(
    `{${text}} is none of ${[...known, "form.NAME", "json.PATH"].map((each) => `{${each}}`).join(", ")}`,
  );
}

function mistake(message: string): SchemeError {
  return new SchemeError(message, "scheme/signed");
}
