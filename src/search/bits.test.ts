import { describe, expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { andBits, complement, countBits, firstVarint, varintSize, writeVarint } from "./bits.ts";

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

  test("what is in a set and what is not are together all numbers up to its size", () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: 1, max: 5001 }), (all, size) => {
        const bits = new Uint32Array(Math.ceil(size / 32));
        const within = all.filter((each) => each < size);
        for (const each of within) bits[each >> 5] = (bits[each >> 5] ?? 0) | (1 << (each & 31));
        const others = complement(bits, size);
        expect(countBits(others)).toBe(size - within.length);
        andBits(others, bits);
        expect(countBits(others)).toBe(0);
      }),
    );
  });
});
