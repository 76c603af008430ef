/**
 * Any other signed webhook, by configuration: a preset, or a scheme and, if it carries messages, a field map. What
 * the map finds no message in is kept as an event.
 */
import { type Static, Type } from "typebox";
import type { Message } from "../../core/message.ts";
import { FieldMap, mappedBy, type Normalise } from "../field-map.ts";
import { type Composed, defineKind, JSON_TYPE, type Provider, plainText } from "../kind.ts";
import { PRESET_NAMES, PRESETS, type Preset } from "../presets.ts";
import { GenericScheme, genericScheme, signsUrl } from "../schemes/generic.ts";
import { SchemeError } from "../schemes/proof.ts";
import { hubHandshake, normaliseMeta } from "./meta.ts";

const Options = Type.Object({
  preset: Type.Optional(
    Type.Enum([...PRESET_NAMES], {
      description: "A well-known provider's scheme and map; what is said beside it counts more.",
    }),
  ),
  scheme: Type.Optional(GenericScheme),
  map: Type.Optional(Type.Union([FieldMap, Type.Array(FieldMap)])),
  delivery_id_header: Type.Optional(
    Type.String({ minLength: 1, description: "The header with the provider's identifier of the delivery." }),
  ),
  account: Type.Optional(
    Type.String({ minLength: 1, description: "The recipient of messages that don't say it." }),
  ),
  verify_token: Type.Optional(
    Type.String({
      minLength: 1,
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
  return {
    scheme: genericScheme(scheme, secrets),
    normalise: (body, surroundings) => normalise(body, surroundings, { account, name }),
    deliveryKey({ headers }, { claims }) {
      const jti = claims?.["jti"];
      return (
        (header === undefined ? null : headers.get(header)) ?? (typeof jti === "string" ? jti : undefined)
      );
    },
    handshake(query) {
      const echoed = challenge_parameter === undefined ? null : query.get(challenge_parameter);
      if (echoed !== null) return plainText(200, echoed);
      return verify_token === undefined ? undefined : hubHandshake(query, verify_token);
    },
    compose,
  };
}

function presetOf({ preset }: Options): Preset | undefined {
  return preset === undefined ? undefined : PRESETS[preset];
}

function schemeOf(options: Options): GenericScheme | undefined {
  return options.scheme ?? presetOf(options)?.scheme;
}

/** Nobody knows the shape: a plain object with the fields of a message. */
function compose(message: Message): Composed {
  return { type: JSON_TYPE, body: JSON.stringify(message) };
}
