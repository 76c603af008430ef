/**
 * What is signed, as a template over bytes: `{timestamp}.{body}`, say. It must contain the body, or
 * its hash.
 */
import { SchemeError } from "./proof.ts";

const NAMES = ["body", "sha256(body)", "timestamp", "id", "nonce", "url"] as const;
type TemplateName = (typeof NAMES)[number];

export type TemplateValues = Readonly<Record<Exclude<TemplateName, "body" | "sha256(body)">, string>>;

/** Each could be a body's length of work. */
const PARTS_MAX = 20;

type Part = { readonly literal: string } | { readonly name: TemplateName };

export class Template {
  readonly #parts: readonly Part[];

  /**
   * Throws `SchemeError` for a name that it doesn't know, for far too many, and for a template
   * without the body.
   */
  constructor(text: string) {
    this.#parts = text
      .split(/(\{[^{}]*\})/)
      .filter((part) => part !== "")
      .map((part) => (part.startsWith("{") ? { name: nameOf(part.slice(1, -1)) } : { literal: part }));
    if (this.#parts.length > PARTS_MAX)
      throw new SchemeError(`what is signed has more than ${PARTS_MAX} parts`, "scheme/signed");
    if (!this.has("body") && !this.has("sha256(body)"))
      throw new SchemeError(
        `what is signed, "${text}", must contain {body} or {sha256(body)}`,
        "scheme/signed",
      );
  }

  has(name: TemplateName): boolean {
    return this.#parts.some((part) => "name" in part && part.name === name);
  }

  /**
   * Whether a value holds what stands between the parts, so that it could be read as several of
   * them.
   */
  couldBeSplit(value: string): boolean {
    return this.#parts.some((part) => "literal" in part && value.includes(part.literal));
  }

  /** The signed bytes, part by part. Values are put in verbatim, as they were received. */
  pieces(body: Uint8Array, values: TemplateValues): readonly (Uint8Array | string)[] {
    return this.#parts.map((part) => {
      if ("literal" in part) return part.literal;
      if (part.name === "body") return body;
      return part.name === "sha256(body)" ? sha256Hex(body) : values[part.name];
    });
  }

  /** The same with the body told by its length, for people. */
  describe(body: Uint8Array, values: TemplateValues): string {
    return this.#parts
      .map((part) => {
        if ("literal" in part) return part.literal;
        if (part.name === "body") return `<body of ${body.length} bytes>`;
        return part.name === "sha256(body)" ? sha256Hex(body) : values[part.name];
      })
      .join("");
  }
}

export function sha256Hex(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

function nameOf(text: string): TemplateName {
  const name = NAMES.find((known) => known === text);
  if (name === undefined)
    throw new SchemeError(
      `{${text}} is none of ${NAMES.map((known) => `{${known}}`).join(", ")}`,
      "scheme/signed",
    );
  return name;
}
