/**
 * What `postern verify` says of a request that was signed in another way than the configuration of
 * a generic source says: by another key or algorithm, in another place or encoding, of another
 * text.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { createHash, createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { postern } from "./postern.ts";

const folder = newFolder();
afterAll(() => folder.remove());

const AT = "2026-03-01T12:00:00Z";
const SECONDS = String(Date.parse(AT) / 1000);
const SECRET = "hush-a-secret-of-the-lighthouse";
const BODY = '{"id":"e1","lamp":"on"}';
const JSON_TYPE = { "Content-Type": "application/json" };
const FORM_TYPE = { "Content-Type": "application/x-www-form-urlencoded" };
const mac = (text: string, key: string | Buffer = SECRET, algorithm = "sha256") =>
  createHmac(algorithm, key).update(text);

type Encoding = "hex" | "base64" | "base64url";
interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: string;
}

let files = 0;
/** `source` is said of the source `own`; the others stand beside it. */
async function verify(source: object, sent: Sent, others: object = {}, more: readonly string[] = []) {
  const config = join(folder.path, `${++files}.yaml`);
  const own = { kind: "generic", ...source };
  await Bun.write(config, JSON.stringify({ sources: { own, ...others } }));
  const target = `/webhook/own${sent.query === undefined ? "" : `?${sent.query}`}`;
  const headers = Object.entries({ Host: "in.example", "User-Agent": "lamp/1", ...sent.headers });
  const lines = [`POST ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const stdin = Buffer.from(`${lines.join("\r\n")}\r\n\r\n${sent.body ?? BODY}`);
  const ran = await postern(["verify", "--config", config, "--source", "own", "--at", AT, ...more, "-"], {
    stdin,
  });
  expect(ran.stdout + ran.stderr).not.toContain("hush");
  const said = (label: string) =>
    ran.stdout
      .split("\n")
      .flatMap((line) => (line.startsWith(`${label} `) ? [line.slice(label.length).trim()] : []));
  return { ...ran, why: said("refused"), hints: said("hint") };
}

async function hintsFor(source: object, sent: Sent, others?: object): Promise<readonly string[]> {
  const { code, stderr, hints } = await verify(source, sent, others);
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  return hints;
}

const hmacSource = (scheme: object = {}, secret = SECRET) => ({
  secret,
  scheme: { header: "X-Sign", algorithm: "hmac-sha256", encoding: "hex", signed: "{body}", ...scheme },
});
const signed = (value: string, more: object = {}): Sent => ({
  headers: { ...JSON_TYPE, "X-Sign": value, ...more },
});

describe("a signature stands in another place", () => {
  const value = mac(BODY).digest("hex");
  const holds = (how: string) => [`the signature holds when it is taken from the ${how}`];

  test("it stands in a header of another name, behind a prefix", async () => {
    const sent = { headers: { ...JSON_TYPE, "X-Sign": "lamp-7", "X-Lamp-Signature": `sha256=${value}` } };
    expect(await hintsFor(hmacSource(), sent)).toEqual(
      holds("header x-lamp-signature (header), written in hex after sha256="),
    );
  });

  test("it stands in a header of another name, and none has the configured one", async () => {
    expect(await hintsFor(hmacSource(), { headers: { "X-Lamp-Signature": value } })).toEqual(
      holds("header x-lamp-signature (header), written in hex without a prefix"),
    );
  });

  test("it stands in a header of another name, as one of several with versions", async () => {
    const list = `t=${SECONDS},v1=${"0".repeat(64)},v2=${value}`;
    expect(await hintsFor(hmacSource(), { headers: { "X-Lamp": list } })).toEqual(
      holds('header x-lamp (header), written in hex, one of several apart by ",", as v2=… (version)'),
    );
  });

  test("it stands in the query", async () => {
    // Of this body base64 and base64url differ.
    const body = '{"id":"e4"}';
    const query = `sig=${mac(body).digest("base64url")}`;
    expect(await hintsFor(hmacSource({ encoding: "base64" }), { query, body })).toEqual(
      holds("query parameter sig (query), written in base64url without a prefix"),
    );
  });

  test("it stands in a form, whose fields besides it are signed", async () => {
    const sent = { headers: FORM_TYPE, body: `stamp=${SECONDS}&sig=${mac(SECONDS).digest("hex")}` };
    const source = hmacSource({ signed: "{form.stamp}", covers_body: false });
    expect(await hintsFor(source, sent)).toEqual(
      holds("form field sig (form), written in hex without a prefix"),
    );
  });

  test("it stands in the JSON, and what it signs is a time and a token beside it", async () => {
    const signature = { timestamp: SECONDS, token: "tk-1", signature: mac(`${SECONDS}tk-1`).digest("hex") };
    const sent = { headers: JSON_TYPE, body: JSON.stringify({ signature, "event-data": { id: "1" } }) };
    expect(await hintsFor(hmacSource(), sent)).toEqual([
      'the signature holds when it is taken from the JSON member signature.signature (json), written in hex without a prefix; and at once: the signature holds when what is signed is "{timestamp}{id}" (signed, id: json signature.token, timestamp: json signature.timestamp, covers_body: false)',
    ]);
  });
});

describe("a signature or a secret is written in another way", () => {
  test.each<[string, Encoding, string, string]>([
    ["hex", "base64", "", "in base64 without a prefix"],
    ["base64", "hex", "sha256=", "in hex after sha256="],
    ["base64", "base64url", "", "in base64url without a prefix"],
    ["hex", "hex", "SHA256=", "in hex after SHA256="],
  ])("it is configured as %s and written as %s after '%s'", async (encoding, written, prefix, how) => {
    // Of this body base64 and base64url differ.
    const body = '{"id":"e4"}';
    const sent = signed(prefix + mac(body).digest(written));
    expect(await hintsFor(hmacSource({ encoding }), { ...sent, body })).toEqual([
      `the signature holds when it is written ${how}`,
    ]);
  });

  const key = Buffer.from("hush-twenty-four-bytes-k");
  const lines = "hush-first\\nhush-second";
  test.each<[string, object, string, string | Buffer, string]>([
    ["base64", {}, key.toString("base64"), key, "when the secret is read as base64"],
    ["hex", {}, key.toString("hex"), key, "when the secret is read as hex"],
    ["whsec_", {}, `whsec_${key.toString("base64")}`, key, "when the secret is read as base64 after whsec_"],
    [
      "v1,whsec_",
      {},
      `v1,whsec_${key.toString("base64")}`,
      key,
      "when the secret is read as base64 after whsec_",
    ],
    [
      "the text itself",
      { secret_encoding: "base64" },
      key.toString("base64"),
      key.toString("base64"),
      "when the secret is read as utf8",
    ],
    ["lines", {}, lines, lines.replace("\\n", "\n"), "when each \\n in the secret is a newline"],
    ["capitals", {}, "HUSH-CAPITALS", "hush-capitals", "when the secret is in lower case"],
  ])("its secret is %s", async (_, scheme, secret, used, how) => {
    const sent = signed(mac(BODY, used).digest("hex"));
    const found = await hintsFor(hmacSource(scheme, secret), sent);
    expect(found).toEqual([`the signature holds ${how}`]);
  });
});

describe("a signature is of another method or text", () => {
  test.each(["sha1", "sha384", "sha512", "md5"])("it is by HMAC with %s", async (algorithm) => {
    const weak = algorithm === "md5" ? ", with weak: true" : "";
    expect(await hintsFor(hmacSource(), signed(mac(BODY, SECRET, algorithm).digest("hex")))).toEqual([
      `the signature holds by hmac-${algorithm} (algorithm${weak})`,
    ]);
  });

  const TIMED = { timestamp_header: "X-Time", signed: "{timestamp}|{body}" };
  test.each<[string, string]>([
    ["{body}", BODY],
    ["{timestamp}.{body}", `${SECONDS}.${BODY}`],
    ["{timestamp}{body}", `${SECONDS}${BODY}`],
    ["v0:{timestamp}:{body}", `v0:${SECONDS}:${BODY}`],
    ["{url}{body}", `https://in.example/webhook/own${BODY}`],
    ["{method}{url}{body}{timestamp}", `POSThttps://in.example/webhook/own${BODY}${SECONDS}`],
    ["{timestamp}", SECONDS],
  ])("what is signed is %s", async (template, text) => {
    const source = { ...hmacSource(TIMED), public_url: "https://in.example/webhook/own" };
    const more = template === "{timestamp}" ? ", covers_body: false" : "";
    expect(await hintsFor(source, signed(mac(text).digest("hex"), { "X-Time": SECONDS }))).toEqual([
      `the signature holds when what is signed is "${template}" (signed${more})`,
    ]);
  });

  test("what is signed holds a time and an identifier that the configuration says nothing of", async () => {
    const value = mac(`d-1.${SECONDS}.${BODY}`).digest("hex");
    expect(
      await hintsFor(hmacSource(), signed(value, { "X-Time": SECONDS, "X-Delivery-Id": "d-1" })),
    ).toEqual([
      'the signature holds when what is signed is "{id}.{timestamp}.{body}" (signed, id: header x-delivery-id, timestamp: header x-time)',
    ]);
  });

  test("what is signed has its time in a part of the signature's header", async () => {
    const value = `t=${SECONDS},v1=${mac(`${SECONDS}.${BODY}`).digest("hex")}`;
    const source = hmacSource({ separator: ",", version: "v1", version_separator: "=" });
    expect(await hintsFor(source, signed(value))).toEqual([
      'the signature holds when what is signed is "{timestamp}.{body}" (signed, timestamp_part: t)',
    ]);
  });

  test("what is signed has its time in milliseconds", async () => {
    const value = mac(`${SECONDS}000.${BODY}`).digest("hex");
    const source = hmacSource({ timestamp_header: "X-Time", signed: "{timestamp}.{body}" });
    const [hint] = await hintsFor(source, signed(value, { "X-Time": `${SECONDS}000` }));
    expect(hint).toEndWith("(signed, timestamp: header x-time, timestamp_format: ms)");
  });

  test("it is a plain hash of the secret and the body", async () => {
    const value = createHash("sha256")
      .update(SECRET + BODY)
      .digest("hex");
    expect(await hintsFor(hmacSource(), signed(value))).toEqual([
      'the signature holds when what is signed is "{secret}{body}" (signed, algorithm: sha256)',
    ]);
  });

  test("two things are wrong in an old capture, and all three are told", async () => {
    const then = String(Number(SECONDS) - 86_400);
    const value = mac(`${then}.${BODY}`, SECRET, "sha512").digest("hex");
    const source = hmacSource({ timestamp_header: "X-Time", signed: "{timestamp}{body}" });
    const [hint = ""] = await hintsFor(source, signed(value, { "X-Time": then }));
    expect(hint.split("; and at once: ")).toEqual([
      expect.stringMatching(/^the signature holds at 2026-02-28T12:00:00/),
      'the signature holds when what is signed is "{timestamp}.{body}" (signed)',
      "the signature holds by hmac-sha512 (algorithm)",
    ]);
  });
});

describe("a public key is another one", () => {
  const ed25519 = generateKeyPairSync("ed25519");
  const live = generateKeyPairSync("ed25519");
  const rawOf = (key: KeyObject) => Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
  const derOf = (key: KeyObject) => key.export({ format: "der", type: "spki" });
  const scheme = { header: "X-Sign", algorithm: "ed25519", encoding: "hex", signed: "{body}" };
  const byLive = signed(sign(null, Buffer.from(BODY), live.privateKey).toString("hex"));
  const secret = rawOf(ed25519.publicKey).toString("hex");

  test("it is the key of another environment, which another source has", async () => {
    const other = {
      kind: "generic",
      secret: rawOf(live.publicKey).toString("base64"),
      scheme: { ...scheme, header: "X" },
    };
    expect(await hintsFor({ secret, scheme }, byLive, { live: other })).toEqual([
      "it holds by the secret of the source live",
    ]);
  });

  test("it is one that nobody has, which the hint says for an unchanged request alone", async () => {
    expect(await hintsFor({ secret, scheme }, byLive)).toEqual([
      "no other body, URL, clock or reading of the configuration that was tried makes it hold",
      "if it came unchanged, another key signed it: of another application, or another environment",
    ]);
  });

  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ofEc = { ...scheme, algorithm: "ecdsa-p256-sha256" };
  const pem = (key: KeyObject) => String(key.export({ format: "pem", type: "pkcs8" }));
  test.each<[string, object, string, RegExp]>([
    [
      "an application's identifier",
      scheme,
      "1147938210039402526",
      /identifier, such as that of an application/,
    ],
    ["a private key", scheme, pem(ed25519.privateKey), /private key, which nobody but the sender may have/],
    ["a key that is cut", scheme, secret.slice(0, 60), /is it cut\?/],
    ["a key that is cut in DER", ofEc, derOf(ec.publicKey).toString("base64").slice(0, 80), /is it cut\?/],
    ["hexadecimal of DER", ofEc, derOf(ec.publicKey).toString("hex"), /hexadecimal: it takes base64/],
    [
      "another kind of key",
      ofEc,
      derOf(live.publicKey).toString("base64"),
      /key of Ed25519: it takes one of ECDSA/,
    ],
  ])("it is %s, which is a mistake in the configuration", async (_, ofKey, given, why) => {
    const ran = await verify({ secret: given, scheme: ofKey }, byLive);
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toMatch(why);
    expect(ran.stderr).not.toContain(given.slice(0, 30));
  });

  test("it is right, also as PEM whose newlines are written as \\n", async () => {
    const text = String(live.publicKey.export({ format: "pem", type: "spki" })).replaceAll("\n", "\\n");
    expect(await verify({ secret: text, scheme }, byLive)).toMatchObject({ code: 0 });
  });
});

describe("a token is another one", () => {
  const source = (scheme: object, secret = SECRET) => ({ secret, scheme: { covers_body: false, ...scheme } });
  const basic = `Basic ${Buffer.from("hush-user:hush-password").toString("base64")}`;
  test.each<[string, object, Sent, string]>([
    [
      "in the query",
      source({ header: "X-Token", algorithm: "token" }),
      { query: `key=${SECRET}` },
      "when it is taken from the query parameter key (query)",
    ],
    [
      "in another header",
      source({ header: "X-Token", algorithm: "token" }),
      { headers: { "X-Token": "lamp", "X-Key": SECRET } },
      "when it is taken from the header x-key (header)",
    ],
    [
      "in the JSON",
      source({ header: "X-Token", algorithm: "token" }),
      { headers: JSON_TYPE, body: JSON.stringify({ auth: { token: SECRET } }) },
      "when it is taken from the JSON member auth.token (json)",
    ],
    [
      "with Bearer before it",
      source({ header: "Authorization", algorithm: "token" }),
      { headers: { Authorization: `Bearer ${SECRET}` } },
      "with Bearer before the secret",
    ],
    [
      "with Bearer twice",
      source({ algorithm: "bearer" }),
      { headers: { Authorization: `Bearer Bearer ${SECRET}` } },
      "with Bearer twice before the secret",
    ],
    [
      "without the Bearer that the secret has",
      source({ header: "Authorization", algorithm: "token" }, `Bearer ${SECRET}`),
      { headers: { Authorization: SECRET } },
      "when Bearer before the secret is left out",
    ],
    [
      "user:password, which is sent as base64",
      source({ header: "Authorization", algorithm: "token" }, "hush-user:hush-password"),
      { headers: { Authorization: basic } },
      "when the secret, user:password, is written as Basic and its base64",
    ],
    [
      "base64 without Basic",
      source({ header: "Authorization", algorithm: "token" }, basic.slice("Basic ".length)),
      { headers: { Authorization: basic } },
      "with Basic before the secret",
    ],
  ])("it is %s", async (_, given, sent, how) => {
    expect(await hintsFor(given, sent)).toEqual([`the token holds ${how}`]);
  });
});

describe("a request says other things of its proof", () => {
  const token = (claims: object, head: object = { alg: "RS256", kid: "k1" }) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    return { headers: { Authorization: `Bearer ${part(head)}.${part(claims)}.${"x".repeat(342)}` } };
  };
  const exp = Number(SECONDS) + 60;
  const [iss, aud] = ["https://id.example", "https://in.example"];
  const source = {
    secret: aud,
    scheme: { algorithm: "jwt-rs256", issuer: iss, claims: { email: "lamp@id.example" }, covers_body: false },
  };
  test.each<[string, Sent, string, string]>([
    [
      "audience",
      token({ iss, aud: "https://other.example", exp }),
      "for another audience than the secret",
      'aud "https://other.example"',
    ],
    [
      "issuer",
      token({ iss: "https://else.example", aud, exp }),
      "issuer is not https://id.example",
      'iss "https://else.example"',
    ],
    ["claims", token({ iss, aud, exp, email: "x@id.example" }), "email is not lamp@id.example", `exp ${exp}`],
    [
      "family",
      token({ iss, aud, exp }, { alg: "ES256", kid: "k2" }),
      "algorithm is ES256, not one of RS256",
      'kid "k2"',
    ],
  ])("a token's %s is told in words, and what it says itself", async (_, sent, why, words) => {
    const found = await verify(source, sent);
    expect(found.why[0]).toContain(why);
    expect(found.hints[1]).toStartWith("the token itself says: alg ");
    expect(found.hints[1]).toContain(words);
  });

  test("a certificate is at another host, which is named", async () => {
    const sent = {
      headers: {
        "PAYPAL-TRANSMISSION-SIG": "AAAA",
        "PAYPAL-TRANSMISSION-ID": "1",
        "PAYPAL-TRANSMISSION-TIME": AT,
        "PAYPAL-CERT-URL": "https://api.paypal.example/v1/notifications/certs/C",
      },
    };
    const found = await verify({ preset: "paypal", secret: "WH-1" }, sent);
    expect(found.why).toEqual(["the header PAYPAL-CERT-URL is at no host of certificate_hosts"]);
    expect(found.hints[1]).toBe("the request names a certificate at api.paypal.example");
  });
});
