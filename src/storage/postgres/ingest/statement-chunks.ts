/** Rows in pieces that one statement of a transaction can take. */

/**
 * More rows than that are several statements of the same transaction: a statement takes 65,535
 * values.
 */
const STATEMENT_ROWS_MAX = 1000;
/**
 * Of bodies, unless one is larger by itself: client and server each hold a statement several times.
 */
const STATEMENT_BYTES_MAX = 4 * 1024 * 1024;

/** In order, each within the bounds of a statement. */
export function* chunks<T>(
  rows: readonly T[],
  bytesOf: (row: T) => number = () => 0,
): Generator<readonly T[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, row] of rows.entries()) {
    const more = bytesOf(row);
    if (index - start === STATEMENT_ROWS_MAX || (index > start && bytes + more > STATEMENT_BYTES_MAX)) {
      yield rows.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += more;
  }
  if (start < rows.length) yield rows.slice(start);
}
