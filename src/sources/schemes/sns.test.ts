import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { newAuthority } from "../../../tests/deliver/certificates.ts";
import { newPublisher } from "../../../tests/keys/publisher.ts";
import { fc } from "../../../tests/property.ts";
import { genericScheme } from "./generic.ts";
import { SchemeError } from "./proof.ts";

const TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders";
const CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem";
const SUBSCRIBE = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=abc`;
const NOW = Date.now();

const authority = newAuthority();
const signer = generateKeyPairSync("rsa", { modulusLength: 2048 });
const valid = authority.issue("sns.amazonaws.com", "valid", signer);
const expired = authority.issue("sns.amazonaws.com", "expired", signer);

type Message = Record<string, string>;

const notification: Message = {
  Type: "Notification",
  MessageId: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
  TopicArn: TOPIC,
  Subject: "New order",
  Message: 'A "text"\nof two lines, with é',
  Timestamp: new Date(NOW - 1000).toISOString(),
  SignatureVersion: "1",
  SigningCertURL: CERTIFICATE,
  UnsubscribeURL: "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
};
const { Subject: _, UnsubscribeURL: __, ...common } = notification;
const confirmation: Message = {
  ...common,
  Type: "SubscriptionConfirmation",
  Token: "abc",
  SubscribeURL: SUBSCRIBE,
};

/** As the documentation has it, line by line. */
function signed(message: Message, key: KeyObject = signer.privateKey): Message {
  const names =
    message["Type"] === "Notification"
      ? ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
      : ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
  const text = names.map((name) => (name in message ? `${name}\n${message[name]}\n` : "")).join("");
  const hash = message["SignatureVersion"] === "2" ? "sha256" : "sha1";
  return { ...message, Signature: sign(hash, Buffer.from(text), key).toString("base64") };
}

function open(
  certificate: string | undefined = valid.cert,
  secrets: readonly string[] = ["arn:aws:sns:us-east-1:123456789012:x", TOPIC],
) {
  const publisher = newPublisher();
  if (certificate !== "") publisher.documents.set(CERTIFICATE, certificate);
  const scheme = genericScheme({ algorithm: "sns" }, secrets, publisher.keys);
  const requestOf = (body: string, headers: Record<string, string> = {}) => ({
    ...{
      method: "POST",
      url: "https://hooks.example/in",
      headers: new Headers(headers),
      body: Buffer.from(body),
    },
  });
  const verdict = async (message: object | string, now = NOW, headers: Record<string, string> = {}) => {
    const request = requestOf(typeof message === "string" ? message : JSON.stringify(message), headers);
    await scheme.prepare?.(request, now);
    return scheme.verify(request, now);
  };
  const why = async (...given: Parameters<typeof verdict>) => {
    const found = await verdict(...given);
    return found.proven ? "proven" : found.why;
  };
  const confirm = async (message: object) => scheme.confirm?.(requestOf(JSON.stringify(message)));
  return { ...publisher, verdict, why, confirm };
}

describe("a message of Amazon SNS", () => {
  test.each(["1", "2"])("holds by signature version %s, and names the event", async (SignatureVersion) => {
    const { verdict, asked } = open();
    for (const message of [
      notification,
      common,
      confirmation,
      { ...confirmation, Type: "UnsubscribeConfirmation" },
    ])
      expect(await verdict(signed({ ...message, SignatureVersion } as Message))).toEqual({
        proven: true,
        claims: { jti: notification["MessageId"] },
      });
    expect(asked).toEqual([CERTIFICATE]);
  });

  test("with anything else in what is signed is refused", async () => {
    const { why } = open();
    for (const [message, names] of [
      [signed(notification), ["Message", "MessageId", "Subject", "Timestamp", "Signature"]],
      [signed(confirmation), ["Message", "MessageId", "SubscribeURL", "Token", "Timestamp", "Signature"]],
    ] as const) {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...names),
          fc.nat(),
          fc.constantFrom("0", "b", "Z"),
          async (name, seed, other) => {
            const text = message[name] as string;
            const at = seed % text.length;
            if (text[at] === other) return;
            expect(
              await why({ ...message, [name]: text.slice(0, at) + other + text.slice(at + 1) }),
            ).not.toBe("proven");
          },
        ),
      );
      for (const name of names) {
        const { [name]: ___, ...without } = message;
        expect(await why(without)).not.toBe("proven");
        expect(await why({ ...message, [name]: 5 })).not.toBe("proven");
      }
    }
    expect(await why(signed({ ...notification, Type: "SubscriptionConfirmation" }))).toMatch(
      /has no SubscribeURL/,
    );
    expect(await why(signed({ ...notification, Type: "toString" }))).toMatch(/Type is none/);
    const twice = JSON.stringify(signed(notification)).replace("{", '{"Message":"other",');
    expect(await why(twice)).toBe("the body is no message of Amazon SNS");
    expect(await why(`{"Message":${"[".repeat(300)}${"]".repeat(300)}}`)).toMatch(/too much to be looked at/);
    for (const body of [
      "",
      "[]",
      "x",
      '{"Type":"Notification"}',
      `[${JSON.stringify(signed(notification))}]`,
    ])
      expect(await why(body)).not.toBe("proven");
  });

  test("by another key, of another topic or another time is refused, and nobody asked for its sake", async () => {
    const { why, asked } = open();
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    for (const TopicArn of ["arn:aws:sns:eu-west-1:999999999999:orders", `${TOPIC}2`, ""])
      expect(await why(signed({ ...notification, TopicArn }))).toBe("the message's topic is not the secret");
    expect(await why(signed(notification), NOW + 7_202_000)).toMatch(/7201 s old|7203 s old|s old/);
    expect(await why(signed(notification), NOW - 7_300_000)).toMatch(/in the future/);
    expect(await why(signed({ ...notification, SignatureVersion: "3" }))).toMatch(/neither 1 nor 2/);
    expect(await why(signed(notification), NOW, { "x-amz-sns-rawdelivery": "true" })).toMatch(/raw delivery/);
    // A head that is refused is so before its certificate would be had.
    expect(asked.filter((url) => url !== CERTIFICATE)).toEqual([]);
    expect(await why(signed(notification, other.privateKey))).toMatch(/didn't make/);
    expect(await why(signed(notification), NOW + 3_600_000)).toBe("proven");
  });

  test.each([
    "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0.pem",
    "https://a@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0.pem",
    "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
    "https://sns.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
    "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "https://evil.example\\.sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "https://bucket.sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "https://snsxeu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    "https://sns.eu-west-1.amazonaws.com/?Action=x&y=/SimpleNotificationService-0.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem?Action=x",
    "https://sns.eu-west-1.amazonaws.com/other/SimpleNotificationService-0.pem",
    "https://sns.eu-west-1.amazonaws.com/key.pem",
    "https://127.0.0.1/SimpleNotificationService-0.pem",
    "https://169.254.169.254/SimpleNotificationService-0.pem",
    "file:///SimpleNotificationService-0.pem",
    "",
  ])("whose certificate would be at %p is refused, and that isn't asked for", async (SigningCertURL) => {
    const { why, asked } = open();
    expect(await why(signed({ ...notification, SigningCertURL }))).toMatch(/no certificate of Amazon SNS/);
    expect(asked).toEqual([]);
  });

  test("of China's regions holds too", async () => {
    const url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0.pem";
    const TopicArn = "arn:aws-cn:sns:cn-north-1:123456789012:orders.fifo";
    const { why, documents } = open("", [TopicArn]);
    documents.set(url, valid.cert);
    expect(await why(signed({ ...notification, TopicArn, SigningCertURL: url }))).toBe("proven");
  });

  test("whose certificate has expired is refused; whose can't be had is to come again", async () => {
    expect(await open(expired.cert).why(signed(notification))).toBe("the certificate has expired");
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
    for (const certificate of ["", "x", authority.cert, authority.issue("x", "valid", weak).cert]) {
      const { why, asked } = open(certificate);
      for (let round = 0; round < 3; round++)
        await expect(why(signed(notification))).rejects.toMatchObject({ status: 503, retryAfterS: 5 });
      expect(asked.length).toBe(1);
    }
  });
});

describe("certificates", () => {
  test("are asked for at most thirty times a minute, and those that strangers make up drive out no other", async () => {
    const { why, documents, asked, clock } = open();
    expect(await why(signed(notification))).toBe("proven");
    const other = CERTIFICATE.replace("0123abcd", "ffff");
    for (let round = 0; round < 10; round++) {
      for (let number = 0; number < 100; number++) {
        const SigningCertURL = CERTIFICATE.replace("0123abcd", `${round}x${number}`);
        await expect(why(signed({ ...notification, SigningCertURL }))).rejects.toMatchObject({ status: 503 });
      }
      expect(asked.length).toBe(30 * (round + 1));
      expect(await why(signed(notification))).toBe("proven");
      clock.advance(60_000);
    }
    documents.set(other, valid.cert);
    expect(await why(signed({ ...notification, SigningCertURL: other }))).toBe("proven");
    clock.advance(24 * 60 * 60 * 1000);
    documents.set(CERTIFICATE, expired.cert);
    expect(await why(signed(notification))).toBe("the certificate has expired");
  });
});

describe("a subscription", () => {
  test("is confirmed at Amazon SNS alone, and nothing else is", async () => {
    const { confirm, documents, asked } = open();
    documents.set(new URL(SUBSCRIBE).href, "<ok/>");
    await confirm(confirmation);
    expect(asked).toEqual([new URL(SUBSCRIBE).href]);
    for (const message of [
      { ...confirmation, Type: "UnsubscribeConfirmation" },
      { ...confirmation, Type: "Notification" },
      { ...confirmation, SubscribeURL: SUBSCRIBE.replace("amazonaws.com", "amazonaws.com.evil.example") },
      { ...confirmation, SubscribeURL: SUBSCRIBE.replace("ConfirmSubscription", "DeleteTopic") },
      { ...confirmation, SubscribeURL: SUBSCRIBE.replace("https", "http") },
    ])
      await confirm(message);
    expect(asked.length).toBe(1);
    documents.clear();
    await expect(confirm(confirmation)).rejects.toMatchObject({ status: 503 });
  });

  test("is of a topic whose ARN is the secret", () => {
    for (const secret of ["aaaa", "arn:aws:sqs:eu-west-1:123456789012:x", `${TOPIC} `, ""])
      expect(() => open(valid.cert, [secret])).toThrow(SchemeError);
  });
});
