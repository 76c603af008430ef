import { describe, expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { build, type Row } from "../../tests/search-rows.ts";
import { blocksThatMayHold, cutDictionary, joinDictionary } from "./blocks.ts";
import { type SegmentBytes, SegmentIndex } from "./segment.ts";
import { SegmentBuilder } from "./segment-builder.ts";

describe("blocks of a dictionary", () => {
  /** Enough different words for several blocks. */
  const words = (seed: number) =>
    Array.from(
      { length: 6000 },
      (_, index): Row => ({ text: `w${(index * 2654435761 + seed) % 999_983} é${index}`, label: "+1" }),
    );

  test("are joined to what was cut, and each search finds in them what it finds in the whole", () => {
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

  test("leave most blocks out for a word that isn't there", () => {
    const { blocks, filters } = cutDictionary(build(1, words(1)));
    expect(blocksThatMayHold(filters, Buffer.from("zebra")).length).toBeLessThan(blocks.length / 4);
  });

  test("of no term there is none", () => {
    const empty = new SegmentBuilder(1).build();
    const { blocks, filters } = cutDictionary(empty);
    expect([blocks, blocksThatMayHold(filters, Buffer.from("a"))]).toEqual([[], []]);
    expect(Buffer.from(joinDictionary([]).dictionary)).toEqual(Buffer.from(empty.dictionary));
    expect(Buffer.from(joinDictionary([]).offsets)).toEqual(Buffer.from(empty.offsets));
  });
});
