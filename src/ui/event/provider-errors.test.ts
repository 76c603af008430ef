import { expect, test } from "bun:test";
import fc from "fast-check";
import { providerErrors } from "./provider-errors.ts";

test.each([
  [
    "Meta",
    '{"status":"failed","errors":[{"code":131047,"title":"Re-engagement message","error_data":{"details":"24 hours"},"href":"https://developers.facebook.com/x"}]}',
    { code: "131047", words: "Re-engagement message. 24 hours", href: "https://developers.facebook.com/x" },
  ],
  [
    "Twilio",
    "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003&ErrorMessage=Unreachable+handset",
    { code: "30003", words: "Unreachable handset", href: undefined },
  ],
  [
    "Vonage's SMS API",
    '{"status":"failed","err-code":"9","scts":"1"}',
    { code: "9", words: "", href: undefined },
  ],
  [
    "Vonage's Messages API",
    '{"status":"rejected","error":{"type":"javascript:alert(1)","title":"1330","detail":"Unknown error"}}',
    { code: undefined, words: "1330. Unknown error", href: undefined },
  ],
] as const)("an error of %s is found, with its code and its words", (_, body, error) => {
  expect(providerErrors(body)).toEqual([error]);
});

test.each([
  '{"code":200,"status":"delivered"}',
  '{"err-code":"0"}',
  "ErrorCode=&To=1",
  "plain text",
  "",
  "null",
])("%j says nothing went wrong", (body) => expect(providerErrors(body)).toEqual([]));

test("whatever a body is, what is found is text and few", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
      const found = providerErrors(`{"errors":[${body}]}`);
      expect(found.length).toBeLessThanOrEqual(5);
      for (const { words, href } of found) {
        expect(typeof words).toBe("string");
        expect(href === undefined || href.startsWith("https://")).toBe(true);
      }
    }),
  );
});
