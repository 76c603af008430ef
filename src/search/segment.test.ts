/** Segments, made at once and merged, held to the plain way of saying what they should hold. */
import { describe, expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { anyRow, build, partOf, type Row, searchedText } from "../../tests/search-rows.ts";
import { countBits, markDocuments } from "./bits.ts";
import { CHUNK_BYTES, mergeSegments } from "./merge.ts";
import { pieces } from "./pieces.ts";
import { type SegmentBytes, SegmentIndex } from "./segment.ts";
import { SegmentBuilder } from "./segment-builder.ts";

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array, undefined> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** Documents of the terms' lists, by the bits. */
function documentsOf(segment: SegmentBytes, terms: readonly number[]): number[] {
  const index = new SegmentIndex(segment);
  const bits = new Uint32Array(((segment.last - segment.first) >> 5) + 1);
  for (const term of terms) {
    const { start, end } = index.postingRange(term);
    markDocuments(segment.postings.subarray(start, end), bits);
  }
  const found = Array.from({ length: segment.last - segment.first + 1 }, (_, each) => each).filter(
    (each) => (((bits[each >> 5] ?? 0) >>> (each & 31)) & 1) === 1,
  );
  expect(countBits(bits)).toBe(found.length);
  return found;
}

describe("a segment", () => {
  test("finds for any string the documents with a piece that contains it, and for a label those that have it", () => {
    fc.assert(
      fc.property(fc.array(anyRow, { minLength: 1, maxLength: 40 }), searchedText, (rows, other) => {
        const segment = build(100, rows);
        const index = new SegmentIndex(segment);
        for (const q of [partOf(other, 0, 1), partOf(other, 0, 3), partOf(rows[0]?.text ?? "", 1, 3)]) {
          if (q === "") continue;
          const expected = rows.flatMap(({ text }, each) =>
            text !== null && [...pieces(text)].some((piece) => piece.includes(q)) ? [each] : [],
          );
          expect(documentsOf(segment, index.termsContaining(q))).toEqual(expected);
        }
        for (const label of ["+1", "+12", "+", "1"]) {
          const term = index.termOf(label);
          const expected = rows.flatMap((each, at) => (each.label === label ? [at] : []));
          expect(documentsOf(segment, term === undefined ? [] : [term])).toEqual(expected);
        }
      }),
    );
  });

  test("is the same whether made at once or merged of parts, gaps between them included", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyRow, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 }),
        fc.nat(3),
        (parts, gap) => {
          const whole = new SegmentBuilder(7);
          let first = 7;
          const made = parts.map((rows) => {
            const start = first;
            for (const [index, { text, label }] of rows.entries())
              whole.add({ row: start + index, text, labels: [label] });
            first = start + rows.length + gap;
            return build(start, rows);
          });
          const emitted: Uint8Array[] = [];
          const merged = mergeSegments(
            made.map((part) => ({ ...part, postings: chunksOf(part.postings) })),
            (chunk) => emitted.push(chunk.slice()),
          );
          const { postings, ...expected } = whole.build();
          expect(Buffer.concat(emitted)).toEqual(Buffer.from(postings));
          for (const stream of ["dictionary", "offsets", "lasts"] as const)
            expect(Buffer.from(merged[stream])).toEqual(Buffer.from(expected[stream]));
          expect([merged.first, merged.last, merged.documents]).toEqual([
            expected.first,
            expected.last,
            expected.documents,
          ]);
        },
      ),
    );
  });

  test("its postings may be longer than a chunk, in every list", () => {
    const rows = Array.from(
      { length: 70_000 },
      (_, index): Row => ({ text: index % 3 === 0 ? "ab" : "a b c", label: "+1" }),
    );
    const halves = [build(1, rows.slice(0, 30_000)), build(30_001, rows.slice(30_000))];
    const emitted: Uint8Array[] = [];
    mergeSegments(
      halves.map((part) => ({ ...part, postings: chunksOf(part.postings) })),
      (chunk) => emitted.push(chunk.slice()),
    );
    expect(emitted.length).toBeGreaterThan(2);
    expect(emitted.slice(0, -1).every(({ length }) => length === CHUNK_BYTES)).toBe(true);
    expect(Buffer.compare(Buffer.concat(emitted), build(1, rows).postings)).toBe(0);
  });
});
