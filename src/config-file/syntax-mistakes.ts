/**
 * What is no YAML, in words of our own: the parser's repeat the text, and the text may be a secret.
 */
import type { Document, ErrorCode } from "yaml";
import type { Location, Mistake } from "../core/mistake.ts";

const UNEXPECTED = "this can't stand here: names and values are apart by a colon and a space";

const WORDS: Partial<Record<ErrorCode, string>> = {
  ALIAS_PROPS: "what begins with * takes no & or ! before it",
  BAD_ALIAS: "a name after & or * can't be made of this",
  BAD_DIRECTIVE: "a directive (%) that is unknown",
  BAD_DQ_ESCAPE: "within double quotes \\ begins an escape that is unknown: write \\\\, or use single quotes",
  BAD_INDENT:
    "this line must begin in the same column as its neighbours, and what is within it further right",
  BAD_SCALAR_START: "a value that begins with this character must be in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a second colon in one line: put the value in quotes",
  BLOCK_IN_FLOW: "within [ ] and { } this can't be written over lines",
  KEY_OVER_1024_CHARS: "a name may have at most 1024 characters",
  MISSING_CHAR: "a quote, a bracket or a space is missing here",
  MULTILINE_IMPLICIT_KEY: "a name must be in one line, with a colon and a space behind it",
  MULTIPLE_DOCS: "the file must be one document: take the line --- away",
  RESOURCE_EXHAUSTION: "this is nested too deeply",
  TAB_AS_INDENT: "indentation must be spaces, not tabs",
  TAG_RESOLVE_FAILED: "tags (!) aren't taken",
  UNEXPECTED_TOKEN: UNEXPECTED,
};

/** In YAML a brace within brackets is one of the brackets. */
const QUOTE_REFERENCES = " (within [ ] and { } a ${…} must be in quotes)";

/** The first mistake of a line alone: what follows in it comes of it. */
export function syntaxMistakes(
  document: Document.Parsed,
  text: string,
  locationAt: (offset: number) => Location,
): Mistake[] {
  const lines = text.split(/\r?\n/);
  const found = new Map<number, Mistake>();
  for (const { code, pos } of [...document.errors, ...document.warnings]) {
    const location = locationAt(pos[0]);
    if (found.has(location.line)) continue;
    const hint = hasBareReference(lines[location.line - 1] ?? "") ? QUOTE_REFERENCES : "";
    found.set(location.line, { ...location, message: `${WORDS[code] ?? UNEXPECTED}${hint}` });
  }
  return [...found.values()];
}

/** Whether a bracket stands before a reference. */
function hasBareReference(line: string): boolean {
  const bracket = line.search(/[[{]/);
  return bracket >= 0 && line.includes("${", bracket + 1);
}
