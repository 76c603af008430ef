/** Destinations that take records by signed requests (`http-sink.ts`). */
import { hostName } from "../../lib/host-name.ts";
import { canonicalAddress, isPublicAddress } from "../../lib/ip-address.ts";
import { signingKey } from "../../lib/standard-webhooks.ts";
import { openHttpSink } from "./http-sink.ts";
import type { SaidOfSink, SinkFinding, SinkKind } from "./sink-kind.ts";

const KEY_BYTES_MIN = 16;
const SECRETS_MAX = 10;
const SECRET = { type: "string", pattern: "\\S" };

export const HTTP: SinkKind = {
  schemes: ["https:", "http:"],
  url: {
    type: "string",
    pattern: "^https?://([^\\s/?#@[\\]]+|\\[[0-9a-fA-F:.]+\\](:[0-9]+)?)([/?][^\\s#]*)?$",
    description:
      "The full URL that takes the requests: https:// or http://, without a user, a password or a fragment (#).",
  },
  members: {
    secret: {
      anyOf: [SECRET, { type: "array", minItems: 1, maxItems: SECRETS_MAX, items: SECRET }],
      description:
        "What signs the requests: whsec_ and base64, or any other text of at least 16 bytes; a list, of which each signs, to change it.",
    },
    allow_private: {
      type: "boolean",
      description: "Whether the URL may lead to a private, local or otherwise special address.",
      default: false,
    },
    body: {
      enum: ["record", "original"],
      description:
        "With original, the requests of the providers themselves, signed as they sign, by this secret; sources says of which. Default: record.",
    },
    verify_token: {
      ...SECRET,
      description:
        "With body: original, what the receiver expects in Meta's handshake (deliveries handshake).",
    },
  },
  required: ["secret"],
  mistakes: (said) => [...urlMistakes(said), ...secretMistakes(said)],
  warnings: ({ url, allow_private }) =>
    url?.startsWith("http:") && allow_private !== true
      ? [{ member: "url", words: " is http: everyone on the way can read what is handed on" }]
      : [],
  shown: (url) => new URL(url).origin,
  isRequest: true,
  advice: {},
  open: ({ url, secrets, timeoutMs, allowPrivate }, surroundings) =>
    openHttpSink({ url: new URL(url), secrets, timeoutMs, allowPrivate, ...surroundings }),
};

function urlMistakes({ url, allow_private }: SaidOfSink): SinkFinding[] {
  if (url === undefined) return [];
  if (!URL.canParse(url)) return [{ member: "url", words: " is no URL that can be called" }];
  if (allow_private === true || !isRefusedHost(new URL(url).hostname)) return [];
  const words =
    " leads to an address that isn't public, which is refused: allow_private: true if that is meant";
  return [{ member: "url", words }];
}

/**
 * Whether requests to the host are refused for what it is alone, before its name is resolved:
 * a literal address, however it was written (a `URL` makes one form of all), or this machine's
 * own name.
 */
function isRefusedHost(host: string): boolean {
  const name = hostName(host);
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const address = canonicalAddress(name);
  return address !== undefined && !isPublicAddress(address);
}

function secretMistakes({ secret }: SaidOfSink): SinkFinding[] {
  if (secret === undefined) return [];
  return [secret as string | readonly string[]].flat().flatMap((text, index) => {
    const words = secretMistake(text);
    const at = typeof secret === "string" ? {} : { index };
    return words === undefined ? [] : [{ member: "secret", ...at, words }];
  });
}

function secretMistake(secret: string): string | undefined {
  if (secret.trim() !== secret) return " has white space around it: take it off";
  const key = signingKey(secret);
  if (key === undefined) return ": what follows whsec_ is no base64";
  return key.length < KEY_BYTES_MIN
    ? ` is too short to keep anybody from guessing it: at least ${KEY_BYTES_MIN} bytes, such as whsec_ and what openssl rand -base64 32 prints`
    : undefined;
}
