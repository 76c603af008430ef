/** Texts in the cells of a terminal. */

/**
 * The text, or as much of it as fits. `sliceAnsi` counts a letter with its vowel signs as one cell,
 * while terminals and `stringWidth` may give each of them one.
 */
export function fit(text: string, cells: number): string {
  let shown = text;
  for (let end = cells; Bun.stringWidth(shown) > cells; end--) shown = Bun.sliceAnsi(text, 0, end, "…");
  return shown;
}
