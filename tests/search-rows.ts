/** Rows for the search package's tests. */

import type { SegmentBytes } from "../src/search/segment.ts";
import { SegmentBuilder } from "../src/search/segment-builder.ts";
import { fc, storableText } from "./property.ts";

/** Texts of few characters of every kind, so that parts of them match often. */
export const searchedText = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."ab1é .,-東京👍\u0301\u{1f3fd}ا"), maxLength: 14 }),
  storableText(8),
);

/** Some code points of a text. */
export const partOf = (given: string, from: number, length: number) =>
  Array.from(given)
    .slice(from, from + length)
    .join("");

export interface Row {
  readonly text: string | null;
  readonly label: string;
}

export const anyRow: fc.Arbitrary<Row> = fc.record({
  text: fc.option(searchedText, { freq: 5 }),
  label: fc.constantFrom("+1", "+12", "+2"),
});

export function build(first: number, rows: readonly Row[]): SegmentBytes {
  const builder = new SegmentBuilder(first);
  for (const [index, { text, label }] of rows.entries())
    builder.add({ row: first + index, text, labels: [label] });
  return builder.build();
}
