/**
 * The destinations of a configuration file: every mistake in what is said of one, or what it
 * configures. No message repeats a secret or a URL.
 */
import { RECORD_KINDS, type RecordKind } from "../core/changes.ts";
import type { DestinationConfig } from "../core/destination-config.ts";
import { isInstant } from "../core/instant.ts";
import type { Mistake } from "../core/mistake.ts";
import { NATIVE } from "../core/source.ts";
import type { SinkFinding, SinkKind } from "../follow/deliver/sink-kind.ts";
import { knownSinkKind, SINK_KINDS, schemesText, sinkKindOf } from "../follow/deliver/sinks.ts";
import { closest } from "../lib/closest.ts";
import { parseDuration } from "../lib/duration.ts";
import { parseRate } from "../lib/rate.ts";
import { ALL, DESTINATION_DEFAULTS, DESTINATION_SCHEMA, destinationSchema } from "./destination-schema.ts";
import { type LocatedDocument, pathText, pointerStep } from "./located-document.ts";
import { atName, atValue, located, type SchemaMistake, schemaChecker } from "./schema-mistakes.ts";
import { NAME_RULE, SOURCE_NAME } from "./source-schema.ts";

const [TIMEOUT_MS_MIN, TIMEOUT_MS_MAX] = [1000, 120_000];
const [RETRY_MS_MIN, RETRY_MS_MAX] = [100, 7 * 86_400_000];

/** As the schema has it, with its references put in. */
interface Said {
  readonly url: string;
  readonly secret?: OneOrMore;
  readonly kinds?: OneOrMore;
  readonly sources?: OneOrMore;
  readonly from?: string;
  readonly to?: string;
  readonly order?: DestinationConfig["order"];
  readonly concurrency?: number;
  readonly rate?: string;
  readonly timeout?: string;
  readonly retry?: OneOrMore;
  readonly start?: string;
  readonly allow_private?: boolean;
  /** Of its kind alone. */
  readonly [member: string]: unknown;
}

type OneOrMore = string | readonly string[];

interface Findings {
  readonly mistakes: Mistake[];
  /** What may be meant, and hardly ever is. */
  readonly warnings: Mistake[];
}

/**
 * Adds what is wrong to the findings; then there is no destination. `sourceNames` are those of the
 * file, undefined when it has none that can be told.
 */
export function readDestination(
  document: LocatedDocument,
  name: string,
  given: unknown,
  sourceNames: readonly string[] | undefined,
  { mistakes, warnings }: Findings,
): DestinationConfig | undefined {
  const pointer = `/destinations/${pointerStep(name)}`;
  const found: SchemaMistake[] = [];
  if (!new RegExp(SOURCE_NAME).test(name))
    found.push(atName(pointer, `the name of a destination ${NAME_RULE}`));
  if (typeof given === "object" && given !== null && !Array.isArray(given)) {
    const kind = kindOf(given);
    const refused = checkerOf(kind)(given, pointer);
    found.push(...refused);
    const said = without(given as Partial<Said>, refused, pointer);
    // The first kind's members are looked at where nobody knows the kind.
    const { mistakes: sinkMistakes, warnings: sinkWarnings } = kind ?? FIRST;
    const inPlace = (findings: readonly SinkFinding[]) => findings.map((each) => atMember(each, pointer));
    found.push(...memberMistakes(said, pointer, sourceNames), ...inPlace(sinkMistakes(said)));
    warnings.push(...located(document, [...inPlace(sinkWarnings(said)), ...memberWarnings(said, pointer)]));
  } else if (!document.isUnknown(pointer)) {
    found.push(atName(pointer, `${pathText(pointer)} must be a mapping with url and secret`));
  }
  mistakes.push(...located(document, found));
  return found.length > 0 || document.holdsUnknown(pointer) ? undefined : configOf(name, given as Said);
}

const [FIRST] = SINK_KINDS as readonly [SinkKind, ...SinkKind[]];

/** By the scheme of its URL, if it has one. */
function kindOf(given: object): SinkKind | undefined {
  const { url } = given as { readonly url?: unknown };
  return typeof url === "string" ? knownSinkKind(url) : undefined;
}

type Checker = ReturnType<typeof schemaChecker>;
const checkers = new Map<SinkKind | undefined, Checker>();

function checkerOf(kind: SinkKind | undefined): Checker {
  const known = checkers.get(kind);
  if (known !== undefined) return known;
  const schema = kind === undefined ? DESTINATION_SCHEMA : destinationSchema(kind);
  const checker = schemaChecker(schema, unknownMember);
  checkers.set(kind, checker);
  return checker;
}

function unknownMember(pointer: string, name: string, known: readonly string[]): string {
  const what = `${pathText(pointer)}: ${JSON.stringify(name)}`;
  const others = SINK_KINDS.filter(({ members }) => Object.hasOwn(members, name));
  if (others.length > 0) return `${what} is for a url of ${schemesText(others)} only`;
  const meant = closest(name, known);
  const hint = meant === undefined ? `: it takes ${known.join(", ")}` : ` (did you mean ${meant}?)`;
  return `${what} is unknown${hint}`;
}

function atMember({ member, index, words }: SinkFinding, pointer: string): SchemaMistake {
  return atValue(`${pointer}/${member}${index === undefined ? "" : `/${index}`}`, words);
}

/** The members in which the schema finds no mistake. */
function without(given: Partial<Said>, refused: readonly SchemaMistake[], pointer: string): Partial<Said> {
  const isRefused = (member: string) =>
    refused.some((mistake) => `${mistake.pointer}/`.startsWith(`${pointer}/${pointerStep(member)}/`));
  return Object.fromEntries(Object.entries(given).filter(([member]) => !isRefused(member)));
}

/** What no schema tells. */
function memberMistakes(
  said: Partial<Said>,
  pointer: string,
  sourceNames: readonly string[] | undefined,
): SchemaMistake[] {
  const items = (member: "sources" | "retry", wrong: (text: string) => string | undefined) => {
    const texts = said[member];
    if (texts === undefined) return [];
    return [texts].flat().flatMap((text, index) => {
      const words = wrong(text);
      const at = `${pointer}/${member}`;
      return words === undefined ? [] : [atValue(typeof texts === "string" ? at : `${at}/${index}`, words)];
    });
  };
  const member = (name: "timeout" | "start", wrong: (text: string) => string | undefined) => {
    const text = said[name];
    const words = text === undefined ? undefined : wrong(text);
    return words === undefined ? [] : [atValue(`${pointer}/${name}`, words)];
  };
  return [
    ...items("sources", (name) => sourceMistake(name, sourceNames)),
    ...nobodyMistakes(said, pointer),
    ...member("timeout", (text) => durationMistake(text, TIMEOUT_MS_MIN, TIMEOUT_MS_MAX, "1s to 120s")),
    ...items("retry", (text) => durationMistake(text, RETRY_MS_MIN, RETRY_MS_MAX, "100ms to 7d")),
    ...member("start", (text) =>
      text === "now" || text === "start" || isInstant(text) ? undefined : " is no real date and time",
    ),
  ];
}

function sourceMistake(name: string, known: readonly string[] | undefined): string | undefined {
  if (known === undefined || name === NATIVE || known.includes(name)) return undefined;
  const meant = closest(name, [...known, NATIVE]);
  return ` must name a source of this file, or ${NATIVE}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
}

/** Events have neither sender nor recipient. */
function nobodyMistakes(said: Partial<Said>, pointer: string): SchemaMistake[] {
  if (said.kinds === undefined || kindsOf(said.kinds).includes("message")) return [];
  return (["from", "to"] as const)
    .filter((member) => said[member] !== undefined)
    .map((member) => atValue(`${pointer}/${member}`, ` keeps everything out: events have no ${member}`));
}

function durationMistake(text: string, msMin: number, msMax: number, range: string): string | undefined {
  const ms = parseDuration(text) ?? Number.NaN;
  return ms >= msMin && ms <= msMax ? undefined : ` must be ${range}`;
}

function memberWarnings(said: Partial<Said>, pointer: string): SchemaMistake[] {
  const found: SchemaMistake[] = [];
  const { concurrency, rate, timeout = DESTINATION_DEFAULTS.timeout } = said;
  const ratePerS = rate === undefined ? undefined : parseRate(rate);
  const timeoutMs = parseDuration(timeout) ?? TIMEOUT_MS_MAX;
  const underWayMax = Math.ceil(((ratePerS ?? Number.POSITIVE_INFINITY) * timeoutMs) / 1000);
  if (concurrency !== undefined && underWayMax < concurrency)
    found.push(
      atValue(
        `${pointer}/concurrency`,
        ` is never reached: by rate and timeout at most ${underWayMax} can be under way`,
      ),
    );
  return found;
}

function kindsOf(given: OneOrMore): readonly RecordKind[] {
  const names = [given].flat();
  return names.includes(ALL) ? RECORD_KINDS : RECORD_KINDS.filter((kind) => names.includes(kind));
}

/** Of what was found to be right. */
function configOf(name: string, said: Said): DestinationConfig {
  const { kinds, order, concurrency, timeout, retry, start } = { ...DESTINATION_DEFAULTS, ...said };
  const { secret, allow_private = false, ...options } = optionsOf(sinkKindOf(said), said);
  return {
    name,
    url: said.url,
    secrets: [(secret as OneOrMore | undefined) ?? []].flat(),
    kinds: kindsOf(kinds),
    sources: said.sources === undefined ? undefined : [...new Set([said.sources].flat())],
    from: said.from,
    to: said.to,
    order,
    concurrency,
    ratePerS: said.rate === undefined ? undefined : parseRate(said.rate),
    timeoutMs: parseDuration(timeout) ?? TIMEOUT_MS_MAX,
    retryMs: [retry].flat().map((text) => parseDuration(text) ?? RETRY_MS_MAX),
    start,
    allowPrivate: allow_private === true,
    options,
  };
}

/** What is said of the kind's own members, or what counts without. */
function optionsOf({ members }: SinkKind, said: Said): Readonly<Record<string, unknown>> {
  const all = Object.entries(members).map(([name, schema]) => [name, said[name] ?? schema["default"]]);
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}
