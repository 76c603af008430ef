/**
 * Signatures by a shared secret in a header, in all the ways in which providers word them: several
 * candidates, names or versions before them, a timestamp beside them or in a header of its own. Any
 * candidate that any secret made wins.
 */

import type { RequestHead, Verdict } from "../../core/source.ts";
import { equalInConstantTime } from "../../lib/constant-time.ts";
import { defineScheme, refused, type Scheme, type SecretEncoding, secretBytes } from "./proof.ts";
import { sha256Hex, Template, type TemplateValues } from "./template.ts";
import { checkTimestamp, type TimestampFormat, timeText } from "./timestamp.ts";

export interface HmacOptions {
  /** The header that holds the signatures. */
  readonly header: string;
  readonly algorithm: "hmac-sha1" | "hmac-sha256" | "hmac-sha512";
  readonly encoding: "hex" | "base64";
  /** Stands before each signature: `sha256=`. */
  readonly prefix?: string;
  /** Between several signatures in the header. */
  readonly separator?: string;
  /** Between a version and its signature; only signatures of `version` count. */
  readonly version_separator?: string;
  readonly version?: string;
  readonly secret_prefix?: string;
  readonly secret_encoding?: SecretEncoding;
  readonly id_header?: string;
  readonly nonce_header?: string;
  readonly timestamp_header?: string;
  /** The part of the signatures' header that is the timestamp: the `t` of `t=…,v1=…`. */
  readonly timestamp_part?: string;
  readonly timestamp_format?: TimestampFormat;
  /** How far the timestamp may be from now, both ways; 300 unless given. */
  readonly tolerance_seconds?: number;
  readonly signed: string;
}

const ALGORITHMS = { "hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha512": "sha512" } as const;
const TOLERANCE_SECONDS = 300;

/** Throws `SchemeError` when a secret or the template can't be used. */
export function hmacScheme(options: HmacOptions, secrets: readonly string[]): Scheme {
  const template = new Template(options.signed);
  const keys = secrets.map((secret) => secretBytes(secret, options.secret_encoding, options.secret_prefix));
  const { tolerance_seconds = TOLERANCE_SECONDS, timestamp_format = "unix", encoding } = options;
  const hasTimestamp = options.timestamp_header !== undefined || options.timestamp_part !== undefined;
  const digest = (key: Uint8Array, pieces: readonly (Uint8Array | string)[]) => {
    const hasher = new Bun.CryptoHasher(ALGORITHMS[options.algorithm], key);
    for (const piece of pieces) hasher.update(piece);
    return hasher.digest(encoding);
  };
  return defineScheme({
    coversQuery: template.has("url"),
    begin(head, now) {
      const value = head.headers.get(options.header);
      if (value === null) return refused(`the header ${options.header} is missing`);
      const parts = options.separator === undefined ? [value] : value.split(options.separator);
      const candidates = parts.flatMap((part) => signatureIn(part.trim(), options));
      if (candidates.length === 0)
        return refused(`the header ${options.header} holds no signature of the right form`);
      const values = valuesOf(head, options, parts);
      for (const name of ["id", "nonce", "timestamp"] as const) {
        if (!template.has(name)) continue;
        if (values[name] === "") return refused(`the ${name} that is signed is missing`);
        if (name !== "timestamp" && template.couldBeSplit(values[name]))
          return refused(`the ${name} that is signed holds what stands between the signed parts`);
      }
      if (hasTimestamp) {
        const why = checkTimestamp(values.timestamp, timestamp_format, now, tolerance_seconds);
        if (why !== undefined) return refused(why);
      }
      return (body) => {
        const pieces = template.pieces(body, values);
        let proven = false;
        for (const key of keys) {
          const expected = digest(key, pieces);
          for (const candidate of candidates) proven = equalInConstantTime(expected, candidate) || proven;
        }
        return proven ? PROVEN : refused("no secret made this signature", [template.describe(body, values)]);
      };
    },
    sign({ body, url }, now) {
      const time = timeText(timestamp_format, now);
      const id = sha256Hex(body).slice(0, 32);
      const pieces = template.pieces(body, { url, id, nonce: id, timestamp: time });
      const signed = digest(keys[0] as Uint8Array, pieces);
      const { prefix = "", version, version_separator: between = "=", separator = "," } = options;
      const signature = version === undefined ? `${prefix}${signed}` : `${version}${between}${signed}`;
      const part = options.timestamp_part;
      const stamp = part === undefined ? "" : `${part}${between}${time}${separator}`;
      const headers: Record<string, string> = { [options.header]: `${stamp}${signature}` };
      if (options.id_header !== undefined) headers[options.id_header] = id;
      if (options.nonce_header !== undefined) headers[options.nonce_header] = id;
      if (options.timestamp_header !== undefined) headers[options.timestamp_header] = time;
      return { headers };
    },
  });
}

const PROVEN: Verdict = { proven: true };

/** Bytes of a signature. */
const SIZES = { "hmac-sha1": 20, "hmac-sha256": 32, "hmac-sha512": 64 } as const;

/**
 * Nothing, when the part has another version or not the prefix, or is no signature of this
 * algorithm's.
 */
function signatureIn(part: string, options: HmacOptions): string[] {
  const { prefix = "", version_separator, version, algorithm, encoding } = options;
  if (version_separator === undefined && !part.startsWith(prefix)) return [];
  const [name, signature] =
    version_separator === undefined ? [version, part.slice(prefix.length)] : named(part, version_separator);
  if (name !== version || signature === undefined) return [];
  const size = SIZES[algorithm];
  // Some write hexadecimal digits in upper case, which are the same bytes.
  if (encoding === "hex") return signature.length === 2 * size ? [signature.toLowerCase()] : [];
  return signature.length === 4 * Math.ceil(size / 3) ? [signature] : [];
}

function valuesOf(
  { headers, url }: RequestHead,
  options: HmacOptions,
  parts: readonly string[],
): TemplateValues {
  const header = (name: string | undefined) => (name === undefined ? "" : (headers.get(name) ?? ""));
  const { timestamp_part, version_separator = "=" } = options;
  const part =
    timestamp_part === undefined
      ? undefined
      : parts.map((each) => named(each.trim(), version_separator)).find(([name]) => name === timestamp_part);
  return {
    url,
    id: header(options.id_header),
    nonce: header(options.nonce_header),
    timestamp: part?.[1] ?? header(options.timestamp_header),
  };
}

function named(part: string, separator: string): [name: string, value: string | undefined] {
  const at = part.indexOf(separator);
  return at === -1 ? [part, undefined] : [part.slice(0, at), part.slice(at + separator.length)];
}
