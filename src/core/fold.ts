/**
 * Case folding for search. Each code point is folded alone and nothing is normalised, so that the
 * fold of a substring is a substring of the fold: whatever part of a text someone types, the text
 * is found.
 */
import { FOLD_RUNS } from "./fold-table.ts";

const bmp = new Uint16Array(0x10000).map((_, unit) => unit);
const astral = new Map<number, number>();
for (const [first, last, step, delta] of FOLD_RUNS) {
  for (let point = first; point <= last; point += step) {
    if (point < 0x10000) bmp[point] = point + delta;
    else astral.set(point, point + delta);
  }
}

const ASCII = /^[\0-\x7f]*$/;

/**
 * Folds a text by Unicode simple case folding (statuses C and S, table version `FOLD_VERSION`).
 * `toLowerCase` is no substitute: it looks at neighbours (final sigma) and changes lengths (İ).
 */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  let folded = "";
  for (let index = 0; index < text.length; index++) {
    const point = text.codePointAt(index) ?? 0;
    if (point < 0x10000) {
      folded += String.fromCharCode(bmp[point] ?? point);
    } else {
      folded += String.fromCodePoint(astral.get(point) ?? point);
      index++;
    }
  }
  return folded;
}
