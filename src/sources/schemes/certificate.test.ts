import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { newAuthority } from "../../../tests/deliver/certificates.ts";
import { newPublisher } from "../../../tests/keys/publisher.ts";
import { fc } from "../../../tests/property.ts";
import { paypal } from "../presets/paypal.ts";
import type { GenericScheme } from "./generic.ts";
import { genericScheme } from "./generic.ts";
import { SchemeError } from "./proof.ts";

const WEBHOOK = "9XL90610J3647323C";
const CERTIFICATE = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77";
const NOW = Date.now();
const BODY = '{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}';

const signer = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const authority = newAuthority();
const valid = authority.issue("messageverificationcerts.paypal.com", "valid", signer).cert;

/** As PayPal documents it: four parts and bars between them, the last a CRC-32 in decimal. */
function signed(body: string, { webhook = WEBHOOK, key = signer.privateKey, url = CERTIFICATE } = {}) {
  const id = "d938e770-8046-11e6-8103-6b62a8a99ac4";
  const time = "2016-09-21T22:00:46Z";
  const text = `${id}|${time}|${webhook}|${Bun.hash.crc32(body)}`;
  return {
    "PAYPAL-TRANSMISSION-ID": id,
    "PAYPAL-TRANSMISSION-TIME": time,
    "PAYPAL-TRANSMISSION-SIG": sign("sha256", Buffer.from(text), key).toString("base64"),
    "PAYPAL-CERT-URL": url,
    "PAYPAL-AUTH-ALGO": "SHA256withRSA",
  };
}

function open(change: Partial<GenericScheme> = {}, certificate = valid) {
  const publisher = newPublisher();
  publisher.documents.set(CERTIFICATE, certificate);
  const scheme = genericScheme(
    { ...paypal.options.scheme, ...change } as GenericScheme,
    ["x", WEBHOOK],
    publisher.keys,
  );
  const why = async (headers: Record<string, string>, body = BODY) => {
    const request = {
      method: "POST",
      url: "https://x/",
      headers: new Headers(headers),
      body: Buffer.from(body),
    };
    await scheme.prepare?.(request, NOW);
    const verdict = scheme.verify(request, NOW);
    return verdict.proven ? "proven" : verdict.why;
  };
  return { ...publisher, scheme, why };
}

describe("a signature by a certificate that the request names", () => {
  test("holds as PayPal's does, over its webhook's ID, and no other change of it", async () => {
    const { why, asked, scheme } = open();
    expect(await why(signed(BODY))).toBe("proven");
    expect(scheme.coversBody).toBe(false);
    expect(scheme.sign).toBeUndefined();
    expect(await why(signed(BODY, { webhook: "another's" }))).not.toBe("proven");
    expect(await why(signed(BODY, { key: other.privateKey }))).not.toBe("proven");
    const headers: Record<string, string> = signed(BODY);
    const names = ["PAYPAL-TRANSMISSION-ID", "PAYPAL-TRANSMISSION-TIME", "PAYPAL-TRANSMISSION-SIG"];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.nat(),
        fc.constantFrom("0", "z", "|"),
        async (name, seed, change) => {
          const value = headers[name] ?? "";
          const at = seed % value.length;
          if (value[at] === change) return;
          const text = value.slice(0, at) + change + value.slice(at + 1);
          expect(await why({ ...headers, [name]: text })).not.toBe("proven");
        },
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: BODY.length - 1 }), fc.nat({ max: 6 }), async (at, bit) => {
        const body = Buffer.from(BODY);
        body[at] = (body[at] as number) ^ (1 << bit);
        expect(await why(headers, body.toString("latin1"))).not.toBe("proven");
      }),
    );
    expect(asked).toEqual([CERTIFICATE]);
  });

  test.each([
    CERTIFICATE.replace("https", "http"),
    CERTIFICATE.replace("api.paypal.com", "api.paypal.com.evil.example"),
    CERTIFICATE.replace("api.paypal.com", "evil.example"),
    CERTIFICATE.replace("api.paypal.com", "www.paypal.com"),
    CERTIFICATE.replace("api.paypal.com", "a@api.paypal.com"),
    CERTIFICATE.replace("api.paypal.com", "api.paypal.com@evil.example"),
    CERTIFICATE.replace("api.paypal.com", "api.paypal.com:8443"),
    CERTIFICATE.replace("api.paypal.com", "127.0.0.1"),
    "https://api.paypal.com/v1/notifications/certs/../other",
    "https://api.paypal.com/v1/notifications/certs/%2e%2e/other",
    "https://api.paypal.com/other",
    "certs/CERT-1",
    "",
  ])("isn't looked for at %p", async (url) => {
    const { why, asked } = open();
    expect(await why({ ...signed(BODY), "PAYPAL-CERT-URL": url })).toMatch(/PAYPAL-CERT-URL is/);
    expect(asked).toEqual([]);
  });

  test("isn't asked for on account of a request that is refused whatever its key is", async () => {
    const { why, asked } = open();
    expect(await why({ ...signed(BODY), "PAYPAL-TRANSMISSION-SIG": "" })).not.toBe("proven");
    const { "PAYPAL-TRANSMISSION-ID": _, ...without } = signed(BODY);
    expect(await why(without)).not.toBe("proven");
    expect(asked).toEqual([]);
  });

  test("counts while the certificate does, and is to come again while there is none", async () => {
    const expired = authority.issue("x", "expired", signer).cert;
    expect(await open({}, expired).why(signed(BODY))).toBe("the certificate has expired");
    await expect(open({}, "no certificate").why(signed(BODY))).rejects.toMatchObject({ status: 503 });
  });

  test("is at hosts that are named, one with its port, or a domain's", async () => {
    const url = "https://keys.a.example:8443/c.pem";
    for (const [host, proven] of [
      ["keys.a.example:8443", true],
      ["keys.a.example", false],
      [".a.example:8443", true],
      [".a.example", false],
      ["a.example:8443", false],
    ] as const) {
      const { why, documents } = open({ certificate_hosts: [host] });
      documents.set(url, valid);
      expect([host, (await why(signed(BODY, { url }))) === "proven"]).toEqual([host, proven]);
    }
    for (const host of ["", "*.a.example", "https://a.example", "a.example?x", "A.example", "a b"])
      expect(() => open({ certificate_hosts: [host] })).toThrow(SchemeError);
    expect(() => open({ certificate_hosts: [] })).toThrow(SchemeError);
    expect(() => open({ certificate: "PAYPAL-CERT-URL" })).toThrow(SchemeError);
    expect(() => open({ signed: "{body}" })).toThrow(/needs \{secret\}/);
    expect(() => open({ algorithm: "ed25519" })).toThrow(SchemeError);
  });
});
