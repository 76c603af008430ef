import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { fc } from "../../tests/property.ts";
import { nativeSource, sign } from "./native.ts";

const secret = fc
  .string({ unit: "binary", minLength: 1, maxLength: 100 })
  .filter((text) => text.trim() !== "");
const body = fc.uint8Array({ maxLength: 300 });
const headersOf = (signature: string) => new Headers({ "X-Signature": signature });

describe("sign", () => {
  test("sign is the HMAC-SHA256 of node:crypto, in lower-case hexadecimal", () => {
    fc.assert(
      fc.property(secret, body, (key, bytes) => {
        expect(sign(key, bytes)).toBe(createHmac("sha256", key).update(bytes).digest("hex"));
      }),
    );
  });

  test("sign gives the published values of RFC 4231, cases 2 and 6", () => {
    expect(sign("Jefe", "what do ya want for nothing?")).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
    // The key of case 6 is 131 bytes of 0xaa, which is no UTF-8; a long key is hashed first all the
    // same.
    const key = "k".repeat(131);
    expect(sign(key, "x")).toBe(createHmac("sha256", Buffer.from(key)).update("x").digest("hex"));
  });
});

describe("the native source", () => {
  test("the native source verifies what any of its secrets signed", () => {
    fc.assert(
      fc.property(secret, secret, body, (first, second, bytes) => {
        const source = nativeSource([first, second]);
        expect(source.verify(sign(first, bytes), bytes)).toBe(true);
        expect(source.verify(sign(second, bytes), bytes)).toBe(true);
      }),
    );
  });

  test("the native source refuses a body with one bit changed, and a proof with one digit changed", () => {
    fc.assert(
      fc.property(
        secret,
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.nat(),
        fc.nat(),
        (key, bytes, at, bit) => {
          const source = nativeSource([key]);
          const proof = sign(key, bytes);
          const changed = Uint8Array.from(bytes);
          const index = at % bytes.length;
          changed[index] = (changed[index] ?? 0) ^ (1 << (bit % 8));
          expect(source.verify(proof, changed)).toBe(false);
          const digit = at % 64;
          const other = ((Number.parseInt(proof[digit] ?? "0", 16) + 1 + (bit % 15)) % 16).toString(16);
          expect(source.verify(proof.slice(0, digit) + other + proof.slice(digit + 1), bytes)).toBe(false);
        },
      ),
    );
  });

  test("the native source refuses what another secret signed", () => {
    fc.assert(
      fc.property(secret, secret, body, (first, second, bytes) => {
        fc.pre(
          createHmac("sha256", first).update("").digest("hex") !==
            createHmac("sha256", second).update("").digest("hex"),
        );
        return !nativeSource([first]).verify(sign(second, bytes), bytes);
      }),
    );
  });

  test("the native source takes for a proof exactly 64 lower-case hexadecimal digits", () => {
    const source = nativeSource(["secret"]);
    fc.assert(
      fc.property(
        fc.oneof(fc.stringMatching(/^[0-9a-fA-F]{62,66}$/), fc.string({ unit: "grapheme-ascii" })),
        (text) => {
          const seen = headersOf(text).get("X-Signature") ?? "";
          expect(source.proof(headersOf(text))).toBe(/^[0-9a-f]{64}$/.test(seen) ? seen : undefined);
        },
      ),
    );
    expect(source.proof(new Headers())).toBeUndefined();
  });

  test.each([[[]], [[""]], [[" "]], [["\t\n"]], [["good", ""]], [["good", "\u3000"]]])(
    "the native source can't be made of blank secrets: %j",
    (secrets) => {
      expect(() => nativeSource(secrets)).toThrow();
    },
  );
});
