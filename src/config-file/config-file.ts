/**
 * The configuration file: sources and destinations. All of its mistakes are told at once, each with
 * its line and column; no message repeats a secret or a verify token.
 */
import { dirname } from "node:path";
import type { Environment } from "../config.ts";
import { DESTINATIONS_MAX, type DestinationConfig } from "../core/destination-config.ts";
import { StartRefused } from "../core/errors.ts";
import type { Mistake } from "../core/mistake.ts";
import { sinkKindOf } from "../follow/deliver/sinks.ts";
import { closest } from "../lib/closest.ts";
import { readTextFile, UnreadableFile } from "../lib/text-file.ts";
import type { SourceConfig } from "../sources/open-source.ts";
import type { ConfiguredSource } from "../sources/provider-source.ts";
import { readDestination } from "./destinations.ts";
import { type LocatedDocument, pathText, pointerStep, readDocument } from "./located-document.ts";
import { originalsOf } from "./originals.ts";
import { located } from "./schema-mistakes.ts";
import { readSource } from "./sources.ts";
import { substitution } from "./substitute.ts";

const FILE_BYTES_MAX = 1024 * 1024;
/** For `--config <(…)` and `/dev/stdin`. */
const PIPE_WAIT_MS = 10_000;

export interface ConfigFile {
  /** In the file's order. */
  readonly sources: readonly ConfiguredSource[];
  /** What the file says of each, by name, with its references put in: it holds secrets. */
  readonly configs: ReadonlyMap<string, SourceConfig>;
  /** In the file's order; they hold secrets. */
  readonly destinations: readonly DestinationConfig[];
  /** What may be meant, and hardly ever is, in the file's order. */
  readonly warnings: readonly Mistake[];
}

/** A configuration file that can't be used; the message is one line with its first mistake. */
export class ConfigFileInvalid extends StartRefused {
  readonly path: string;
  /** In the file's order. */
  readonly mistakes: readonly Mistake[];

  constructor(path: string, mistakes: readonly Mistake[]) {
    const [first] = mistakes;
    const more = mistakes.length - 1;
    super(
      `${first === undefined ? path : mistakeLine(path, first)}${more > 0 ? `, and ${more} more: run postern check-config` : ""}`,
    );
    this.path = path;
    this.mistakes = mistakes;
  }
}

/** As compilers write them, so that editors find the location. */
export function mistakeLine(path: string, { line, column, message }: Mistake): string {
  return `${path}:${line}:${column}: ${message}`;
}

/**
 * Reads the file and what it refers to; throws `ConfigFileInvalid`. A pipe is waited for, so a
 * server that has started says 0 to that.
 */
export function loadConfigFile(
  path: string,
  environment: Environment,
  pipeWaitMs: number = PIPE_WAIT_MS,
): ConfigFile {
  let text: string;
  try {
    text = readTextFile(path, FILE_BYTES_MAX, pipeWaitMs);
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    throw new ConfigFileInvalid(path, [
      { line: 1, column: 1, message: `the file can't be read: ${error.message}` },
    ]);
  }
  return parseConfigFile(text, path, environment);
}

/** The same with the file's text given. */
export function parseConfigFile(text: string, path: string, environment: Environment): ConfigFile {
  const document = readDocument(text, substitution(environment, dirname(path)));
  const mistakes: Mistake[] = [...document.mistakes];
  const warnings: Mistake[] = [];
  const sources: ConfiguredSource[] = [];
  const configs = new Map<string, SourceConfig>();
  const destinations: DestinationConfig[] = [];
  const entries = document.readable ? entriesOf(document, mistakes) : {};
  for (const [name, given] of entries.sources ?? []) {
    const opened = readSource(document, name, given, mistakes);
    if (opened === undefined) continue;
    sources.push(opened.source);
    configs.set(name, opened.config);
    const location = document.keyLocationOf(`/sources/${pointerStep(name)}`);
    for (const warning of [...opened.source.weaknesses, ...opened.source.hints])
      warnings.push({ ...location, message: `sources.${name}: ${warning}` });
  }
  const sourceNames = entries.sources?.map(([name]) => name);
  for (const [name, given] of entries.destinations ?? []) {
    const config = readDestination(document, name, given, sourceNames, { mistakes, warnings });
    if (config === undefined) continue;
    const { isSole, shown } = sinkKindOf(config);
    const place = isSole === true ? shown(config.url) : undefined;
    const other = destinations.find((each) => sinkKindOf(each).shown(each.url) === place);
    if (other !== undefined) {
      const pointer = `/destinations/${pointerStep(name)}/url`;
      const message = `${pathText(pointer)} is that of ${other.name} already, and only one may write it`;
      mistakes.push({ ...document.locationOf(pointer), message });
    }
    const own = originalsOf(config, configs);
    mistakes.push(...located(document, own?.mistakes ?? []));
    destinations.push(own === undefined ? config : { ...config, originals: own.originals });
  }
  if (mistakes.length > 0) throw new ConfigFileInvalid(path, inOrder(mistakes));
  return { sources, configs, destinations, warnings: inOrder(warnings) };
}

/** What the file may hold, each as an example shows it. */
const SECTIONS = {
  sources: "sources: { name: { kind: …, secret: … } }",
  destinations: "destinations: { name: { url: …, secret: … } }",
};
type Section = keyof typeof SECTIONS;
type Entries = readonly (readonly [name: string, given: unknown])[];

/** Names and values under each section; undefined where a section can't be read. */
function entriesOf(document: LocatedDocument, mistakes: Mistake[]): { [S in Section]?: Entries | undefined } {
  const root = document.value;
  if (typeof root !== "object" || root === null || Array.isArray(root)) {
    const message = `the file must be a mapping such as ${SECTIONS.sources}`;
    mistakes.push({ ...document.locationOf(""), message });
    return {};
  }
  const names = Object.keys(SECTIONS);
  for (const name of Object.keys(root).filter((each) => !names.includes(each))) {
    const meant = closest(name, names);
    const hint = meant === undefined ? `it takes ${names.join(" and ")}` : `did you mean ${meant}?`;
    const message = `${JSON.stringify(name)} is no setting of this file: ${hint}`;
    mistakes.push({ ...document.keyLocationOf(`/${pointerStep(name)}`), message });
  }
  if (!names.some((name) => Object.hasOwn(root, name)))
    mistakes.push({ ...document.locationOf(""), message: `sources is missing: ${SECTIONS.sources}` });
  const destinations = sectionOf("destinations", root, document, mistakes);
  const surplus = destinations?.[DESTINATIONS_MAX];
  if (surplus !== undefined) {
    const message = `there are more than ${DESTINATIONS_MAX} destinations`;
    mistakes.push({ ...document.keyLocationOf(`/destinations/${pointerStep(surplus[0])}`), message });
  }
  return {
    sources: sectionOf("sources", root, document, mistakes),
    destinations: destinations?.slice(0, DESTINATIONS_MAX),
  };
}

function sectionOf(
  section: Section,
  root: object,
  document: LocatedDocument,
  mistakes: Mistake[],
): Entries | undefined {
  if (!Object.hasOwn(root, section)) return [];
  const given = (root as Readonly<Record<string, unknown>>)[section];
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return Object.entries(given);
  const pointer = `/${section}`;
  if (!document.isUnknown(pointer)) {
    const message = `${pathText(pointer)} must be a mapping such as ${SECTIONS[section]}; {} when there are none`;
    mistakes.push({ ...document.locationOf(pointer), message });
  }
  return undefined;
}

function inOrder(mistakes: readonly Mistake[]): Mistake[] {
  return mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
