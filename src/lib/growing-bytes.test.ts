import { expect, test } from "bun:test";
import fc from "fast-check";
import { GrowingBytes } from "./growing-bytes.ts";

test("growing bytes hold all pieces in their order, in a buffer that was announced", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 30 }), (pieces) => {
      const bytes = new GrowingBytes(100_000);
      for (const piece of pieces) {
        const capacity = bytes.capacityWith(piece.length);
        expect(capacity).toBeGreaterThanOrEqual(bytes.length + piece.length);
        bytes.add(piece);
        expect(bytes.capacityWith(0)).toBe(capacity);
      }
      const whole = bytes.take();
      expect(whole.buffer.byteLength).toBe(whole.length);
      expect(Buffer.from(whole).equals(Buffer.concat(pieces))).toBe(true);
    }),
  );
});

test("the buffer of growing bytes grows to the bound at most, unless more is there", () => {
  const bytes = new GrowingBytes(10_000);
  bytes.add(new Uint8Array(7000));
  expect(bytes.capacityWith(1)).toBe(10_000);
  expect(bytes.capacityWith(4000)).toBe(11_000);
});
