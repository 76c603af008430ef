/**
 * Signatures in all the ways in which providers word them: by a shared secret or the sender's key;
 * in a header, the query or the body; several candidates, names or versions before them; a
 * timestamp beside them or in a place of its own. Any candidate that any key made wins.
 */

import type { Refusal, RequestHead, SignedRequest, Verdict } from "../../core/source.ts";
import { bytesOfBase64 } from "../../lib/base64.ts";
import type { JsonTree } from "../../lib/json-tree.ts";
import { itemsAt, type Place, RequestParts } from "../places.ts";
import { certifiedKey, type Key, rulesOf, type SignatureAlgorithm } from "./algorithms.ts";
import { NamedCertificate } from "./certificate.ts";
import { Draft } from "./draft.ts";
import {
  defineScheme,
  refused,
  type Scheme,
  SchemeError,
  type SchemeRules,
  SECRET,
  type SecretEncoding,
  type Signature,
  type Unsigned,
} from "./proof.ts";
import { itemPlace, Places, type ProofPlaceOptions, proofPlaces } from "./proof-place.ts";
import { type PublishedKeys, publishedKeys } from "./published-keys.ts";
import { type SignedParts, sha256Hex, Template } from "./template.ts";
import { checkTimestamp, type TimestampFormat, timeText } from "./timestamp.ts";

type PlaceTexts = string | readonly string[];

export interface SignatureOptions extends ProofPlaceOptions {
  readonly algorithm: SignatureAlgorithm;
  /** Of a public key's signatures base64 unless given. */
  readonly encoding?: "hex" | "base64" | "base64url";
  /** Stands before each signature: `sha256=`. */
  readonly prefix?: string;
  /** Between several signatures. */
  readonly separator?: string;
  /** Between a version and its signature; only signatures of `version` count. */
  readonly version_separator?: string;
  readonly version?: string;
  readonly secret_prefix?: string | readonly string[];
  readonly secret_encoding?: SecretEncoding;
  readonly id?: PlaceTexts;
  readonly id_header?: string;
  readonly nonce?: PlaceTexts;
  readonly nonce_header?: string;
  readonly timestamp?: PlaceTexts;
  readonly timestamp_header?: string;
  /** The part of the signatures' place that is the timestamp: the `t` of `t=…,v1=…`. */
  readonly timestamp_part?: string;
  readonly timestamp_format?: TimestampFormat;
  /** How far the timestamp may be from now, both ways; 300 unless given. */
  readonly tolerance_seconds?: number;
  readonly signed?: string;
  /** The array whose items are signed each by itself. */
  readonly each?: string;
  readonly covers_body?: boolean;
  readonly weak?: boolean;
  /** Of RSA: where a certificate of the key is named; the secret is then what is signed with it. */
  readonly certificate?: string;
  readonly certificate_hosts?: readonly string[];
  readonly allow_private?: boolean;
}

const TOLERANCE_SECONDS = 300;
/** Nobody signs with more keys at once, and of a public key each costs a pass over the body. */
const SIGNATURES_MAX = 8;
const NAMES = ["id", "nonce", "timestamp"] as const;
type Name = (typeof NAMES)[number];
const NO_BODY = new Uint8Array();
const PROVEN: Verdict = { proven: true };

/** Throws `SchemeError` when the scheme lacks something, or a secret can't be used. */
export function signatureScheme(
  options: SignatureOptions,
  secrets: readonly string[],
  published: PublishedKeys = publishedKeys,
): Scheme {
  return new SignatureScheme(options).scheme(secrets, published);
}

/** A signature's candidates, and what of the request goes into the template. */
interface Found {
  readonly candidates: readonly Uint8Array[];
  readonly signed: SignedParts;
}

class SignatureScheme {
  readonly #options: SignatureOptions;
  readonly #encoding: "hex" | "base64" | "base64url";
  readonly #size: number | undefined;
  readonly #template: Template;
  readonly #at: Places;
  readonly #sources: Readonly<Partial<Record<Name, Places>>>;
  readonly #each: ((document: JsonTree) => readonly JsonTree[]) | undefined;
  /** Whether the head alone tells the signature and all that is checked beside it. */
  readonly #headTellsAll: boolean;

  constructor(options: SignatureOptions) {
    const { algorithm, encoding, signed, each, version, version_separator } = options;
    const { family, size } = rulesOf(algorithm);
    this.#options = options;
    this.#size = size;
    if (encoding === undefined && family !== "public")
      throw new SchemeError(`${algorithm} needs encoding: hex, base64 or base64url`, "scheme");
    this.#encoding = encoding ?? "base64";
    if (signed === undefined) throw new SchemeError(`${algorithm} needs signed, such as "{body}"`, "scheme");
    if ((version === undefined) !== (version_separator === undefined))
      throw new SchemeError("version and version_separator go together", "scheme");
    this.#template = new Template(signed);
    this.#at = proofPlaces(options, "signature");
    this.#sources = Object.fromEntries(
      NAMES.flatMap((name) => {
        const places = placesOf(name, options);
        return places === undefined ? [] : [[name, places]];
      }),
    );
    this.#each = each === undefined ? undefined : itemsAt(each);
    this.#headTellsAll =
      this.#each === undefined &&
      !this.#template.readsBody &&
      ![this.#at, ...Object.values(this.#sources)].some(({ inBody }) => inBody);
    this.#check(family);
  }

  #check(family: "hmac" | "hash" | "public"): void {
    const { options, template } = { options: this.#options, template: this.#template };
    const { certificate } = options;
    if (certificate !== undefined && !template.has("secret"))
      throw new SchemeError(
        "signed needs {secret}: what the sender signs for others has a certificate too",
        "scheme/signed",
      );
    if (certificate === undefined && template.has("secret") !== (family === "hash"))
      throw new SchemeError(
        family === "hash"
          ? `${options.algorithm} is no signature unless signed has {secret}`
          : `${options.algorithm} takes the secret as its key: signed has no {secret}`,
        "scheme/signed",
      );
    for (const name of NAMES) {
      const places = this.#sources[name];
      const isSaid = places !== undefined || (name === "timestamp" && options.timestamp_part !== undefined);
      if (template.has(name) && !isSaid)
        throw new SchemeError(`signed has {${name}}, and nothing says which header it is`, "scheme");
    }
    if (!this.#signsTimestamp())
      throw new SchemeError("signed lacks {timestamp}: anyone could change it", "scheme");
    const inBody = this.#at.inBody || this.#each !== undefined;
    if (inBody && (template.coversBody || template.has("crc32(body)")))
      throw new SchemeError("the signature stands in the body that it would sign", "scheme/signed");
    if (!template.coversBody && options.covers_body !== false)
      throw new SchemeError(
        `what is signed, "${template.text}", must contain {body} or {sha256(body)}; if the provider doesn't sign the body, say so: covers_body: false`,
        "scheme/signed",
      );
    const { weak } = this;
    if (weak && options.weak !== true)
      throw new SchemeError(
        "MD5 and SHA-1 are broken: if the provider has nothing better, say weak: true",
        "scheme",
      );
  }

  get weak(): boolean {
    return rulesOf(this.#options.algorithm).weak || this.#template.weak;
  }

  /** Also where it is a part of the signed body, or stands in the template by its place. */
  #signsTimestamp(): boolean {
    const { timestamp } = this.#sources;
    if (this.#template.has("timestamp")) return true;
    if (timestamp === undefined) return this.#options.timestamp_part === undefined;
    return timestamp.places.every(
      (place) => (place.inBody && this.#template.coversBody) || this.#template.places.some(isSame(place)),
    );
  }

  scheme(secrets: readonly string[], published: PublishedKeys): Scheme {
    const { algorithm, certificate, secret_encoding, secret_prefix = [] } = this.#options;
    if (certificate !== undefined)
      return this.#certified(secrets, new NamedCertificate({ ...this.#options, certificate }, published));
    const { key, family } = rulesOf(algorithm);
    const keys = secrets.map((secret) => key(secret, secret_encoding, [secret_prefix].flat()));
    return defineScheme({
      ...this.#common(() => keys),
      ...(family !== "public" && { sign: (request, now) => this.#sign(request, now, keys[0]) }),
    });
  }

  #certified(secrets: readonly string[], certificate: NamedCertificate): Scheme {
    const { algorithm } = this.#options;
    if (algorithm !== "rsa-sha256" && algorithm !== "rsa-sha1")
      throw new SchemeError(`a certificate is for rsa-sha256, not for ${algorithm}`, "scheme");
    if (secrets.some((secret) => secret.trim() === "")) throw new SchemeError("the secret is blank", SECRET);
    const common = this.#common((request, now) => {
      const found = certificate.keyOf(request, now);
      return "proven" in found ? found : secrets.map((secret) => certifiedKey(algorithm, found.key, secret));
    });
    return defineScheme({
      ...common,
      prepare: async (request, now) => {
        // Nobody is asked for the sake of a request that is refused whatever its key is.
        if (typeof common.begin(request, now) === "function") await certificate.prepare(request);
      },
    });
  }

  #common(keysOf: (request: SignedRequest, now: number) => readonly Key[] | Refusal): SchemeRules {
    return {
      coversBody: this.#template.coversBody,
      coversQuery: this.#template.has("url"),
      weak: this.weak,
      signsWithin: Object.values(this.#sources).some(({ inBody }) => inBody),
      begin: (head, now) => {
        const parts = new RequestParts({ ...head, body: NO_BODY });
        const found = this.#find(parts, undefined, now, false);
        if ("proven" in found) return found;
        return (body) => {
          const request = { ...head, body };
          const keys = keysOf(request, now);
          return "proven" in keys ? keys : this.#judge(request, found, keys, now);
        };
      },
    };
  }

  #judge(
    request: RequestHead & { readonly body: Uint8Array },
    begun: Found,
    keys: readonly Key[],
    now: number,
  ): Verdict {
    const parts = new RequestParts(request);
    if (this.#headTellsAll) return this.#verify({ ...begun, signed: { ...begun.signed, parts } }, keys);
    if (this.#each === undefined) return this.#verifyPart(parts, undefined, keys, now);
    const items = this.#itemsOf(parts);
    if (items.length === 0) return refused(`the body has no ${this.#options.each} that could be signed`);
    for (const item of items) {
      const verdict = this.#verifyPart(parts, item, keys, now);
      if (!verdict.proven) return verdict;
    }
    return PROVEN;
  }

  #verifyPart(parts: RequestParts, item: JsonTree | undefined, keys: readonly Key[], now: number): Verdict {
    const found = this.#find(parts, item, now, true);
    return "proven" in found ? found : this.#verify(found, keys);
  }

  #verify({ candidates, signed }: Found, keys: readonly Key[]): Verdict {
    const why = this.#template.unclear(signed, true);
    if (why !== undefined) return refused(why);
    const pieces = this.#template.has("secret")
      ? (secret: Uint8Array) => this.#template.pieces(signed, secret)
      : once(() => this.#template.pieces(signed));
    let proven = false;
    for (const key of keys) proven = key.holds(pieces, candidates) || proven;
    const none =
      rulesOf(this.#options.algorithm).family === "public" ? "no public key holds for" : "no secret made";
    return proven ? PROVEN : refused(`${none} this signature`, [this.#template.describe(signed)]);
  }

  /** Without a body (`withBody` false) what stands in it is neither looked for nor missed. */
  #find(parts: RequestParts, item: JsonTree | undefined, now: number, withBody: boolean): Refusal | Found {
    const signedAt = this.#at.inBody && !withBody ? undefined : this.#signaturesIn(parts, item);
    if (signedAt !== undefined && "proven" in signedAt) return signedAt;
    const values = this.#valuesOf(parts, item, signedAt?.texts ?? []);
    const isTold = (name: Name) => withBody || this.#sources[name]?.inBody !== true;
    const signed = { parts, item, values };
    for (const name of NAMES)
      if (this.#template.has(name) && isTold(name) && values[name] === "")
        return refused(`the ${name} that is signed is missing`);
    const why = isTold("id") && isTold("nonce") ? this.#template.unclear(signed, false) : undefined;
    if (why !== undefined) return refused(why);
    const hasTimestamp = this.#sources.timestamp !== undefined || this.#options.timestamp_part !== undefined;
    if (
      hasTimestamp &&
      isTold("timestamp") &&
      (signedAt !== undefined || this.#sources.timestamp !== undefined)
    ) {
      const { timestamp_format = "unix", tolerance_seconds = TOLERANCE_SECONDS } = this.#options;
      const late = checkTimestamp(values.timestamp, timestamp_format, now, tolerance_seconds);
      if (late !== undefined) return refused(late);
    }
    return { candidates: signedAt?.candidates ?? [], signed };
  }

  #signaturesIn(
    parts: RequestParts,
    item: JsonTree | undefined,
  ): Refusal | { readonly texts: readonly string[]; readonly candidates: readonly Uint8Array[] } {
    const value = this.#at.read(parts, item);
    if (value === undefined) return refused(`the ${this.#at.words} is missing`);
    const { separator } = this.#options;
    const texts = separator === undefined ? [value] : value.split(separator);
    const candidates = texts.flatMap((text) => this.#signatureIn(text.trim())).slice(0, SIGNATURES_MAX);
    if (candidates.length > 0) return { texts, candidates };
    const { version } = this.#options;
    const ofVersion = version === undefined ? "" : ` and version (${version})`;
    return refused(`the ${this.#at.words} holds no signature of the right form${ofVersion}`);
  }

  /** Nothing, when it has another version or not the prefix, or is none of this algorithm's. */
  #signatureIn(text: string): Uint8Array[] {
    const { prefix = "", version_separator, version } = this.#options;
    if (version_separator === undefined && !text.startsWith(prefix)) return [];
    const [name, signature] =
      version_separator === undefined ? [version, text.slice(prefix.length)] : named(text, version_separator);
    if (name !== version || signature === undefined) return [];
    const bytes = decoded(signature, this.#encoding);
    const fits = bytes !== undefined && bytes.length > 0 && (this.#size ?? bytes.length) === bytes.length;
    return fits ? [bytes] : [];
  }

  #valuesOf(parts: RequestParts, item: JsonTree | undefined, texts: readonly string[]) {
    const { timestamp_part, version_separator = "=" } = this.#options;
    const part =
      timestamp_part === undefined
        ? undefined
        : texts
            .map((text) => named(text.trim(), version_separator))
            .find(([name]) => name === timestamp_part);
    const read = (name: Name) => this.#sources[name]?.read(parts, item) ?? "";
    return { id: read("id"), nonce: read("nonce"), timestamp: part?.[1] ?? read("timestamp") };
  }

  #sign(request: Unsigned, now: number, key: Key | undefined): Signature {
    const {
      timestamp_format = "unix",
      timestamp_part,
      version_separator = "=",
      separator = ",",
    } = this.#options;
    const draft = new Draft(request);
    const time = timeText(timestamp_format, now);
    const id = sha256Hex(request.body).slice(0, 32);
    const keptAt = (place: Place) => (place.kind === "header" ? keptValue(request, place.name) : undefined);
    const own = (name: Name) =>
      this.#sources[name]?.places.map(keptAt).find((value) => value !== undefined) ?? id;
    const named = { id: own("id"), nonce: own("nonce"), timestamp: time };
    const part = timestamp_part === undefined ? "" : `${timestamp_part}${version_separator}${time}`;
    const isForm = this.#template.places.some(({ kind }) => kind === "form");
    if (isForm || this.#template.has("parameters")) draft.toForm();
    for (const place of this.#template.places) if (!place.inBody) draft.put(place, keptAt(place) ?? id);
    const count = Math.max(1, this.#itemsOf(draft.parts).length);
    for (let index = 0; index < count; index++) {
      const place = (of: Place) => itemPlace(of, this.#options.each, index);
      for (const name of NAMES) {
        const [first] = this.#sources[name]?.places ?? [];
        if (first !== undefined) draft.put(place(first), named[name]);
      }
      const { parts } = draft;
      const item = this.#itemsOf(parts)[index];
      const signed = { parts, item, values: this.#valuesOf(parts, item, [part]) };
      const signature = key?.sign?.((secret) => this.#template.pieces(signed, secret)) ?? NO_BODY;
      const stamp = part === "" ? "" : `${part}${separator}`;
      draft.put(place(this.#at.places[0]), `${stamp}${this.#worded(signature)}`);
    }
    return draft.signature;
  }

  #itemsOf(parts: RequestParts): readonly JsonTree[] {
    const document = this.#each === undefined ? undefined : parts.json;
    return document === undefined ? [] : (this.#each?.(document) ?? []);
  }

  #worded(signature: Uint8Array): string {
    const { prefix = "", version, version_separator: between = "=" } = this.#options;
    const text = Buffer.from(signature).toString(this.#encoding);
    return version === undefined ? `${prefix}${text}` : `${version}${between}${text}`;
  }
}

/** By its place, or short by its header. */
function placesOf(name: Name, options: SignatureOptions): Places | undefined {
  const [place, header] = [options[name], options[`${name}_header`]];
  if (place !== undefined && header !== undefined)
    throw new SchemeError(`${name} and ${name}_header say the same: say one of them`, "scheme");
  if (header !== undefined) return Places.of(`header ${header}`, `scheme/${name}_header`);
  return place === undefined ? undefined : Places.of(place, `scheme/${name}`);
}

function isSame({ kind, name }: Place): (other: Place) => boolean {
  const nameOf = (of: string) => (kind === "header" ? of.toLowerCase() : of);
  return (other) => other.kind === kind && nameOf(other.name) === nameOf(name);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Undefined for what is none. Hexadecimal digits have no case, and base64 needs no padding. */
function decoded(text: string, encoding: "hex" | "base64" | "base64url"): Uint8Array | undefined {
  if (encoding === "hex") return /^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, "hex") : undefined;
  if (encoding === "base64") return bytesOfBase64(text);
  return /[+/]/.test(text) ? undefined : bytesOfBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

function named(text: string, separator: string): [name: string, value: string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** Undefined for what isn't kept, and what has to be spelt to stand in a header. */
function keptValue({ keptHeaders }: Unsigned, name: string): string | undefined {
  const value = keptHeaders?.[name.toLowerCase()];
  return value !== undefined && /^[ -~]+$/.test(value) ? value : undefined;
}
