/**
 * A provider's POST, kept byte for byte, as a request to another address: signed as its source's
 * kind signs, by a secret that whoever gets it knows.
 */
import type { KeptPost, OriginalRequest, SourceConfig } from "../core/source.ts";
import { FORM_TYPE } from "./kind.ts";
import { openSource } from "./open-source.ts";
import type { ConfiguredSource } from "./provider-source.ts";

/** What belongs to the connection that it came by, or is said anew. */
const NOT_HANDED_ON =
  /^(connection|content-length|transfer-encoding|host|expect|te|trailer|upgrade|keep-alive|proxy-.*|postern-.*)$/;
const TRIED = { body: Buffer.from("{}"), url: "https://example.org/" };

/** Why requests of the source can't be made anew; undefined when they can. */
export function originalMistake(source: ConfiguredSource): string | undefined {
  const signature = source.sign(TRIED, 0);
  if (signature === undefined) return "only its provider can make what proves its requests";
  return signature.body === undefined
    ? undefined
    : "its signature, or the time of that, stands in the body, which is handed on as it came";
}

/** `config` has the receiver's secret. Throws `SchemeError`. */
export function openOriginal(
  name: string,
  config: SourceConfig,
): (post: KeptPost, url: string, now: number) => OriginalRequest {
  const source = openSource(name, config);
  return ({ body, headers: kept = {} }, url, now) => {
    const contentType = kept["content-type"];
    const known = { keptHeaders: kept, ...(contentType !== undefined && { contentType }) };
    const signature = source.sign({ body, url, ...known }, now);
    const { "content-type": type, ...proof } = inLowerCase(signature?.headers ?? {});
    const headers = {
      // A GET has no type: what it brought is its query, which a POST brings as a form.
      ...(source.takesGet && { "content-type": FORM_TYPE }),
      ...(type !== undefined && { "content-type": type }),
      ...Object.fromEntries(Object.entries(kept).filter(([header]) => !NOT_HANDED_ON.test(header))),
      ...proof,
    };
    return { headers, body, ...(signature?.query !== undefined && { query: signature.query }) };
  };
}

function inLowerCase(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
