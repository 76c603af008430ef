import { expect, test } from "bun:test";
import { signingKey, webhookSignature } from "./standard-webhooks.ts";

test("a signature is the one of Standard Webhooks' own example", () => {
  const key = signingKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  expect(webhookSignature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')).toBe(
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  );
});

test.each([
  ["whsec_c2VjcmV0", "secret"],
  ["c2VjcmV0", "c2VjcmV0"],
  ["whsec_it's", "whsec_it's"],
  ["whsec_", "whsec_"],
  ["pässword", "pässword"],
])("the key of %j is the bytes of %j", (secret, bytes) => {
  expect(Buffer.from(signingKey(secret)).toString()).toBe(bytes);
});
