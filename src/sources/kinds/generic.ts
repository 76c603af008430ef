/**
 * Any other signed webhook, by configuration: a preset, or a scheme and, if it carries messages, a
 * field map. What the map finds no message in is kept as an event.
 */
import { type Static, Type } from "typebox";
import { isBlank, type Message } from "../../core/message.ts";
import type { Setup, SignedRequest } from "../../core/source.ts";
import { parseJsonTree } from "../../lib/json-tree.ts";
import { explainGeneric } from "../explain-generic.ts";
import { composedBy, FieldMap, findsMessages, mappedBy, type Normalise } from "../field-map.ts";
import { joined } from "../fields.ts";
import {
  compileHandshakes,
  Handshakes,
  handshakeRequests,
  SuccessAnswer,
  successAnswer,
  withoutOpenBodies,
} from "../handshakes.ts";
import { type Composed, defineKind, JSON_TYPE, NOT_BLANK, type Provider } from "../kind.ts";
import { checkMaps } from "../map-mistakes.ts";
import { parsePlace, RequestParts } from "../places.ts";
import type { Preset, PresetOptions } from "../preset.ts";
import { PRESET_NAMES, PRESETS } from "../presets.ts";
import { GenericScheme, genericScheme, signsUrl } from "../schemes/generic.ts";
import { SchemeError, secretBytes } from "../schemes/proof.ts";
import { Places } from "../schemes/proof-place.ts";
import type { PublishedKeys } from "../schemes/published-keys.ts";
import { composeMeta, hubHandshake, hubRequests, normaliseMeta } from "./meta.ts";

const PlaceText = Type.String({ minLength: 1 });

const Options = Type.Object({
  preset: Type.Optional(
    Type.Enum([...PRESET_NAMES], {
      description:
        "A well-known provider's scheme and map; what is said beside it counts more, also a single member of `scheme`.",
    }),
  ),
  scheme: Type.Optional(GenericScheme),
  map: Type.Optional(
    Type.Union([FieldMap, Type.Array(FieldMap), Type.Enum(["whatsapp"])], {
      description:
        "Where a message's fields stand; of a list, the first map that understands an item counts for it. `whatsapp` means the shapes of Meta's WhatsApp webhooks.",
    }),
  ),
  delivery_id: Type.Optional(
    Type.Union([PlaceText, Type.Array(PlaceText, { minItems: 1 })], {
      description:
        "Where the provider's identifier of the delivery stands, such as `header X-Id` or `json id`; a list of places that are one only together.",
    }),
  ),
  delivery_id_header: Type.Optional(
    Type.String({ minLength: 1, description: "Short for `delivery_id: header NAME`." }),
  ),
  key_decides: Type.Optional(
    Type.Boolean({
      description:
        "`true`: what comes under a known key is the same event whatever it holds, for senders that count attempts in the body.",
    }),
  ),
  event_type: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
      description:
        "Where the name of an event stands of which the map says none, such as `header X-GitHub-Event` or `json type` (of a list item: in the item); of several the first that is there counts.",
    }),
  ),
  handshakes: Type.Optional(Handshakes),
  answer: Type.Optional(SuccessAnswer),
  account: Type.Optional(
    Type.String({ minLength: 1, description: "The recipient of messages that don't say it." }),
  ),
  verify_token: Type.Optional(
    Type.String({
      pattern: NOT_BLANK,
      description: "For a handshake by GET like Meta's (`hub.mode`, `hub.challenge`).",
    }),
  ),
  challenge_parameter: Type.Optional(
    Type.String({
      minLength: 1,
      description: "For a handshake by GET: the parameter whose value is answered.",
    }),
  ),
});
const UNKNOWN_SENDER: Setup = {
  title: "Any signed webhook",
  steps: [
    "Enter the address where the sender asks for a webhook, callback or notification URL.",
    "What the sender shows as its secret, or lets you make up, is this source's secret.",
  ],
};
/** `allow_from` is for every kind; this one has a scheme that needs it. */
export type GenericOptions = Static<typeof Options> & { readonly allow_from?: readonly string[] };

export const generic = defineKind({
  summary: `any signed webhook: a preset (${PRESET_NAMES.join(", ")}) or a scheme of your own`,
  explain: (options) => explainGeneric(withPreset(options), options.handshakes !== undefined),
  setup: ({ preset }) => (preset === undefined ? UNKNOWN_SENDER : PRESETS[preset]),
  options: Options,
  needsPublicUrl: (options) => {
    const { scheme } = withPreset(options);
    return scheme !== undefined && signsUrl(scheme);
  },
  needsSecret: ({ scheme }) => scheme?.algorithm !== "none",
  open: openGeneric,
});

function openGeneric(
  given: GenericOptions,
  secrets: readonly string[],
  name: string,
  keys?: PublishedKeys,
): Provider {
  const options = withPreset(given);
  const { scheme, map, account, verify_token, answer, event_type } = options;
  if (scheme === undefined) throw new SchemeError("a generic source needs a preset or a scheme");
  if (scheme.algorithm === "none" && given.allow_from === undefined)
    throw new SchemeError("with algorithm: none anybody could send: say allow_from", "scheme");
  const normalise: Normalise =
    map === "whatsapp" ? (body, { now }) => normaliseMeta(body, now) : mappedBy(map ?? []);
  if (Array.isArray(map)) checkMaps(map, (index) => (Array.isArray(given.map) ? `map/${index}` : "map"));
  const deliveryId = deliveryIdOf(options);
  const proof = genericScheme(scheme, secrets, keys);
  const handshakes = compileHandshakes(handshakesOf(options), {
    algorithm: scheme.algorithm ?? "",
    signed: scheme.signed ?? "",
    coversQuery: proof.coversQuery,
    key: () => secretBytes(secrets[0] ?? "", scheme.secret_encoding, [scheme.secret_prefix ?? []].flat()),
  });
  return {
    scheme: handshakes.signsForAnybody ? withoutOpenBodies(proof) : proof,
    keptHeaders: options.keep_headers ?? [],
    proofHeaders: [scheme.header ?? []].flat(),
    normalise: (body, surroundings) => normalise(body, surroundings, { account, name }),
    postKey(request, { claims }) {
      const jti = claims?.["jti"];
      return deliveryId?.(request) ?? (typeof jti === "string" ? jti : signedIdOf(scheme, request));
    },
    ...(options.key_decides === true && { keyDecides: true }),
    ...(event_type !== undefined && { eventType: typeAt(event_type) }),
    handshake: (request) =>
      (verify_token === undefined ? undefined : hubHandshake(request, verify_token)) ??
      handshakes.find(request),
    hints: unansweredIn(given),
    handshakeRequests: (url, challenge) => [
      ...hubRequests(url, challenge, verify_token),
      ...handshakeRequests(handshakesOf(options), url, challenge),
    ],
    unsignedPosts: handshakes.unsignedPosts,
    ...(answer !== undefined && { accepted: successAnswer(answer) }),
    compose: (message) => (map === "whatsapp" ? composeMeta(message) : compose(map ?? [], message)),
  };
}

/**
 * The preset that alone has a source's header for its signature; undefined where the source names
 * one, or says what it answers.
 */
function presetAlike({ preset, scheme, handshakes, answer }: GenericOptions) {
  if ((preset ?? handshakes ?? answer) !== undefined) return undefined;
  const headersOf = (given: GenericScheme | undefined) =>
    [given?.header ?? []].flat().map((name) => name.toLowerCase());
  const own = new Set(headersOf(scheme));
  const alike = PRESET_NAMES.filter((name) =>
    headersOf(PRESETS[name].options.scheme).some((header) => own.has(header)),
  );
  const [name] = alike;
  // A header that several have tells nobody's name.
  if (name === undefined || alike.length > 1) return undefined;
  const { title, options }: Preset = PRESETS[name];
  const { algorithm, signed } = options.scheme;
  const answers = {
    ...(options.handshakes !== undefined && { handshakes: options.handshakes }),
    ...(options.answer !== undefined && { answer: options.answer }),
  };
  return { name, title, answers, signsAlike: scheme?.algorithm === algorithm && scheme?.signed === signed };
}

/** Of a source with a provider's header that signs otherwise, and so doesn't get its answers. */
function unansweredIn(given: GenericOptions): string[] {
  const { name, title, answers = {}, signsAlike } = presetAlike(given) ?? {};
  return signsAlike !== false || Object.keys(answers).length === 0
    ? []
    : [
        `${title} signs by this header, and wants answers that this source doesn't give: preset: ${name} does`,
      ];
}

function answersOf(given: GenericOptions): Partial<PresetOptions> {
  const alike = presetAlike(given);
  return alike?.signsAlike === true ? alike.answers : {};
}

/** Throws `SchemeError` for a text that is no place. */
function typeAt(texts: string | readonly string[]): NonNullable<Provider["eventType"]> {
  const places = [texts].flat().map((text) => parsePlace(text, "event_type"));
  return (request) => {
    const parts = new RequestParts(request);
    return (own) => {
      for (const place of places) {
        const found = place.read(parts, place.inBody ? parseJsonTree(own) : undefined) ?? "";
        if (!isBlank(found)) return found;
      }
      return undefined;
    };
  };
}

/** Undefined when there is none, or a part of it is missing. */
function deliveryIdOf({
  delivery_id,
  delivery_id_header,
}: Resolved): ((request: SignedRequest) => string | undefined) | undefined {
  if (delivery_id === undefined && delivery_id_header === undefined) return undefined;
  const places =
    delivery_id === undefined
      ? [parsePlace(`header ${delivery_id_header}`, "delivery_id_header")]
      : [delivery_id].flat().map((place) => parsePlace(place, "delivery_id"));
  return (request) => {
    const parts = new RequestParts(request);
    return joined(...places.map((place) => place.read(parts)));
  };
}

/** What is signed as the identifier of a delivery names it, where nothing else does. */
function signedIdOf({ id, id_header }: GenericScheme, request: SignedRequest): string | undefined {
  const names = id ?? (id_header === undefined ? undefined : `header ${id_header}`);
  return names === undefined ? undefined : Places.of(names, "scheme/id").read(new RequestParts(request));
}

function handshakesOf({ handshakes = [], challenge_parameter: parameter }: Resolved): Handshakes {
  if (parameter === undefined) return handshakes;
  const match = { method: "GET", query: { [parameter]: "*" } } as const;
  return [...handshakes, { match, answer: { text: `{query.${parameter}}` } }];
}

type Resolved = Omit<GenericOptions, keyof PresetOptions | "preset"> & Partial<PresetOptions>;

/**
 * What a source says and, where it says nothing, its preset. Of a scheme each member by itself,
 * unless it has an algorithm of its own: then nothing of the preset's fits. Who signs as a preset
 * does is its provider, and gets the answers that it wants.
 */
export function withPreset(given: GenericOptions): Resolved {
  const { preset, scheme: ownScheme, map: ownMap, ...options } = given;
  const beneath: Partial<PresetOptions> = preset === undefined ? answersOf(given) : PRESETS[preset].options;
  const { delivery_id: _, ...withoutDeliveryId } = beneath;
  const standsAlone = ownScheme === undefined || ownScheme.algorithm !== undefined;
  const scheme = standsAlone ? (ownScheme ?? beneath.scheme) : { ...beneath.scheme, ...ownScheme };
  const map = typeof ownMap === "object" ? [ownMap].flat() : (ownMap ?? beneath.map);
  const mapsKey =
    typeof ownMap === "object" && [ownMap].flat().some(({ event_id }) => event_id !== undefined);
  const saysKey = mapsKey || (options.delivery_id ?? options.delivery_id_header) !== undefined;
  return {
    ...(options.delivery_id_header === undefined ? beneath : withoutDeliveryId),
    ...(saysKey && { key_decides: false }),
    ...options,
    ...(scheme !== undefined && { scheme }),
    ...(map !== undefined && { map }),
  };
}

/**
 * By the first map that finds messages; if there is none, nobody knows the shape, and a plain
 * object is kept as an event.
 */
function compose(maps: readonly FieldMap[], message: Message): Composed {
  const map = maps.find(findsMessages);
  const document = map === undefined ? message : composedBy(map, message);
  return { type: JSON_TYPE, body: JSON.stringify(document) };
}
