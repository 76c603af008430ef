/**
 * Whether a command printed what a page shows. `…` stands for anything, also for lines. What
 * differs from run to run is let through by its form alone, one rule for each; everything else is
 * literal.
 */
interface Rule {
  /** As the page shows it. */
  readonly shown: RegExp;
  /** What may stand there instead. */
  readonly printed: string;
}

const INSTANT = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z`;
const DURATION = String.raw`\d+(?:\.\d+)? (?:ms|s|min|h|days?|weeks?)(?![a-z])`;

const VOLATILE: readonly Rule[] = [
  // Messages of examples are of 2025; what is later is when somebody tried it.
  { shown: /20(?:2[6-9]|[3-9]\d)-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/, printed: INSTANT },
  // The same in seconds since 1970.
  { shown: /\b(?:17[7-9]|1[89]\d)\d{7}\b/, printed: String.raw`\d{10}` },
  { shown: /(?<=^)\d\d:\d\d:\d\d(?= )/, printed: String.raw`\d\d:\d\d:\d\d` },
  // When what fails is tried again, and how often it was.
  { shown: /\bin \d+ (?:s|min)(?![a-z])/, printed: `(?:now|in ${DURATION})` },
  { shown: /\d+(?= failed$)/, printed: String.raw`\d+` },
  { shown: /\d+(?:\.\d+)? (?:ms|s|min|h|days?|weeks?)(?![a-z])/, printed: DURATION },
  { shown: /\d+(?= (?:messages|rows)\/s)/, printed: String.raw`\d+` },
  { shown: /(?<="p(?:50|99)":)\d+(?:\.\d+)?/, printed: String.raw`\d+(?:\.\d+)?` },
  { shown: /(?<="lag_seconds":)\d+(?:\.\d+)?/, printed: String.raw`\d+(?:\.\d+)?` },
  // A position: its log, not its number.
  { shown: /\b[0-9a-f]{16}(?=\.\d)/, printed: "[0-9a-f]{16}" },
  { shown: /(?<=\b(?:evt|rp)_)[0-9a-f]+/, printed: "[0-9a-f]+" },
  { shown: /\b[0-9a-f]{64}\b/, printed: "[0-9a-f]{64}" },
  {
    shown: /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/,
    printed: "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
  },
  { shown: /(?<="version":"|Postern[ /])\d+\.\d+\.\d+/, printed: String.raw`\d+\.\d+\.\d+` },
  // Columns are as wide as what stands in them.
  { shown: / {2,}/, printed: " {2,}" },
  { shown: /…/, printed: String.raw`[\s\S]*?` },
];
const ANY_RULE = new RegExp(VOLATILE.map(({ shown }) => `(${shown.source})`).join("|"), "gm");

/** What is given literally in the command is literal in its output too. */
function patternOf(shown: string, command: string): string {
  let pattern = "";
  let at = 0;
  for (const match of shown.matchAll(ANY_RULE)) {
    const rule = VOLATILE[match.slice(1).findIndex((group) => group !== undefined)];
    pattern += escapeRegExp(shown.slice(at, match.index));
    const isGiven = match[0].trim().length > 1 && command.includes(match[0]);
    pattern += isGiven ? escapeRegExp(match[0]) : (rule?.printed ?? "");
    at = match.index + match[0].length;
  }
  return pattern + escapeRegExp(shown.slice(at));
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

interface Comparison {
  readonly command: string;
  readonly shown: string;
  readonly printed: string;
}

/** Blanks at the ends of lines and empty lines at the end don't count. */
export function isShown({ command, shown, printed }: Comparison): boolean {
  return new RegExp(`^${patternOf(tidy(shown), command)}$`).test(tidy(printed));
}

/** As `isShown`, for what a command that goes on has printed so far; of most pages show nothing. */
export function beginsAsShown({ command, shown, printed }: Comparison): boolean {
  return shown === "" || new RegExp(`^${patternOf(tidy(shown), command)}(?:\\n|$)`).test(tidy(printed));
}

function tidy(text: string): string {
  return text.replace(/[ \t]+$/gm, "").trimEnd();
}
