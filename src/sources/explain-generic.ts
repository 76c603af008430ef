/** What a source of the generic kind does, in words, from what it and its preset say. */
import type { Explanation } from "../core/source.ts";
import { type FieldMap, findsMessages } from "./field-map.ts";
import type { PresetOptions } from "./preset.ts";
import { coverageInWords, proofInWords, replayInWords } from "./schemes/words.ts";

type Explained = Partial<PresetOptions> & {
  readonly account?: string | undefined;
  readonly verify_token?: string | undefined;
  readonly challenge_parameter?: string | undefined;
};

/**
 * `ownHandshakes`: the configuration says them, and not a preset, so what they compare with may be
 * a secret and isn't told.
 */
export function explainGeneric(options: Explained, ownHandshakes: boolean): Explanation {
  const { scheme = {}, map = [] } = options;
  const maps = map === "whatsapp" ? [] : map;
  return {
    proof: proofInWords(scheme),
    signed: scheme.signed,
    covers: coverageInWords(scheme),
    replay: replayInWords(scheme),
    handshakes: handshakesInWords(options, ownHandshakes),
    messages:
      map === "whatsapp"
        ? ["what people write in WhatsApp, by messages[].id"]
        : maps.filter(findsMessages).map((each) => messagesInWords(each, options.account)),
    events: [...maps.filter((each) => !findsMessages(each)).map(eventsInWords), ...restInWords(options)],
  };
}

function handshakesInWords(
  { handshakes = [], verify_token, challenge_parameter }: Explained,
  areOwn: boolean,
): string[] {
  const said = handshakes.map(({ match, signed, answer, keep }) => {
    const { method = "GET or POST", ...places } = match;
    const conditions = Object.entries(places).flatMap(([place, values]) =>
      Object.entries(values ?? {}).map(
        ([name, value]) => `${place} ${name}${areOwn ? ownValueInWords(value) : valueInWords(value)}`,
      ),
    );
    const proven = signed ?? method === "POST";
    const body = answer.json === undefined ? answer.text || "nothing" : JSON.stringify(answer.json);
    const headers = Object.entries(answer.headers ?? {}).map(([name, value]) => `, ${name}: ${value}`);
    const kept = keep === true ? ", and is kept" : "";
    return `${method} with ${conditions.join(" and ")}${proven ? ", once it is proven" : ""}: ${answer.status ?? 200} ${body}${headers.join("")}${kept}`;
  });
  if (verify_token !== undefined) said.push("GET with hub.verify_token: its hub.challenge");
  if (challenge_parameter !== undefined) said.push(`GET with ${challenge_parameter}: its value`);
  return said;
}

function valueInWords(value: unknown): string {
  if (value === "*") return "";
  return value === "" ? " isn't there" : ` = ${[value].flat().join(" or ")}`;
}

function ownValueInWords(value: unknown): string {
  return value === "*" || value === "" ? valueInWords(value) : " as configured";
}

/** Such as `items of events where type = message`. */
function itemsInWords({ each, when }: FieldMap): string {
  const items = each === undefined ? "bodies" : each === "$" ? "items of the body" : `items of ${each}`;
  const conditions = Object.entries(when ?? {}).map(([path, value]) => `${path}${valueInWords(value)}`);
  return conditions.length === 0 ? items : `${items} where ${conditions.join(" and ")}`;
}

function messagesInWords(map: FieldMap, account: string | undefined): string {
  const fields = (["message_id", "from", "to", "ts", "text", "type"] as const).flatMap((name) => {
    const paths = map[name] ?? (name === "to" && account !== undefined ? `=${account}` : undefined);
    return paths === undefined ? [] : [`${name} ${[paths].flat().join(" or ")}`];
  });
  return `${itemsInWords(map)}: ${fields.join(", ")}`;
}

function eventsInWords(map: FieldMap): string {
  const about = map.message_id === undefined ? [] : [`about ${[map.message_id].flat().join(" or ")}`];
  const key = map.event_id === undefined ? [] : [`key ${[map.event_id].flat().join(" or ")}`];
  const type = map.type === undefined ? [] : [`type ${[map.type].flat().join(" or ")}`];
  const facts = [map.event ?? "other", ...about, ...key, ...type];
  return `${itemsInWords(map)}: ${facts.join(", ")}`;
}

function restInWords(options: Explained): string[] {
  const { delivery_id, delivery_id_header, event_type, scheme } = options;
  const own = delivery_id_header === undefined ? undefined : `header ${delivery_id_header}`;
  const signed = scheme?.id_header === undefined ? scheme?.id : `header ${scheme.id_header}`;
  const key = [delivery_id ?? own ?? []].flat().join(" and ") || [signed ?? []].flat().join(" or ");
  return [
    "everything else: other",
    key === ""
      ? "key where nothing says one: the hash of its bytes"
      : `key where a body is one event: ${key}`,
    ...(event_type === undefined ? [] : [`type where nothing says one: ${[event_type].flat().join(" or ")}`]),
  ];
}
