/** Where a text has what was searched for. */

/**
 * About as the service folds: by code point, upper and lower case alike. Where the two differ, a
 * row is found and nothing in it is marked.
 */
function fold(character: string): string {
  const lower = character.toUpperCase().toLowerCase();
  return lower.length === character.length ? lower : character.toLowerCase();
}

/** Where it occurs, as pairs of indexes into the text, from the left. */
export function occurrences(
  text: string,
  searched: string,
): readonly (readonly [from: number, to: number])[] {
  const wanted = Array.from(searched, fold);
  if (wanted.length === 0) return [];
  const characters = Array.from(text);
  const folded = characters.map(fold);
  const found: [number, number][] = [];
  let at = 0;
  for (let index = 0; index < folded.length; ) {
    if (wanted.every((character, offset) => folded[index + offset] === character)) {
      const length = characters.slice(index, index + wanted.length).join("").length;
      found.push([at, at + length]);
      at += length;
      index += wanted.length;
    } else {
      at += characters[index]?.length ?? 0;
      index++;
    }
  }
  return found;
}

const AROUND_CHARS = 40;

/** Begins shortly before what was searched, where that would not be seen on one line. */
export function excerpt(text: string, searched: string): string {
  const line = text.length > 2000 && searched === "" ? text.slice(0, 2000) : text;
  const [first] = occurrences(line, searched);
  if (first === undefined || first[0] <= AROUND_CHARS) return line.slice(0, 2000);
  const from = first[0] - AROUND_CHARS / 2;
  return `…${line.slice(from, from + 2000).replace(/^[\udc00-\udfff]/, "")}`;
}
