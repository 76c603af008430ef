/**
 * Something that equals the secret, as it is or as HTTP's own authentication writes it: no
 * signature, so it proves who sent a request but not that it arrived unchanged.
 */
import { bytesOfBase64 } from "../../lib/base64.ts";
import { equalInConstantTime } from "../../lib/constant-time.ts";
import { fieldText } from "../../lib/header-field.ts";
import type { JsonTree } from "../../lib/json-tree.ts";
import { itemsAt, RequestParts } from "../places.ts";
import { Draft } from "./draft.ts";
import { defineScheme, refused, type Scheme, SchemeError, SECRET, secretBytes } from "./proof.ts";
import { itemPlace, type ProofPlaceOptions, proofPlaces } from "./proof-place.ts";

interface TokenOptions extends ProofPlaceOptions {
  /** `basic` and `bearer` as RFC 7617 and RFC 6750 write them; `token` unless given. */
  readonly algorithm?: TokenAlgorithm;
  /** The array whose items each hold it. */
  readonly each?: string;
}

export type TokenAlgorithm = "token" | "basic" | "bearer";

interface Wording {
  /** What is sent of a secret. */
  readonly write: (secret: string) => string;
  /** The secret that was sent; what can't be one stays as it is. */
  readonly read: (sent: string) => string;
}

const WORDINGS: Readonly<Record<TokenAlgorithm, Wording>> = {
  token: { write: (secret) => secret, read: (sent) => sent },
  bearer: {
    write: (secret) => `Bearer ${secret}`,
    read: (sent) => sent.replace(/^Bearer +/i, ""),
  },
  basic: {
    write: (secret) => `Basic ${Buffer.from(secret).toString("base64")}`,
    read(sent) {
      const bytes = bytesOfBase64(sent.replace(/^Basic +/i, ""));
      return bytes === undefined ? "" : Buffer.from(bytes).toString();
    },
  },
};

/** Throws `SchemeError` for a blank secret. */
export function tokenScheme(options: TokenOptions, secrets: readonly string[]): Scheme {
  const { algorithm = "token", each } = options;
  const at = proofPlaces(options, algorithm === "token" ? "secret" : algorithm);
  const { read, write } = WORDINGS[algorithm];
  const itemsOf = each === undefined ? undefined : itemsAt(each);
  const known = secrets.map((secret) => secretOf(secret, algorithm));
  const verdict = (parts: RequestParts, item?: JsonTree) => {
    const sent = at.read(parts, item);
    if (sent === undefined) return refused(`the ${at.words} is missing`);
    // A secret beyond ASCII is written in UTF-8 by some senders, and in Latin-1 by others.
    const given = (at.places[0].kind === "header" ? [sent, fieldText(sent)] : [sent]).map(read);
    let proven = false;
    for (const secret of known) for (const one of given) proven = equalInConstantTime(secret, one) || proven;
    return proven ? { proven } : refused(`the ${at.words} is not the secret`);
  };
  return defineScheme({
    coversBody: false,
    coversQuery: false,
    begin(head) {
      const body = new Uint8Array();
      if (!at.inBody) {
        const told = verdict(new RequestParts({ ...head, body }));
        return told.proven ? () => told : told;
      }
      return (body) => {
        const parts = new RequestParts({ ...head, body });
        if (itemsOf === undefined) return verdict(parts);
        const items = parts.json === undefined ? [] : itemsOf(parts.json);
        if (items.length === 0) return refused(`the body has no ${each} that could hold the secret`);
        return items.map((item) => verdict(parts, item)).find((each) => !each.proven) ?? { proven: true };
      };
    },
    sign(request) {
      const draft = new Draft(request);
      const document = itemsOf === undefined ? undefined : draft.parts.json;
      const count = document === undefined ? 1 : Math.max(1, itemsOf?.(document).length ?? 0);
      const [place] = at.places;
      for (let index = 0; index < count; index++)
        draft.put(itemPlace(place, each, index), write(known[0] ?? ""));
      const { kind, name, words } = place;
      if (kind !== "header") return { ...draft.signature, secretIn: words };
      const written = algorithm === "token" ? {} : { secretWritten: algorithm };
      return { ...draft.signature, secretHeader: name, ...written };
    },
  });
}

/** As it stands behind `Basic ` or `Bearer `, which may be a part of what was configured. */
function secretOf(secret: string, algorithm: TokenAlgorithm): string {
  secretBytes(secret);
  if (algorithm === "token") return secret;
  const isSpelled = new RegExp(`^${algorithm} +`, "i").test(secret);
  const bare = isSpelled ? WORDINGS[algorithm].read(secret) : secret;
  if (algorithm === "basic" && !bare.includes(":"))
    throw new SchemeError("this is no user:password, nor Basic and its base64", SECRET);
  return bare;
}
