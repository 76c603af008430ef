/** The parts of the search index, each held to the plain way of saying what it should do. */
import { describe, expect, test } from "bun:test";
import { fc, storableText } from "../../../../tests/property.ts";
import { andBits, countBits, firstVarint, markDocuments, varintSize, writeVarint } from "./bits.ts";
import { blocksThatMayHold, cutDictionary, joinDictionary } from "./blocks.ts";
import { CHUNK_BYTES, mergeSegments } from "./merge.ts";
import { pieces, plan } from "./pieces.ts";
import { type SegmentBytes, SegmentIndex } from "./segment.ts";
import { SegmentBuilder } from "./segment-builder.ts";

/** Texts of few characters of every kind, so that parts of them match often. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."ab1é .,-東京👍\u0301\u{1f3fd}ا"), maxLength: 14 }),
  storableText(8),
);
const partOf = (given: string, from: number, length: number) =>
  Array.from(given)
    .slice(from, from + length)
    .join("");

interface Row {
  readonly text: string | null;
  readonly label: string;
}
const row: fc.Arbitrary<Row> = fc.record({
  text: fc.option(text, { freq: 5 }),
  label: fc.constantFrom("+1", "+12", "+2"),
});

function build(first: number, rows: readonly Row[]): SegmentBytes {
  const builder = new SegmentBuilder(first);
  for (const [index, { text, label }] of rows.entries()) builder.add(first + index, text, [label]);
  return builder.build();
}

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

describe("pieces", () => {
  test("whatever a text contains, its pieces contain what the plan asks for", () => {
    fc.assert(
      fc.property(text, fc.nat(14), fc.integer({ min: 1, max: 8 }), (given, from, length) => {
        const q = partOf(given, from, length);
        if (q === "") return;
        const { needles } = plan(q);
        const own = [...pieces(given)];
        for (const needle of needles) expect(own.some((piece) => piece.includes(needle))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("an exact plan asks for exactly the texts that contain the string", () => {
    fc.assert(
      fc.property(text, text, (given, other) => {
        for (const q of [partOf(other, 0, 1), partOf(other, 1, 2), partOf(other, 0, 4)]) {
          const { needles, exact } = plan(q);
          if (q === "" || !exact) continue;
          const found = [...pieces(given)].some((piece) => piece.includes(needles[0] as string));
          expect([q, given, found]).toEqual([q, given, given.includes(q)]);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("one character and two are always exact, and pieces are parts of the text", () => {
    fc.assert(
      fc.property(text, (given) => {
        for (const piece of pieces(given)) expect(given.includes(piece)).toBe(true);
        for (const q of [partOf(given, 0, 1), partOf(given, 1, 2)])
          if (q !== "") expect(plan(q)).toEqual({ needles: [q], exact: true });
      }),
      { numRuns: 1000 },
    );
  });
});

describe("numbers and bits", () => {
  const numbers = fc.uniqueArray(fc.nat(5000), { maxLength: 40 }).map((all) => all.sort((a, b) => a - b));

  test("a number of any size is read as it was written", () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (value) => {
        const bytes = new Uint8Array(8);
        const end = writeVarint(bytes, 1, value);
        expect([end - 1, firstVarint(bytes, 1)]).toEqual([varintSize(value), value]);
      }),
    );
  });

  test("two sets have in common what is in both", () => {
    fc.assert(
      fc.property(numbers, numbers, (left, right) => {
        const bitsOf = (all: number[]) => {
          const bits = new Uint32Array(157);
          for (const each of all) bits[each >> 5] = (bits[each >> 5] ?? 0) | (1 << (each & 31));
          return bits;
        };
        const bits = bitsOf(left);
        andBits(bits, bitsOf(right));
        expect(countBits(bits)).toBe(left.filter((each) => right.includes(each)).length);
      }),
    );
  });
});

describe("a segment", () => {
  test("a segment finds for any string the documents with a piece that contains it, and for a label those that have it", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), text, (rows, other) => {
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

  test("a segment is the same whether made at once or merged of parts, gaps between them included", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(row, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 }),
        fc.nat(3),
        (parts, gap) => {
          const whole = new SegmentBuilder(7);
          let first = 7;
          const made = parts.map((rows) => {
            const start = first;
            for (const [index, { text, label }] of rows.entries()) whole.add(start + index, text, [label]);
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

  test("the postings of a segment may be longer than a chunk, in every list", () => {
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

describe("blocks of a dictionary", () => {
  /** Enough different words for several blocks. */
  const words = (seed: number) =>
    Array.from(
      { length: 6000 },
      (_, index): Row => ({ text: `w${(index * 2654435761 + seed) % 999_983} é${index}`, label: "+1" }),
    );

  test("blocks of a dictionary are joined to what was cut, and each search finds in them what it finds in the whole", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(999_983), (seed, number) => {
        const segment = build(1, words(seed));
        const { blocks, filters } = cutDictionary(segment);
        expect(blocks.length).toBeGreaterThan(3);
        const joined = joinDictionary(blocks);
        expect(Buffer.compare(joined.dictionary, segment.dictionary)).toBe(0);
        expect(Buffer.compare(joined.offsets, segment.offsets)).toBe(0);
        const whole = new SegmentIndex(segment);
        for (const needle of [`w${number}`, String(number).slice(0, 4), "é5", "9", "é59 "]) {
          const expected = whole.termsContaining(needle).map((term) => whole.postingRange(term));
          const found = blocksThatMayHold(filters, Buffer.from(needle)).flatMap((block) => {
            const index = new SegmentIndex(blocks[block] as SegmentBytes);
            return index.termsContaining(needle).map((term) => index.postingRange(term));
          });
          expect(found).toEqual(expected);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("most blocks of a dictionary are left out for a word that isn't there", () => {
    const { blocks, filters } = cutDictionary(build(1, words(1)));
    expect(blocksThatMayHold(filters, Buffer.from("zebra")).length).toBeLessThan(blocks.length / 4);
  });

  test("of no term there is no block of a dictionary", () => {
    const empty = new SegmentBuilder(1).build();
    const { blocks, filters } = cutDictionary(empty);
    expect([blocks, blocksThatMayHold(filters, Buffer.from("a"))]).toEqual([[], []]);
    expect(Buffer.from(joinDictionary([]).dictionary)).toEqual(Buffer.from(empty.dictionary));
    expect(Buffer.from(joinDictionary([]).offsets)).toEqual(Buffer.from(empty.offsets));
  });
});
