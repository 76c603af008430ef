/**
 * Answers to handshakes, as templates over a request: `{query.challenge}`,
 * `{hmac-sha256(json.payload.plainToken)}`. No template can say a secret.
 */
import { parsePlace, type RequestParts } from "./places.ts";
import { SchemeError } from "./schemes/proof.ts";

/** Undefined when something that the template names isn't there. */
type Fill = (request: RequestParts) => string | undefined;

interface AnswerTemplate {
  readonly fill: Fill;
  /** What an HMAC is made of. */
  readonly keyed: readonly Place[];
}

type Place = ReturnType<typeof parsePlace>;

/** What its templates may need. */
export interface TemplateContext {
  /** The first secret, or what says why there is none to make an HMAC by. */
  readonly key: Uint8Array | string;
  /** For mistakes. */
  readonly option: string;
  /** A value that is put into an HMAC must be one of these. */
  readonly mayBeKeyed: (value: string) => boolean;
}

const TOKENS = /\{\{|\}\}|\{[^{}]*\}|[^{}]+|[{}]/g;
const HASHED = /^(hmac-)?(sha1|sha256|sha384|sha512)\((.*)\)( base64)?$/s;
/** Each could be a body's length of work. */
const TOKENS_MAX = 50;

/** `{{` and `}}` are braces. Throws `SchemeError` for what is no template. */
export function answerTemplate(text: string, context: TemplateContext): AnswerTemplate {
  const tokens = text.match(TOKENS) ?? [];
  if (tokens.length > TOKENS_MAX)
    throw new SchemeError(`an answer has more than ${TOKENS_MAX} parts`, context.option);
  const parts = tokens.map((token) => partOf(token, context));
  return {
    keyed: parts.flatMap(({ keyed }) => keyed),
    fill(request) {
      let filled = "";
      for (const { fill } of parts) {
        const piece = fill(request);
        if (piece === undefined) return undefined;
        filled += piece;
      }
      return filled;
    },
  };
}

/** A value of JSON whose texts are templates. */
export function jsonTemplate(value: unknown, context: TemplateContext): AnswerTemplate {
  const keyed: Place[] = [];
  const fillOf = (part: unknown): ((request: RequestParts) => unknown) => {
    if (typeof part === "string") {
      const template = answerTemplate(part, context);
      keyed.push(...template.keyed);
      return template.fill;
    }
    if (typeof part !== "object" || part === null) return () => part;
    const fills = Object.entries(part).map(([name, inner]) => [name, fillOf(inner)] as const);
    return (request) => {
      const filled = fills.map(([name, fill]) => [name, fill(request)] as const);
      if (filled.some(([, inner]) => inner === undefined)) return undefined;
      return Array.isArray(part) ? filled.map(([, inner]) => inner) : Object.fromEntries(filled);
    };
  };
  const fill = fillOf(value);
  return { keyed, fill: (request) => JSON.stringify(fill(request)) };
}

function partOf(token: string, context: TemplateContext): AnswerTemplate {
  if (token === "{{" || token === "}}") return { keyed: [], fill: () => token[0] };
  if (!token.startsWith("{") && token !== "}") return { keyed: [], fill: () => token };
  if (token === "{" || token === "}")
    throw new SchemeError(`a brace that stands for itself is written twice: {{ or }}`, context.option);
  const [, keyedBy, algorithm, argument, base64] = HASHED.exec(token.slice(1, -1)) ?? [];
  if (algorithm === undefined) {
    const place = parsePlace(token.slice(1, -1), context.option);
    return { keyed: [], fill: (request) => place.read(request) };
  }
  const place = parsePlace(argument ?? "", context.option);
  const { key, mayBeKeyed } = context;
  if (keyedBy !== undefined && typeof key === "string") throw new SchemeError(key, context.option);
  return {
    keyed: keyedBy === undefined ? [] : [place],
    fill(request) {
      const value = place.read(request);
      if (value === undefined || (keyedBy !== undefined && !mayBeKeyed(value))) return undefined;
      const hasher = new Bun.CryptoHasher(
        algorithm as "sha256",
        ...(keyedBy === undefined || typeof key === "string" ? [] : [key]),
      );
      return hasher.update(value).digest(base64 === undefined ? "hex" : "base64");
    },
  };
}
