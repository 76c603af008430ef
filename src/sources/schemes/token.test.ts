/** What equals a secret, in every place; and trials of every scheme, signed in theirs. */

import { describe, expect, test } from "bun:test";
import { AT, HMAC, HOOK, type Sent, whyOf } from "../../../tests/signed-requests.ts";
import { type GenericScheme, genericScheme } from "./generic.ts";

describe("what proves a sender alone", () => {
  const at = (options: GenericScheme, secret: string, sent: Sent) =>
    whyOf(genericScheme(options, [secret]), sent);

  test("basic takes user and password however they are spelled, bearer its token", () => {
    const basic = { algorithm: "basic" };
    const authorization = (value: string) => ({ headers: { Authorization: value } });
    for (const secret of ["user:pass:word", "Basic dXNlcjpwYXNzOndvcmQ="]) {
      expect(at(basic, secret, authorization("Basic dXNlcjpwYXNzOndvcmQ="))).toBe("proven");
      expect(at(basic, secret, authorization("basic dXNlcjpwYXNzOndvcmQ"))).toBe("proven");
      for (const wrong of [
        "Basic dXNlcjpwYXNzOndvcmR=",
        "Basic dXNlcjpwYXNz",
        "Basic ",
        "user:pass:word",
        "Bearer x",
      ])
        expect(at(basic, secret, authorization(wrong))).toBe("the header Authorization is not the secret");
    }
    expect(at(basic, "a:b", {})).toBe("the header Authorization is missing");
    expect(() => genericScheme(basic, ["user"])).toThrow(/no user:password/);
    for (const secret of ["t0ken", "Bearer t0ken"]) {
      expect(at({ algorithm: "bearer" }, secret, authorization("Bearer t0ken"))).toBe("proven");
      expect(at({ algorithm: "bearer" }, secret, authorization("Bearer t0kem"))).toMatch(/is not the secret/);
    }
  });

  test("a secret beyond ASCII is taken in UTF-8 as in Latin-1", () => {
    const bytes = (encoding: "utf8" | "latin1") => Buffer.from("schlüssel", encoding).toString("latin1");
    for (const algorithm of ["token", "bearer"])
      for (const value of [bytes("utf8"), bytes("latin1")]) {
        const sent = { headers: { "X-Token": algorithm === "token" ? value : `Bearer ${value}` } };
        expect(at({ algorithm, header: "X-Token" }, "schlüssel", sent)).toBe("proven");
        expect(at({ algorithm, header: "X-Token" }, "schlussel", sent)).toMatch(/is not the secret/);
      }
  });

  test("a token may stand anywhere, also in each item, of which all have to hold it", () => {
    expect(at({ query: "token", algorithm: "token" }, "s3", { url: `${HOOK}?token=s3` })).toBe("proven");
    expect(at({ query: "token", algorithm: "token" }, "s3", { url: `${HOOK}?token=s4` })).toBe(
      "the query parameter token is not the secret",
    );
    const graph: GenericScheme = { json: "clientState", algorithm: "token", each: "value" };
    const states = (...all: unknown[]) => ({
      body: JSON.stringify({ value: all.map((clientState) => ({ clientState })) }),
    });
    expect(at(graph, "s3", states("s3", "s3"))).toBe("proven");
    expect(at(graph, "s3", states("s3", "s4"))).toMatch(/is not the secret/);
    expect(at(graph, "s3", states("s3", undefined))).toMatch(/is missing/);
    expect(at(graph, "s3", states())).toBe("the body has no value that could hold the secret");
    expect(genericScheme(graph, ["s3"]).coversBody).toBe(false);
  });
});

test("a trial is signed in its place, and its own scheme takes it", () => {
  const schemes: readonly GenericScheme[] = [
    { ...HMAC, query: "sig", header: undefined } as unknown as GenericScheme,
    {
      json: "s.sig",
      algorithm: "hmac-sha256",
      encoding: "base64url",
      timestamp: "json s.t",
      nonce: "json s.n",
      signed: "{timestamp}{nonce}",
      covers_body: false,
    },
    {
      json: "sig",
      algorithm: "hmac-sha384",
      encoding: "hex",
      each: "items",
      signed: "{json.id}:{json.$.account}",
      covers_body: false,
    },
    { form: "sig", algorithm: "sha256", encoding: "hex", signed: "{form.text}{secret}", covers_body: false },
    { ...HMAC, signed: "{url}{parameters}" },
    { ...HMAC, signed: "{header.x-one}{timestamp}{body}", timestamp: ["header X-Time", "header Old-Time"] },
    { query: "key", algorithm: "token" },
    { json: "clientState", algorithm: "token", each: "value" },
    { algorithm: "bearer" },
    { ...HMAC, timestamp: "json sent.at", timestamp_format: "ms" },
  ];
  for (const options of schemes) {
    const scheme = genericScheme(options, ["s3"]);
    const given = Buffer.from('{"text":"x","account":"a","items":[{"id":"1"},{"id":"2"}]}');
    const made = scheme.sign?.({ body: given, url: HOOK }, AT);
    const headers = new Headers(made?.headers);
    const url = made?.query === undefined ? HOOK : `${HOOK}?${made.query}`;
    const verdict = scheme.verify({ method: "POST", headers, body: made?.body ?? given, url }, AT);
    expect([options, verdict]).toEqual([options, { proven: true }]);
  }
  expect(genericScheme({ ...HMAC, algorithm: "ed25519" }, []).sign).toBeUndefined();
});
