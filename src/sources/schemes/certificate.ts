/**
 * The certificate that a request names, of the key that signed it. What it says counts because of
 * where it is: on hosts that the configuration names, by https. No chain is looked at but theirs.
 */
import type { KeyObject, X509Certificate } from "node:crypto";
import type { Refusal, SignedRequest } from "../../core/source.ts";
import { parsePlace, RequestParts } from "../places.ts";
import { refused, SchemeError } from "./proof.ts";
import type { PublishedKeys } from "./published-keys.ts";

interface CertificateOptions {
  /** Where its URL stands. */
  readonly certificate: string;
  /**
   * `HOST`, `HOST:PORT` or `.DOMAIN`, of which the subdomains are meant; behind it, the beginning
   * of a path.
   */
  readonly certificate_hosts?: readonly string[];
  readonly allow_private?: boolean;
}

const HOST = /^(\.?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?)(\/[^?#\s]*)?$/;

export class NamedCertificate {
  readonly #place: ReturnType<typeof parsePlace>;
  readonly #hosts: readonly (readonly [host: string, path: string])[];
  readonly #allowPrivate: boolean;
  readonly #keys: PublishedKeys;

  /** Throws `SchemeError`. */
  constructor(options: CertificateOptions, keys: PublishedKeys) {
    const { certificate, certificate_hosts = [], allow_private = false } = options;
    this.#place = parsePlace(certificate, "scheme/certificate");
    if (certificate_hosts.length === 0)
      throw new SchemeError("certificate needs certificate_hosts: where it may be fetched from", "scheme");
    this.#hosts = certificate_hosts.map((text, index) => {
      const [, host, path = "/"] = HOST.exec(text) ?? [];
      if (host !== undefined) return [host, path];
      throw new SchemeError("it is no host such as api.example.com", `scheme/certificate_hosts/${index}`);
    });
    this.#allowPrivate = allow_private;
    this.#keys = keys;
  }

  /** Until the certificate that the request names is known, if it names one. */
  async prepare(request: SignedRequest): Promise<void> {
    const url = this.#urlIn(request);
    if ("href" in url) await this.#keys.wantCertificate(url, this.#allowPrivate);
  }

  /** The key at `now` (milliseconds since 1970). */
  keyOf(request: SignedRequest, now: number): { readonly key: KeyObject } | Refusal {
    const url = this.#urlIn(request);
    return "href" in url ? keyOf(this.#keys.certificate(url), now) : url;
  }

  #urlIn(request: SignedRequest): URL | Refusal {
    const { words } = this.#place;
    const text = this.#place.read(new RequestParts(request));
    if (text === undefined) return refused(`the ${words} is missing`);
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isPlain = url?.protocol === "https:" && url.username === "" && url.password === "";
    if (url === undefined || !isPlain) return refused(`the ${words} is no address of https`);
    const isAllowed = this.#hosts.some(([host, path]) => {
      const isHost = host.startsWith(".") ? url.host.endsWith(host) : url.host === host;
      return isHost && url.pathname.startsWith(path);
    });
    return isAllowed ? url : refused(`the ${words} is at no host of certificate_hosts`);
  }
}

/** A certificate's key, while the certificate counts. */
export function keyOf(
  certificate: X509Certificate | undefined,
  now: number,
): { readonly key: KeyObject } | Refusal {
  if (certificate === undefined) return refused("the certificate of the key that signs isn't known");
  if (now < Date.parse(certificate.validFrom)) return refused("the certificate isn't valid yet");
  if (now > Date.parse(certificate.validTo)) return refused("the certificate has expired");
  return { key: certificate.publicKey };
}
