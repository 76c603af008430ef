/** What a field map says and can never do, told before it serves. */
import { acceptance, isPattern, isTwofold, textsOf } from "./conditions.ts";
import type { FieldMap } from "./field-map.ts";
import { SchemeError } from "./schemes/proof.ts";

type Conditions = NonNullable<FieldMap["when"]>;

/**
 * Throws `SchemeError` for the first mistake; `at` is the option that a map is.
 */
export function checkMaps(maps: readonly FieldMap[], at: (index: number) => string): void {
  for (const [index, map] of maps.entries()) {
    const found = mistakeOf(map) ?? mistakeBehind(map, maps.slice(0, index));
    if (found !== undefined) throw new SchemeError(found.why, [at(index), ...found.option].join("/"));
  }
}

interface MapMistake {
  /** Within the map. */
  readonly option: readonly string[];
  readonly why: string;
}

function mistakeOf(map: FieldMap): MapMistake | undefined {
  const { each, when = {}, outbound, event, message_id, from, to } = map;
  if (each !== undefined && /^(=|member )/.test(each))
    return { option: ["each"], why: "this is no path, and so never an array" };
  for (const [path, texts] of Object.entries({ ...when, ...outbound }))
    if (path.startsWith("=") && !acceptance(texts)(path.slice(1)))
      return {
        option: [path in when ? "when" : "outbound"],
        why: `the fixed text ${path} is never another one`,
      };
  for (const [member, conditions] of Object.entries({ when, outbound }))
    if (
      Object.values(conditions ?? {})
        .flatMap(textsOf)
        .some(isTwofold)
    )
      return { option: [member], why: "a * stands before a text or behind it, not at both" };
  if (outbound !== undefined) {
    if (event !== undefined)
      return { option: ["outbound"], why: `every item of this map is an event of the kind ${event} already` };
    if (message_id === undefined)
      return { option: ["outbound"], why: "this finds no messages, as it has no message_id" };
    if (Object.keys(outbound).length === 0)
      return { option: ["outbound"], why: "it asks for nothing, and so everything would be an echo" };
    const path = Object.keys(outbound).find((each_) => exclude(when, outbound, each_));
    if (path !== undefined)
      return { option: ["outbound"], why: `when and outbound ask for different values of ${path}` };
  }
  if (event !== undefined) return undefined;
  const about = [from, to, map.text, map.channel].some((field) => field !== undefined);
  if (!about) return undefined;
  if (message_id === undefined) return { option: [], why: "this finds no messages, as it has no message_id" };
  if (from === undefined) return { option: [], why: "this finds no messages, as it has no from" };
  return undefined;
}

/** Of maps with the same `each` the first that understands an item counts for it. */
function mistakeBehind(map: FieldMap, before: readonly FieldMap[]): MapMistake | undefined {
  const beside = before.filter(({ each }) => each === map.each);
  if (beside.length === 0) return undefined;
  if (map.event === undefined && map.message_id === undefined)
    return { option: [], why: "this understands nothing, as it has neither event nor message_id" };
  const taker = beside.find(
    ({ event, message_id, when = {} }) =>
      event !== undefined && message_id === undefined && isWithin(map.when ?? {}, when),
  );
  return taker === undefined
    ? undefined
    : { option: [], why: `a map before it takes all of its items as events of the kind ${taker.event}` };
}

/** Whether what holds `inner` always holds `outer`. */
function isWithin(inner: Conditions, outer: Conditions): boolean {
  return Object.entries(outer).every(([path, texts]) => {
    const within = inner[path];
    return within !== undefined && new Set(textsOf(within)).isSubsetOf(new Set(textsOf(texts)));
  });
}

function exclude(one: Conditions, other: Conditions, path: string): boolean {
  const [first, second] = [one[path], other[path]];
  if (first === undefined || second === undefined) return false;
  if ([...textsOf(first), ...textsOf(second)].some(isPattern)) return false;
  return new Set(textsOf(first)).isDisjointFrom(new Set(textsOf(second)));
}
