/** What of a request a terminal may show: no secrets, no control characters, not too much. */
import type { SignedRequest } from "../../core/source.ts";
import { visibleText } from "../../lib/visible-text.ts";
import type { SourceConfig } from "../../sources/open-source.ts";

const CHARS_MAX = 2000;
const USER_INFO = /^(https?:\/\/)[^/?#]*@/i;
/** In the name of a parameter whose value is nobody's business. */
const SECRET_NAME = /token|secret|sig|pass|key|auth/i;
const HIDDEN = "***";

export interface Redaction {
  /** Text that somebody else has written, on one line. */
  readonly text: (text: string) => string;
  /**
   * A sentence of ours that may quote the request. A secret that the request doesn't hold can stand
   * in it only because it is a word of ours too: such words stay.
   */
  readonly said: (sentence: string) => string;
  /** A text that the URL, or a form of it, may be a part of. */
  readonly signed: (text: string) => string;
}

/** For a source and a request to it; its URL is the one that it is taken for. */
export function redactionFor(
  { secret, verify_token = [] }: SourceConfig,
  { url, headers, body }: Pick<SignedRequest, "url" | "headers" | "body">,
): Redaction {
  const secrets = [secret, verify_token as string | string[]].flat().filter((each) => each !== "");
  const held = heldTexts(url, headers, body);
  const heldSecrets = secrets.filter((each) => held.some((text) => text.includes(each)));
  const at = url.indexOf("?") + 1 || url.length;
  const query = url.slice(at);
  const queries = [query, query.replaceAll("'", "%27")].filter((each) => each !== "");
  const without = (hidden: readonly string[]) => (given: string) =>
    onOneLine(hidden.reduce((rest, each) => rest.replaceAll(each, HIDDEN), given));
  const text = without(secrets);
  return {
    text,
    said: without(heldSecrets),
    signed: (given) => {
      const bare = given.replace(USER_INFO, `$1${HIDDEN}@`);
      return text(queries.reduce((rest, each) => rest.replaceAll(each, withoutSecrets(each)), bare));
    },
  };
}

/**
 * Whatever a sentence may quote that can be secret, so no names of headers; a token's claims stand
 * in it decoded.
 */
function heldTexts(url: string, headers: Headers, body: Uint8Array): readonly string[] {
  const values = [...headers.values()];
  const decoded = values.flatMap((value) =>
    value.split(/[^\w+/=-]+/).map((part) => Buffer.from(part, "base64url").toString()),
  );
  return [url, Buffer.from(body).toString(), ...values, ...decoded];
}

function withoutSecrets(query: string): string {
  return query
    .split("&")
    .map((parameter) => {
      const end = parameter.indexOf("=") + 1;
      const isSecret = end > 0 && SECRET_NAME.test(parameter.slice(0, end));
      return isSecret ? parameter.slice(0, end) + HIDDEN : parameter;
    })
    .join("&");
}

function onOneLine(text: string): string {
  const cut = text.length > CHARS_MAX ? `${text.slice(0, CHARS_MAX)}… (${text.length} characters)` : text;
  return visibleText(cut);
}
