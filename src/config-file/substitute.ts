/**
 * `${VAR}`, `${VAR:-default}` and `${file:/path}` in a text of the configuration file. It happens
 * after the YAML was read, so that nothing within a secret can change what the file says; what is
 * put in is not looked at again.
 */
import { resolve } from "node:path";
import type { Environment } from "../config.ts";
import { readValueFile, UnreadableFile } from "../lib/text-file.ts";

const REFERENCE = /\$(?:\$|\{([^}]*)(\}?))/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;
const FILE = "file:";
/**
 * Of all references of a configuration: a short one may stand for a long text, and stand there
 * often.
 */
const CHARS_MAX = 8 * 1024 * 1024;

interface Substituted {
  readonly text: string;
  /**
   * One for each reference that leads nowhere; it never repeats what a variable or a file holds.
   */
  readonly mistakes: readonly string[];
}

export type Substitute = (text: string) => Substituted;

/**
 * Paths are relative to `folder`, the one of the configuration file. An empty variable counts as
 * unset.
 */
export function substitution(environment: Environment, folder: string): Substitute {
  let charsLeft = CHARS_MAX;
  return (text) => {
    const mistakes: string[] = [];
    const put = (reference: string, inner: string | undefined, closed: string | undefined): string => {
      if (inner === undefined) return "$";
      const found = closed === "" ? UNCLOSED : lookUp(inner, environment, folder);
      if ("text" in found) charsLeft -= found.text.length;
      if ("text" in found && charsLeft >= 0) return found.text;
      mistakes.push("text" in found ? TOO_MUCH : found.mistake);
      return reference;
    };
    return { text: text.replace(REFERENCE, put), mistakes };
  };
}

type Found = { readonly text: string } | { readonly mistake: string };

const TOO_MUCH = `the variables and files that are put in have more than ${CHARS_MAX} characters together`;
const UNCLOSED: Found = { mistake: "a ${ without its }: write $$ where a dollar sign is meant" };
const NO_REFERENCE: Found = {
  mistake:
    "${…} takes the name of a variable (NAME or NAME:-default) or a file (file:/path): write $$ where a dollar sign is meant",
};

function lookUp(inner: string, environment: Environment, folder: string): Found {
  if (inner.startsWith(FILE)) return readReference(inner.slice(FILE.length), folder);
  const [, name, otherwise] = VARIABLE.exec(inner) ?? [];
  if (name === undefined) return NO_REFERENCE;
  const text = environment[name] || otherwise;
  return text === undefined
    ? { mistake: `the environment variable ${name} is not set, or empty, and there is no default for it` }
    : { text };
}

function readReference(path: string, folder: string): Found {
  if (path === "") return NO_REFERENCE;
  try {
    return { text: readValueFile(resolve(folder, path)) };
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    return { mistake: `the file ${JSON.stringify(path)} can't be read: ${error.message}` };
  }
}
