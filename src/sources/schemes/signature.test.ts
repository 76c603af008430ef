/** Signatures of every family, in every place: what others publish, and what must never count. */

import { describe, expect, test } from "bun:test";
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { fc } from "../../../tests/property.ts";
import { AT, FORM, HMAC, HOOK, hmac, request, type Sent, whyOf } from "../../../tests/signed-requests.ts";
import { standardWebhooks } from "../presets/standard-webhooks.ts";
import { type GenericScheme, genericScheme } from "./generic.ts";
import { SchemeError } from "./proof.ts";

const hex = (text: string) => Buffer.from(text, "hex");

describe("what others publish", () => {
  test.each([
    [
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
  ])("the vectors of RFC 8032, section 7.1, hold: %s", (key, message, signature) => {
    const scheme = genericScheme({ ...HMAC, algorithm: "ed25519" }, [key]);
    const sent = { headers: { "X-Signature": signature }, body: hex(message) };
    expect(whyOf(scheme, sent)).toBe("proven");
    expect(whyOf(scheme, { ...sent, body: hex(`${message}00`) })).toBe(
      "no public key holds for this signature",
    );
  });

  /** From the tests of Standard Webhooks' library for Go, whose private key has this public one. */
  const STANDARD = {
    now: 1_614_265_330_000,
    body: '{"test": 2432232314}',
    key: "whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g=",
    headers: (prefix: string, signature: string) => ({
      [`${prefix}-id`]: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      [`${prefix}-timestamp`]: "1614265330",
      [`${prefix}-signature`]: signature,
    }),
    v1: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    v1a: "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==",
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  };

  test("of Standard Webhooks a public key checks v1a, a shared secret v1, and neither the other", () => {
    const at = (secrets: readonly string[], signature: string, prefix = "webhook") =>
      whyOf(
        genericScheme(standardWebhooks.options.scheme, secrets),
        { headers: STANDARD.headers(prefix, signature), body: STANDARD.body },
        STANDARD.now,
      );
    const { key, secret, v1, v1a } = STANDARD;
    expect(at([key], v1a)).toBe("proven");
    expect(at([key], v1)).toMatch(/no signature of the right form/);
    expect(at([secret], v1)).toBe("proven");
    expect(at([secret], v1a)).toMatch(/no signature of the right form/);
    for (const signature of [v1, v1a, `${v1} ${v1a}`]) expect(at([secret, key], signature)).toBe("proven");
    expect(at([secret, key], v1a.replace("tQ9V", "tQ9W"))).toMatch(/no .* this signature/);
    // The same bytes as another version, and a public key as a shared secret.
    expect(at([secret, key], v1a.replace("v1a", "v1"))).not.toBe("proven");
    const forged = new Bun.CryptoHasher("sha256", Buffer.from(key.slice(5), "base64"))
      .update(`msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.${STANDARD.body}`)
      .digest("base64");
    for (const version of ["v1", "v1a"]) expect(at([secret, key], `${version},${forged}`)).not.toBe("proven");
    for (const spelled of [secret, secret.slice(6), `v1,${secret}`]) expect(at([spelled], v1)).toBe("proven");
    expect(at([secret], v1, "svix")).toBe("proven");
  });

  /** From the tests of SendGrid's library for Python. */
  test("SendGrid's published signature holds", () => {
    const scheme = genericScheme(
      {
        header: "X-Twilio-Email-Event-Webhook-Signature",
        algorithm: "ecdsa-p256-sha256",
        timestamp_header: "X-Twilio-Email-Event-Webhook-Timestamp",
        signed: "{timestamp}{body}",
      },
      [
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
      ],
    );
    const body =
      '[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n';
    const headers = {
      "X-Twilio-Email-Event-Webhook-Signature":
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
      "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
    };
    expect(whyOf(scheme, { headers, body }, 1_600_112_502_000)).toBe("proven");
    expect(whyOf(scheme, { headers, body: "payload" }, 1_600_112_502_000)).toMatch(/^no public key/);
    expect(whyOf(scheme, { headers, body }, 1_600_113_502_000)).toMatch(/1000 s old/);
  });

  /** From HubSpot's page on validating requests; it has no sample of v3. */
  test("HubSpot's published hashes of version 1 and 2 hold", () => {
    const scheme = (signed: string) =>
      genericScheme({ header: "X-HubSpot-Signature", algorithm: "sha256", encoding: "hex", signed }, [
        "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
      ]);
    const at = (signed: string, signature: string, sent: Sent) =>
      whyOf(scheme(signed), { headers: { "X-HubSpot-Signature": signature }, ...sent });
    const first =
      '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]';
    const v1 = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de";
    expect(at("{secret}{body}", v1, { body: first })).toBe("proven");
    expect(at("{secret}{body}", v1, { body: `${first} ` })).toBe("no secret made this signature");
    const url = "https://www.example.com/webhook_uri";
    const v2 = "{secret}{method}{url}{body}";
    const post = "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900";
    const get = "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e";
    expect(at(v2, post, { url, body: '{"example_field":"example_value"}' })).toBe("proven");
    expect(at(v2, get, { url, method: "GET" })).toBe("proven");
    expect(at(v2, get, { url, method: "POST" })).toBe("no secret made this signature");
  });

  /** From the tests of Adyen's libraries. */
  test("Adyen's published signature holds for each item, and all items have to hold", () => {
    const fields = ["pspReference", "originalReference", "merchantAccountCode", "merchantReference"];
    const signed = [...fields, "amount.value", "amount.currency", "eventCode", "success"]
      .map((path) => `{json.NotificationRequestItem.${path}}`)
      .join(":");
    const options: GenericScheme = {
      json: "NotificationRequestItem.additionalData.hmacSignature",
      algorithm: "hmac-sha256",
      encoding: "base64",
      secret_encoding: "hex",
      each: "notificationItems",
      signed,
      covers_body: false,
    };
    const key = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
    const scheme = genericScheme(options, [key]);
    const ofOrder7 = () =>
      createHmac("sha256", Buffer.from(key, "hex"))
        .update("7914073381342284::TestMerchant:order:7:1130:EUR:AUTHORISATION:true")
        .digest("base64");
    const item = (merchantReference = "TestPayment-1407325143704", more = {}) => ({
      NotificationRequestItem: {
        additionalData: { hmacSignature: "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=" },
        pspReference: "7914073381342284",
        merchantAccountCode: "TestMerchant",
        amount: { currency: "EUR", value: 1130 },
        eventCode: "AUTHORISATION",
        success: true,
        merchantReference,
        ...more,
      },
    });
    const at = (...items: unknown[]) =>
      whyOf(scheme, { body: JSON.stringify({ live: "false", notificationItems: items }) });
    expect(scheme.coversBody).toBe(false);
    expect(at(item())).toBe("proven");
    expect(at(item(), item())).toBe("proven");
    expect(at(item(), item("Other"))).toBe("no secret made this signature");
    expect(at(item(), {})).toMatch(/hmacSignature is missing/);
    expect(at()).toBe("the body has no notificationItems that could be signed");
    expect(whyOf(scheme, { body: "[1]" })).toBe("the body has no notificationItems that could be signed");
    // Another cut has as many literals: what has none in its values has only one.
    const shifted = {
      merchantAccountCode: "TestMerchant:TestPayment-1407325143704",
      amount: { currency: "AUTHORISATION", value: "EUR" },
      eventCode: "true",
    };
    expect(at(item("1130", { ...shifted, success: undefined }))).toBe("no secret made this signature");
    expect(at(item("order:7", { additionalData: { hmacSignature: ofOrder7() } }))).toBe("proven");
    expect(() => genericScheme({ ...options, covers_body: true }, [])).toThrow(/covers_body: false/);
    expect(() => genericScheme({ ...options, signed: "{body}" }, [])).toThrow(/body that it would sign/);
  });
});

interface Signer {
  readonly secret: string;
  readonly sign: (text: Uint8Array) => Uint8Array;
}

const spki = (key: KeyObject) => key.export({ type: "spki", format: "der" }).toString("base64");
const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();

/** Two of each family: the second one's signatures must never hold for the first. */
const SIGNERS: Readonly<Record<string, readonly [Signer, Signer]>> = (() => {
  const pair = (make: () => Signer): [Signer, Signer] => [make(), make()];
  let made = 0;
  const shared = (digest: "md5" | "sha1" | "sha256" | "sha384" | "sha512") =>
    pair(() => {
      const secret = `secret ${made++}`;
      return { secret, sign: (text) => new Bun.CryptoHasher(digest, secret).update(text).digest() };
    });
  const plain = (digest: "md5" | "sha1" | "sha256" | "sha384" | "sha512") =>
    pair(() => {
      const secret = `secret ${made++}`;
      return { secret, sign: (text) => new Bun.CryptoHasher(digest).update(secret).update(text).digest() };
    });
  const ecdsa = (dsaEncoding: "der" | "ieee-p1363") =>
    pair(() => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      return {
        secret: spki(publicKey),
        sign: (text) => sign("sha256", text, { key: privateKey, dsaEncoding }),
      };
    });
  const rsa = (digest: string) =>
    pair(() => {
      const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      return { secret: pem(publicKey), sign: (text) => sign(digest, text, privateKey) };
    });
  return {
    "hmac-md5": shared("md5"),
    "hmac-sha1": shared("sha1"),
    "hmac-sha256": shared("sha256"),
    "hmac-sha384": shared("sha384"),
    "hmac-sha512": shared("sha512"),
    md5: plain("md5"),
    sha1: plain("sha1"),
    sha256: plain("sha256"),
    sha384: plain("sha384"),
    sha512: plain("sha512"),
    ed25519: pair(() => {
      const { publicKey, privateKey } = generateKeyPairSync("ed25519");
      return { secret: pem(publicKey), sign: (text) => sign(null, text, privateKey) };
    }),
    "ecdsa-p256-sha256": ecdsa("der"),
    "ecdsa-p256-sha256 of r and s": ecdsa("ieee-p1363"),
    "rsa-sha256": rsa("sha256"),
    "rsa-sha1": rsa("sha1"),
  };
})();

describe("every algorithm", () => {
  test.each(Object.keys(SIGNERS))(
    "a request is refused with any bit of its body, header or signature changed, and by any other key: %s",
    (name) => {
      const algorithm = name.split(" ")[0] as string;
      const [right, wrong] = SIGNERS[name] as readonly [Signer, Signer];
      const isHash = /^(md5|sha)/.test(algorithm);
      const options = (encoding: "hex" | "base64" | "base64url"): GenericScheme => ({
        header: "X-Signature",
        algorithm,
        encoding,
        id_header: "X-Id",
        signed: `${isHash ? "{secret}" : ""}{id}|{body}`,
        weak: true,
      });
      const flipped = (bytes: Uint8Array, at: number) => {
        const copy = Buffer.from(bytes);
        const index = (at >> 3) % copy.length;
        copy[index] = (copy[index] as number) ^ (1 << (at & 7));
        return copy;
      };
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: 1, maxLength: 100 }),
          fc.stringMatching(/^[a-z0-9]{1,10}$/),
          fc.constantFrom("hex", "base64", "base64url"),
          fc.nat(),
          (body, id, encoding, at) => {
            const opened = genericScheme(options(encoding), [right.secret]);
            const signature = right.sign(Buffer.concat([Buffer.from(`${id}|`), body]));
            const holds = (
              sent: { body?: Uint8Array; id?: string; signature?: Uint8Array; text?: string },
              scheme = opened,
            ) => {
              const text = sent.text ?? Buffer.from(sent.signature ?? signature).toString(encoding);
              const headers = { "X-Signature": text, "X-Id": sent.id ?? id };
              return scheme.verify(request({ headers, body: sent.body ?? body }), AT).proven;
            };
            expect(holds({})).toBe(true);
            const text = Buffer.from(signature).toString(encoding);
            expect(holds({ text: encoding === "hex" ? text.toUpperCase() : text.replace(/=+$/, "") })).toBe(
              true,
            );
            expect(holds({}, genericScheme(options(encoding), [wrong.secret, right.secret]))).toBe(true);
            expect(holds({ body: flipped(body, at) })).toBe(false);
            expect(holds({ body: body.subarray(1) })).toBe(false);
            expect(holds({ id: `${id}0` })).toBe(false);
            expect(holds({ signature: flipped(signature, at) })).toBe(false);
            expect(holds({ signature: signature.subarray(1) })).toBe(false);
            expect(holds({}, genericScheme(options(encoding), [wrong.secret]))).toBe(false);
          },
        ),
        { numRuns: 30 },
      );
    },
    60_000,
  );

  test("a public key is no shared secret, and a key of another kind or a private one is a mistake that says so", () => {
    const keys = {
      ed25519: generateKeyPairSync("ed25519"),
      rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    };
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey;
    const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const why = (algorithm: string, secret: string) => {
      try {
        genericScheme({ ...HMAC, algorithm, ...(algorithm === "sha256" && { signed: "{secret}{body}" }) }, [
          secret,
        ]);
        return "taken";
      } catch (error) {
        expect(error).toBeInstanceOf(SchemeError);
        return (error as SchemeError).message;
      }
    };
    const raw = (key: KeyObject) => Buffer.from(key.export({ format: "jwk" }).x as string, "base64url");
    const key = raw(keys.ed25519.publicKey);
    for (const secret of [
      key.toString("hex"),
      key.toString("base64"),
      key.toString("base64url"),
      `whpk_${key.toString("base64")}`,
      pem(keys.ed25519.publicKey),
      spki(keys.ed25519.publicKey),
      pem(keys.ed25519.publicKey).replaceAll("\n", "\\n"),
    ])
      expect(why("ed25519", secret)).toBe("taken");
    for (const [algorithm, secret] of [
      ["rsa-sha256", spki(keys.rsa.publicKey)],
      ["ecdsa-p256-sha256", pem(p256.publicKey)],
    ] as const)
      expect(why(algorithm, secret)).toBe("taken");
    for (const algorithm of ["hmac-sha256", "sha256", "token", "basic", "bearer", "jwt-hs256"])
      for (const secret of [
        ...[`whpk_${key.toString("base64")}`, pem(keys.rsa.publicKey), spki(p256.publicKey)],
        pem(keys.rsa.publicKey).replaceAll("PUBLIC KEY", "CERTIFICATE"),
      ])
        expect(why(algorithm, secret)).toMatch(/this is a public key, which everybody knows/);
    expect(why("ed25519", spki(keys.rsa.publicKey))).toBe(
      "this is a public key of RSA: it takes one of Ed25519",
    );
    expect(why("ecdsa-p256-sha256", pem(p384))).toMatch(
      /public key of ec secp384r1: it takes one of ECDSA on P-256/,
    );
    expect(why("rsa-sha256", pem(p256.publicKey))).toMatch(/of ECDSA on P-256: it takes one of RSA/);
    const pkcs8 = p256.privateKey.export({ type: "pkcs8", format: "der" }).toString("base64");
    for (const secret of [
      keys.rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      pkcs8,
      "whsk_AAAA",
    ])
      expect(why("ecdsa-p256-sha256", secret)).toMatch(/^this is a private key/);
    expect(why("ecdsa-p256-sha256", "MFkwEwYHKoZIzj0CAQYI")).toMatch(
      /^this is no public key .* is it cut\?$/,
    );
    expect(why("ed25519", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).toMatch(/this is a shared secret/);
  });

  test("what is weak has to be said, and stays known", () => {
    const weak = { ...HMAC, algorithm: "hmac-md5" };
    expect(() => genericScheme(weak, ["s"])).toThrow(/weak: true/);
    expect(genericScheme({ ...weak, weak: true }, ["s"]).weak).toBe(true);
    expect(genericScheme({ ...HMAC, algorithm: "hmac-sha1" }, ["s"]).weak).toBe(false);
    expect(() => genericScheme({ ...HMAC, signed: "{md5(body)}" }, ["s"])).toThrow(/weak: true/);
    expect(() => genericScheme({ ...HMAC, algorithm: "sha1", signed: "{secret}{body}" }, ["s"])).toThrow(
      /weak/,
    );
    expect(() => genericScheme({ ...HMAC, signed: "{secret}{body}" }, ["s"])).toThrow(/no \{secret\}/);
    expect(() => genericScheme({ ...HMAC, algorithm: "sha256" }, ["s"])).toThrow(
      /unless signed has \{secret\}/,
    );
  });
});

describe("places", () => {
  const at = (options: GenericScheme, sent: Sent, now = AT) =>
    whyOf(genericScheme(options, ["s"]), sent, now);

  test("a signature may stand in the query, a form or the JSON beside what it signs", () => {
    const mailgun: GenericScheme = {
      json: "signature.signature",
      algorithm: "hmac-sha256",
      encoding: "hex",
      timestamp: "json signature.timestamp",
      nonce: "json signature.token",
      signed: "{timestamp}{nonce}",
      covers_body: false,
    };
    const body = (fields: object) =>
      JSON.stringify({
        signature: { timestamp: "1600000000", token: "ab12", signature: hmac("1600000000ab12"), ...fields },
      });
    expect(at(mailgun, { body: body({}) })).toBe("proven");
    expect(at(mailgun, { body: body({ token: "ab13" }) })).toBe("no secret made this signature");
    expect(at(mailgun, { body: body({ token: undefined }) })).toBe("the nonce that is signed is missing");
    expect(at(mailgun, { body: body({ timestamp: "160000000", token: "0ab12" }) })).toMatch(/s old/);
    expect(at(mailgun, { body: body({}) }, AT + 301_000)).toMatch(/301 s old/);
    expect(at(mailgun, { body: "no JSON" })).toBe("the JSON member signature.signature is missing");
    const query: GenericScheme = {
      query: "sig",
      algorithm: "hmac-sha256",
      encoding: "hex",
      signed: "{body}",
    };
    expect(at(query, { body: "x", url: `${HOOK}?a=1&sig=${hmac("x")}` })).toBe("proven");
    expect(at(query, { body: "x" })).toBe("the query parameter sig is missing");
    const form: GenericScheme = {
      form: "sig",
      algorithm: "hmac-sha256",
      encoding: "hex",
      signed: "{form.a}",
      covers_body: false,
    };
    expect(at(form, { body: `a=b+c&sig=${hmac("b c")}`, headers: FORM })).toBe("proven");
    expect(at(form, { body: `a=b+c&sig=${hmac("b c")}` })).toBe("the form field sig is missing");
  });

  test("a timestamp within the signed body is signed, one in a header has to be", () => {
    const linear: GenericScheme = { ...HMAC, timestamp: "json webhookTimestamp", timestamp_format: "ms" };
    const sent = (time: number) => {
      const body = JSON.stringify({ webhookTimestamp: time });
      return { headers: { "X-Signature": hmac(body) }, body };
    };
    expect(at(linear, sent(AT))).toBe("proven");
    expect(at(linear, sent(AT - 301_000))).toMatch(/301 s old/);
    const none = { headers: { "X-Signature": hmac("{}") }, body: "{}" };
    expect(at(linear, none)).toBe("the timestamp is no ms time");
    expect(() => genericScheme({ ...HMAC, timestamp: "header X-Time" }, [])).toThrow(
      /anyone could change it/,
    );
    expect(() => genericScheme({ ...HMAC, timestamp: "query t" }, [])).toThrow(/anyone could change it/);
    expect(() =>
      genericScheme({ ...HMAC, timestamp: "header X-Time", signed: "{header.x-time}.{body}" }, []),
    ).not.toThrow();
  });

  test("of several places the first that is there counts, and a proof stands in one kind of them", () => {
    const options: GenericScheme = {
      ...HMAC,
      header: ["X-New", "X-Old"],
      id: ["header X-Id", "query id"],
      signed: "{id}.{body}",
    };
    const signature = hmac("i1.x");
    expect(at(options, { headers: { "X-Old": signature, "X-Id": "i1" }, body: "x" })).toBe("proven");
    expect(at(options, { headers: { "X-New": signature }, body: "x", url: `${HOOK}?id=i1` })).toBe("proven");
    expect(at(options, { headers: { "X-New": "00", "X-Old": signature, "X-Id": "i1" }, body: "x" })).toMatch(
      /right form/,
    );
    expect(at(options, { body: "x" })).toBe("the header X-New or X-Old is missing");
    expect(() => genericScheme({ ...HMAC, query: "sig" }, [])).toThrow(/stands in one of them/);
    expect(() => genericScheme({ ...HMAC, id: "cookie x" }, [])).toThrow(/is no place/);
    expect(() =>
      genericScheme({ ...HMAC, id: "header A", id_header: "B", signed: "{id}.{body}" }, []),
    ).toThrow(/say one of them/);
  });

  test("a body or query that is too much to be looked at proves nothing", () => {
    const query: GenericScheme = {
      query: "sig",
      algorithm: "hmac-sha256",
      encoding: "hex",
      signed: "{body}",
    };
    expect(at(query, { url: `${HOOK}?${"a&".repeat(2000)}` })).toMatch(/too much to be looked at/);
    const json: GenericScheme = { json: "t", algorithm: "token" };
    expect(at(json, { body: "[".repeat(300) })).toMatch(/too much to be looked at/);
  });
});
