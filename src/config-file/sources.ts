/**
 * The sources of a configuration file: every mistake in what is said of one, or the source itself.
 */
import type { Mistake } from "../core/mistake.ts";
import { NATIVE } from "../core/source.ts";
import { closest } from "../lib/closest.ts";
import { endsWithTwoNewlines } from "../lib/text-file.ts";
import { KINDS } from "../sources/kinds.ts";
import { openSource, type SourceConfig } from "../sources/open-source.ts";
import type { ConfiguredSource } from "../sources/provider-source.ts";
import { SchemeError, SECRET } from "../sources/schemes/proof.ts";
import { type TrialFault, trialFault } from "../sources/trial-run.ts";
import { type LocatedDocument, pathText, pointerStep } from "./located-document.ts";
import { kindMeant, presetMeant } from "./meant-names.ts";
import { atName, atValue, located, type SchemaMistake, schemaChecker } from "./schema-mistakes.ts";
import {
  KIND_NAMES,
  NAME_RULE,
  optionsOf,
  SOURCE_NAME,
  sourceSchema,
  UNKNOWN_SOURCE_SCHEMA,
} from "./source-schema.ts";

/**
 * Stands in for what is wrong or missing while the rest is tried; it is valid in every encoding of
 * a secret.
 */
const STAND_IN = { secret: "aaaa", public_url: "https://example.org/" };
/** Enough to show a separator that is one of a signature's own characters. */
const TRIALS = 16;

interface OpenedSource {
  readonly source: ConfiguredSource;
  readonly config: SourceConfig;
}

/** Adds what is wrong to the mistakes; then there is no source. */
export function readSource(
  document: LocatedDocument,
  name: string,
  given: unknown,
  mistakes: Mistake[],
): OpenedSource | undefined {
  const pointer = `/sources/${pointerStep(name)}`;
  const found: SchemaMistake[] = [];
  if (name === NATIVE || !new RegExp(SOURCE_NAME).test(name)) found.push(atName(pointer, nameMistake(name)));
  if (typeof given === "object" && given !== null && !Array.isArray(given)) {
    found.push(...entryMistakes(document, pointer, name, given as Entry));
  } else if (!document.isUnknown(pointer)) {
    found.push(
      atName(pointer, `${pathText(pointer)} must be a mapping with kind, secret and what its kind takes`),
    );
  }
  mistakes.push(...located(document, found));
  if (found.length > 0 || document.holdsUnknown(pointer)) return undefined;
  const config = { secret: [], ...(given as Entry) } as unknown as SourceConfig;
  return { source: openSource(name, config), config };
}

type Entry = Readonly<Record<string, unknown>>;

function nameMistake(name: string): string {
  return name === NATIVE
    ? `the name ${name} is taken by POST /webhook: give the source another one`
    : `the name of a source ${NAME_RULE}`;
}

function entryMistakes(
  document: LocatedDocument,
  pointer: string,
  name: string,
  entry: Entry,
): SchemaMistake[] {
  const { kind } = entry;
  if (typeof kind !== "string" || !KIND_NAMES.includes(kind))
    return [kindMistake(pointer, entry, kind), ...checkerOf(undefined)(entry, pointer)];
  const found = checkerOf(kind)(entry, pointer).map((each) => withoutScheme(each, entry, pointer) ?? each);
  if (!Object.hasOwn(entry, "secret") && KINDS[kind]?.needsSecret?.(entry) === true)
    found.push(atName(pointer, `${pathText(pointer)}.secret is missing`));
  const known = new Set([...found, ...unknownParts(document, pointer, entry)].map((each) => each.pointer));
  const isStoodIn = (at: string) =>
    Object.keys(STAND_IN).some((option) => `${at}/`.startsWith(`${pointer}/${option}/`));
  const optionsHold = ![...known].some((at) => at !== pointer && !isStoodIn(at));
  if (!optionsHold) return found;
  return [...found, ...trialMistakes(pointer, name, kind, entry, known)];
}

/** What to say of a public URL that lacks its beginning. */
function withoutScheme(
  { pointer: at }: SchemaMistake,
  { public_url: url }: Entry,
  pointer: string,
): SchemaMistake | undefined {
  if (
    at !== `${pointer}/public_url` ||
    typeof url !== "string" ||
    url.trim() === "" ||
    /^https?:\/\//.test(url)
  )
    return undefined;
  return atValue(
    at,
    " doesn't begin with https:// (or http://): it is the webhook's full URL as the provider knows it",
  );
}

function kindMistake(pointer: string, entry: Entry, kind: unknown): SchemaMistake {
  const names = KIND_NAMES.join(", ");
  if (!Object.hasOwn(entry, "kind"))
    return atName(pointer, `${pathText(pointer)}.kind is missing: one of ${names}`);
  const meant = typeof kind === "string" ? kindMeant(kind) : undefined;
  const hint = meant === undefined ? "" : ` (did you mean ${meant}?)`;
  const at = `${pointer}/kind`;
  return { pointer: at, isName: false, message: `${pathText(at)} must be one of ${names}${hint}` };
}

/** Parts whose references lead nowhere. */
function unknownParts(document: LocatedDocument, pointer: string, value: unknown): { pointer: string }[] {
  const here = document.isUnknown(pointer) ? [{ pointer }] : [];
  if (typeof value !== "object" || value === null) return here;
  const inner = Object.entries(value).flatMap(([name, part]) =>
    unknownParts(document, `${pointer}/${pointerStep(name)}`, part),
  );
  return [...here, ...inner];
}

/** What only opening the source tells: first the options, then each secret by itself. */
function trialMistakes(
  pointer: string,
  name: string,
  kind: string,
  entry: Entry,
  known: ReadonlySet<string>,
): SchemaMistake[] {
  const { kind: _, secret, public_url, ...options } = entry;
  const found: SchemaMistake[] = [];
  const urlAt = `${pointer}/public_url`;
  if (public_url === undefined && KINDS[kind]?.needsPublicUrl?.(options) === true) {
    const message = `${pathText(pointer)}.public_url is missing: the provider signs its URL`;
    if (!isMissingUrlTold(kind)) found.push(atName(pointer, message));
  } else if (typeof public_url === "string" && !known.has(urlAt) && !URL.canParse(public_url)) {
    found.push(atValue(urlAt, " is no URL that can be called"));
  }
  const attempt = (secretOfTrial: string, trials: number): SchemeError | TrialFault | undefined => {
    try {
      const source = openSource(name, { ...options, ...STAND_IN, kind, secret: secretOfTrial });
      return trialFault(source, trials);
    } catch (error) {
      if (error instanceof SchemeError) return error;
      throw error;
    }
  };
  const refusal = attempt(STAND_IN.secret, TRIALS);
  // Of a public key there is no stand-in: that it is none was the last that could be wrong.
  if (refusal !== undefined && !(refusal instanceof SchemeError && refusal.option === SECRET)) {
    const at = `${pointer}${optionOf(refusal, options)}`;
    const message = `${pathText(at)}: ${refusal.message}`;
    found.push({ pointer: at, isName: at === pointer, message });
    return found;
  }
  const secrets = Array.isArray(secret) ? secret : secret === undefined ? [] : [secret];
  secrets.forEach((each: unknown, index) => {
    const at = Array.isArray(secret) ? `${pointer}/secret/${index}` : `${pointer}/secret`;
    if (typeof each !== "string" || known.has(at)) return;
    const message = endsWithTwoNewlines(each)
      ? "it ends with two newlines: take them off"
      : attempt(each, 1)?.message;
    if (message !== undefined) found.push(atValue(at, `: ${message}`));
  });
  return found;
}

/**
 * Where the option stands that it is about: the one that names its header, else the scheme, if
 * there is one.
 */
function optionOf(refusal: SchemeError | TrialFault, { scheme }: Entry): string {
  if (refusal instanceof SchemeError) return refusal.option === undefined ? "" : `/${refusal.option}`;
  if (typeof scheme !== "object" || scheme === null) return "";
  const named = Object.entries(scheme).find(([, value]) => value === refusal.header);
  return named === undefined ? "/scheme" : `/scheme/${named[0]}`;
}

/** Whether the kind's schema alone demands it. */
function isMissingUrlTold(kind: string): boolean {
  return (sourceSchema(kind)["required"] as readonly string[]).includes("public_url");
}

const checkers = new Map<string | undefined, ReturnType<typeof schemaChecker>>();

/** Compiled once a kind. */
function checkerOf(kind: string | undefined): ReturnType<typeof schemaChecker> {
  const known = checkers.get(kind);
  if (known !== undefined) return known;
  const schema = kind === undefined ? UNKNOWN_SOURCE_SCHEMA : sourceSchema(kind);
  const checker = schemaChecker(
    schema,
    (pointer, name, names) => unknownOption(pointer, name, names, kind ?? ""),
    (pointer, given, allowed) => (pointer.endsWith("/preset") ? presetMeant(given) : closest(given, allowed)),
  );
  checkers.set(kind, checker);
  return checker;
}

function unknownOption(pointer: string, name: string, known: readonly string[], kind: string): string {
  const path = pathText(pointer);
  const isOption = path.split(".").length === 2;
  const said = `${path}: ${JSON.stringify(name)} is unknown`;
  const meant = closest(name, known);
  if (meant !== undefined) return `${said} (did you mean ${meant}?)`;
  const others = KIND_NAMES.filter((other) => Object.hasOwn(optionsOf(other), name));
  if (isOption && others.length > 0)
    return `${path}: ${JSON.stringify(name)} is no option of kind ${kind} but of ${others.join(", ")}`;
  return `${said}: it takes ${known.join(", ")}`;
}
