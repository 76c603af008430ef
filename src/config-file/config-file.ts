/**
 * The configuration file of the sources. All of its mistakes are told at once, each with its line
 * and column; no message repeats a secret or a verify token.
 */
import { dirname } from "node:path";
import type { Environment } from "../config.ts";
import { StartRefused } from "../core/errors.ts";
import type { Mistake } from "../core/mistake.ts";
import { closest } from "../lib/closest.ts";
import { readTextFile, UnreadableFile } from "../lib/text-file.ts";
import type { SourceConfig } from "../sources/open-source.ts";
import type { ConfiguredSource } from "../sources/provider-source.ts";
import { type LocatedDocument, pathText, readDocument } from "./located-document.ts";
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
  const sources: ConfiguredSource[] = [];
  const configs = new Map<string, SourceConfig>();
  const entries = document.readable ? sourceEntries(document, mistakes) : [];
  for (const [name, given] of entries) {
    const opened = readSource(document, name, given, mistakes);
    if (opened === undefined) continue;
    sources.push(opened.source);
    configs.set(name, opened.config);
  }
  if (mistakes.length > 0) throw new ConfigFileInvalid(path, inOrder(mistakes));
  return { sources, configs };
}

/** The names and values under `sources`. */
function sourceEntries(document: LocatedDocument, mistakes: Mistake[]): [name: string, given: unknown][] {
  const root = document.value;
  const example = "sources: { name: { kind: …, secret: … } }";
  if (typeof root !== "object" || root === null || Array.isArray(root)) {
    mistakes.push({ ...document.locationOf(""), message: `the file must be a mapping such as ${example}` });
    return [];
  }
  for (const name of Object.keys(root).filter((each) => each !== "sources")) {
    const meant = closest(name, ["sources"]) === undefined ? "it takes sources" : "did you mean sources?";
    const message = `${JSON.stringify(name)} is no setting of this file: ${meant}`;
    mistakes.push({
      ...document.keyLocationOf(`/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`),
      message,
    });
  }
  if (!Object.hasOwn(root, "sources")) {
    mistakes.push({ ...document.locationOf(""), message: `sources is missing: ${example}` });
    return [];
  }
  const { sources } = root as { sources: unknown };
  if (typeof sources === "object" && sources !== null && !Array.isArray(sources))
    return Object.entries(sources);
  if (!document.isUnknown("/sources")) {
    const message = `${pathText("/sources")} must be a mapping such as ${example}; {} when there are none`;
    mistakes.push({ ...document.locationOf("/sources"), message });
  }
  return [];
}

function inOrder(mistakes: readonly Mistake[]): Mistake[] {
  return mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
