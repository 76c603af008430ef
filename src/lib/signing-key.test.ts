import { expect, test } from "bun:test";
import { signingKey } from "./standard-webhooks.ts";

const text = (secret: string) => {
  const key = signingKey(secret);
  return key === undefined ? undefined : Buffer.from(key).toString();
};

test("a secret that begins with whsec_ is the bytes of its base64, any other its own", () => {
  expect(text("whsec_c2VjcmV0")).toBe("secret");
  expect(text("whsec_c2VjcmV0cw")).toBe("secrets");
  expect(text("c2VjcmV0")).toBe("c2VjcmV0");
  expect(text("пароль")).toBe("пароль");
  expect(text("WHSEC_c2VjcmV0")).toBe("WHSEC_c2VjcmV0");
  expect(text("whsec_it's none")).toBeUndefined();
});
