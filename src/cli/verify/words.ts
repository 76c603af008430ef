/**
 * What a request says of its own proof, for whoever compares it with what the source wants: a
 * token's claims, the host of a certificate, the family of a key. None of it is verified.
 */
import type { SignedRequest, SourceConfig } from "../../core/source.ts";
import { type GenericOptions, withPreset } from "../../sources/kinds/generic.ts";
import { parsePlace, RequestParts } from "../../sources/places.ts";

const TOKEN = /(?<![\w-])([\w-]+)\.([\w-]+)\.[\w-]*$/;
const SHOWN_CHARS_MAX = 200;

export function wordsOf(config: SourceConfig, request: SignedRequest): readonly string[] {
  const scheme = config.kind === "generic" ? withPreset(config as GenericOptions).scheme : undefined;
  const { algorithm = "", certificate } = scheme ?? {};
  if (certificate !== undefined) return certificateWords(certificate, request);
  if (/^(ed25519|ecdsa-|rsa-)/.test(algorithm))
    return ["if it came unchanged, another key signed it: of another application, or another environment"];
  if (!algorithm.startsWith("jwt-") && config.kind !== "vonage") return [];
  return tokenWords([scheme?.header ?? "Authorization"].flat(), request);
}

function certificateWords(place: string, request: SignedRequest): readonly string[] {
  const url = parsePlace(place, "certificate").read(new RequestParts(request)) ?? "";
  return URL.canParse(url) ? [`the request names a certificate at ${new URL(url).host}`] : [];
}

/** What its sender says of it: algorithm and key, by and for whom it was made, until when. */
function tokenWords(headers: readonly string[], request: SignedRequest): readonly string[] {
  const value = headers.map((name) => request.headers.get(name)).find((each) => each !== null) ?? "";
  const [, head = "", payload = ""] = TOKEN.exec(value) ?? [];
  const says = { ...jsonOf(head), ...jsonOf(payload) };
  const said = ["alg", "kid", "iss", "aud", "exp"].flatMap((name) =>
    says[name] === undefined ? [] : [`${name} ${JSON.stringify(says[name]).slice(0, SHOWN_CHARS_MAX)}`],
  );
  return said.length === 0 ? [] : [`the token itself says: ${said.join(", ")}`];
}

function jsonOf(part: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
