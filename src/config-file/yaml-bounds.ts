/**
 * How much a YAML text may hold, told by its tokens alone: what lies beyond would cost the parser
 * seconds, and end in a mistake anyway.
 */
import { Lexer } from "yaml";
import type { Mistake } from "../core/mistake.ts";

/** A file of a mebibyte whose lines are as long as usual has fewer. */
const TOKENS_MAX = 250_000;
/** Of values within values, however they are written. */
export const DEPTH_MAX = 100;

/** Stand for no character: a document begins, brackets end unclosed, a scalar comes. */
const [DOCUMENT, FLOW_END, SCALAR] = ["\u0002", "\u0018", "\u001f"];

/**
 * Where the text begins to hold too much, or has a bracket that closes nothing; undefined when it
 * does neither.
 */
export function boundMistake(text: string): Mistake | undefined {
  let offset = 0;
  let tokens = 0;
  let depth = 0;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (isScalar || (token !== DOCUMENT && token !== FLOW_END && token !== SCALAR)) {
      if (!isScalar) depth = depthAfter(token, depth);
      const message = mistakeAt(depth, tokens);
      if (message !== undefined) return { ...placeIn(text, offset), message };
      offset += token.length;
      isScalar = false;
    } else {
      if (token === FLOW_END) depth = 0;
      isScalar = token === SCALAR;
    }
  }
  return undefined;
}

function depthAfter(token: string, depth: number): number {
  if (token === "{" || token === "[") return depth + 1;
  return token === "}" || token === "]" ? depth - 1 : depth;
}

function mistakeAt(depth: number, tokens: number): string | undefined {
  if (depth > DEPTH_MAX) return "this is nested too deeply";
  if (depth < 0) return "this bracket closes nothing: a text that begins with one must be in quotes";
  return tokens > TOKENS_MAX ? "the file holds too much for a configuration" : undefined;
}

function placeIn(text: string, offset: number) {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}
