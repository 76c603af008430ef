/**
 * A page of the documentation, as what a reader does who follows it from top to bottom: its console
 * blocks are commands with their output, and comments that nobody sees say what the prose leaves to
 * the reader.
 *
 *     <!-- not run: REASON -->   before a block that can't run in a test
 *     <!-- file: NAME -->        before a block whose text the reader saves under that name
 *     <!-- prints: OUTPUT -->    before a block of `sh`, which is there to be pasted
 *     <!-- run: COMMANDS -->     what has to be there, and isn't of interest: it has to exit with 0
 */

export interface Command {
  readonly line: number;
  readonly text: string;
  /** What it prints; `undefined` where the block shows commands alone. */
  readonly output: string | undefined;
}

export type Step =
  | { readonly kind: "block" | "hidden"; readonly line: number; readonly commands: readonly Command[] }
  | { readonly kind: "not run"; readonly line: number; readonly reason: string }
  | { readonly kind: "file"; readonly line: number; readonly name: string; readonly text: string };

interface Fence {
  readonly language: string;
  readonly line: number;
  readonly lines: readonly string[];
}

const COMMENT = / *<!-- (not run|file|prints|run):\s+([\s\S]*?)\s*-->/y;
const FENCE = /( *)```([a-z]*)\n([\s\S]*?)^\1```$/my;

/** In the order of the page. Throws where a comment has no block that it could be about. */
export function stepsOf(markdown: string): Step[] {
  const steps: Step[] = [];
  let about: { what: string; text: string; line: number } | undefined;
  let at = 0;
  while (at < markdown.length) {
    const line = markdown.slice(0, at).split("\n").length;
    const [comment, what = "", text = ""] = matchAt(COMMENT, markdown, at) ?? [];
    const [fence, indent = "", language = "", body = ""] = matchAt(FENCE, markdown, at) ?? [];
    if (comment !== undefined) {
      if (about !== undefined) throw new Error(`line ${about.line}: the comment is about no block`);
      if (what === "run") steps.push({ kind: "hidden", line, commands: [{ line, text, output: undefined }] });
      else about = { what, text, line };
      at += comment.length;
    } else if (fence !== undefined) {
      const lines = body
        .split("\n")
        .slice(0, -1)
        .map((each) => each.slice(indent.length));
      steps.push(...stepOf({ language, line, lines }, about));
      about = undefined;
      at += fence.length;
    } else {
      const end = markdown.indexOf("\n", at) + 1 || markdown.length;
      if (about !== undefined && /\S/.test(markdown.slice(at, end)))
        throw new Error(`line ${about.line}: the comment is about no block`);
      at = end;
    }
  }
  return steps;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function stepOf(fence: Fence, about: { what: string; text: string } | undefined): Step[] {
  const { language, line, lines } = fence;
  if (about?.what === "file")
    // The body of a request ends with its last character.
    return [
      { kind: "file", line, name: about.text, text: lines.join("\n") + (language === "http" ? "" : "\n") },
    ];
  const isConsole = language === "console" || lines.some((each) => each.startsWith("$ "));
  if (!isConsole && language !== "sh") {
    if (about !== undefined) throw new Error(`line ${line}: there is nothing to run`);
    return [];
  }
  if (about?.what === "not run") return [{ kind: "not run", line, reason: about.text }];
  if (isConsole && about !== undefined) throw new Error(`line ${line}: the block itself says what it prints`);
  const commands = isConsole
    ? commandsOf(lines, line + 1)
    : commandsOf(lines.map(asCommand), line + 1).map((command, index, all) =>
        index === all.length - 1 ? { ...command, output: about?.text } : command,
      );
  return [{ kind: "block", line, commands }];
}

/** A line of `sh` as consoles show it, unless it goes on from the one before. */
function asCommand(text: string, index: number, lines: readonly string[]): string {
  return lines[index - 1]?.endsWith("\\") ? text : `$ ${text}`;
}

/** Lines that begin with `$ ` are commands, with what continues them; the others their output. */
function commandsOf(lines: readonly string[], firstLine: number): Command[] {
  const commands: { line: number; text: string; output: string[] }[] = [];
  let heredoc: string | undefined;
  for (const [index, text] of lines.entries()) {
    const last = commands.at(-1);
    if (
      last !== undefined &&
      (heredoc !== undefined || (last.output.length === 0 && last.text.endsWith("\\")))
    ) {
      last.text += `\n${text}`;
      if (text === heredoc) heredoc = undefined;
    } else if (text.startsWith("$ ")) {
      commands.push({ line: firstLine + index, text: text.slice(2), output: [] });
      heredoc = /<<'?(\w+)'?/.exec(text)?.[1];
    } else if (last !== undefined) last.output.push(text);
    else throw new Error(`line ${firstLine + index}: output without a command`);
  }
  const showsOutput = commands.some(({ output }) => output.length > 0);
  return commands.map(({ output, ...command }) => ({
    ...command,
    output: showsOutput ? output.join("\n") : undefined,
  }));
}
