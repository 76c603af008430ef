import { expect, test } from "bun:test";
import fc from "fast-check";
import { bytesOfBase64 } from "./base64.ts";

test("any bytes come back from their base64, with its padding or without", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString("base64");
      for (const given of [text, text.replaceAll("=", "")])
        expect(Buffer.from(bytesOfBase64(given) ?? []).equals(Buffer.from(bytes))).toBe(true);
    }),
  );
});

test.each(["it's", "YQ==YQ", "_-_-", "YQ ==", "YR", "é"])("what is no base64 is no bytes: %s", (text) => {
  expect(bytesOfBase64(text)).toBeUndefined();
});
