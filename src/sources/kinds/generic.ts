/**
 * Any other signed webhook, by configuration: a preset, or a scheme and, if it carries messages, a
 * field map. What the map finds no message in is kept as an event.
 */
import { type Static, Type } from "typebox";
import type { Message } from "../../core/message.ts";
import { fieldNameMistake } from "../../lib/header-field.ts";
import { composedBy, FieldMap, findsMessages, mappedBy, type Normalise } from "../field-map.ts";
import { type Composed, defineKind, JSON_TYPE, NOT_BLANK, type Provider, plainText } from "../kind.ts";
import { PRESET_NAMES, PRESETS, type Preset } from "../presets.ts";
import { GenericScheme, genericScheme, signsUrl } from "../schemes/generic.ts";
import { SchemeError } from "../schemes/proof.ts";
import { composeMeta, hubHandshake, normaliseMeta } from "./meta.ts";

const Options = Type.Object({
  preset: Type.Optional(
    Type.Enum([...PRESET_NAMES], {
      description: "A well-known provider's scheme and map; what is said beside it counts more.",
    }),
  ),
  scheme: Type.Optional(GenericScheme),
  map: Type.Optional(
    Type.Union([FieldMap, Type.Array(FieldMap)], {
      description:
        "Where a message's fields stand; of a list, the first map that understands an item counts for it.",
    }),
  ),
  delivery_id_header: Type.Optional(
    Type.String({ minLength: 1, description: "The header with the provider's identifier of the delivery." }),
  ),
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
type Options = Static<typeof Options>;

export const generic = defineKind({
  summary: `any signed webhook: a preset (${PRESET_NAMES.join(", ")}) or a scheme of your own`,
  options: Options,
  needsPublicUrl: (options) => {
    const scheme = schemeOf(options);
    return scheme !== undefined && signsUrl(scheme);
  },
  open: openGeneric,
});

function openGeneric(options: Options, secrets: readonly string[], name: string): Provider {
  const scheme = schemeOf(options);
  if (scheme === undefined) throw new SchemeError("a generic source needs a preset or a scheme");
  const preset = presetOf(options);
  const map = options.map === undefined ? preset?.map : [options.map].flat();
  const normalise: Normalise =
    map === "whatsapp" ? (body, { now }) => normaliseMeta(body, now) : mappedBy(map ?? []);
  const { account, verify_token, challenge_parameter } = options;
  const header = options.delivery_id_header ?? preset?.delivery_id_header;
  const mistake = header === undefined ? undefined : fieldNameMistake(header);
  if (mistake !== undefined) throw new SchemeError(mistake, "delivery_id_header");
  return {
    scheme: genericScheme(scheme, secrets),
    normalise: (body, surroundings) => normalise(body, surroundings, { account, name }),
    postKey({ headers }, { claims }) {
      const jti = claims?.["jti"];
      return (
        (header === undefined ? null : headers.get(header)) ?? (typeof jti === "string" ? jti : undefined)
      );
    },
    handshake(query) {
      const answered = verify_token === undefined ? undefined : hubHandshake(query, verify_token);
      if (answered !== undefined || challenge_parameter === undefined) return answered;
      const echoed = query.get(challenge_parameter);
      return echoed === undefined ? undefined : plainText(200, echoed);
    },
    compose: (message) => (map === "whatsapp" ? composeMeta(message) : compose(map ?? [], message)),
  };
}

function presetOf({ preset }: Options): Preset | undefined {
  return preset === undefined ? undefined : PRESETS[preset];
}

function schemeOf(options: Options): GenericScheme | undefined {
  return options.scheme ?? presetOf(options)?.scheme;
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
