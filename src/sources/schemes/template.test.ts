/** What may be signed, and that nothing can be moved from one signed part into another. */

import { describe, expect, test } from "bun:test";
import { fc } from "../../../tests/property.ts";
import { AT, FORM, HMAC, HOOK, hmac, request, type Sent, whyOf } from "../../../tests/signed-requests.ts";
import { type GenericScheme, genericScheme } from "./generic.ts";
import { SchemeError } from "./proof.ts";

describe("templates", () => {
  const at = (signed: string, text: string | Uint8Array, sent: Sent, more: Partial<GenericScheme> = {}) => {
    const scheme = genericScheme({ ...HMAC, signed, ...more }, ["s"]);
    return whyOf(scheme, { ...sent, headers: { ...sent.headers, "X-Signature": hmac(text) } });
  };
  const body = '{"a":{"b":true},"c":"d"}';

  test("every part of a request may be signed", () => {
    const digest = (encoding: "hex" | "base64") =>
      new Bun.CryptoHasher("sha256").update(body).digest(encoding);
    const url = `${HOOK}?q=1`;
    expect(
      at(
        "{method} {path} {query.q} {header.x-h} {json.a.b} {json.none} {sha256(body)}",
        `POST /in 1 h true  ${digest("hex")}`,
        { body, url, headers: { "X-H": "h" } },
      ),
    ).toBe("proven");
    expect(at("{sha256(body) base64}", digest("base64"), { body })).toBe("proven");
    const bytes = new Bun.CryptoHasher("sha256").update(body).digest();
    expect(
      at("{url}\n{sha256(body) bytes}", Buffer.concat([Buffer.from(`${url}\n`), bytes]), { body, url }),
    ).toBe("proven");
    // The check value of CRC-32: https://reveng.sourceforge.io/crc-catalogue/all.htm
    expect(at("{crc32(body)}", String(0xcbf43926), { body: "123456789" }, { covers_body: false })).toBe(
      "proven",
    );
    expect(at("{url}{parameters}", `${HOOK}a1a2b x`, { body: "b=+x&a=2&a=1&a=2", headers: FORM })).toBe(
      "proven",
    );
    expect(at("{url}{parameters}", HOOK, { body: "x" })).toBe(
      "the parameters are signed, and the body is no form",
    );
    // Nobody would have signed the files that stand beside them.
    const multipart = {
      body: '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--',
      headers: { "Content-Type": "multipart/form-data; boundary=b" },
    };
    expect(at("{url}{parameters}", `${HOOK}a1`, multipart)).toBe(
      "the parameters are signed, and the body is no form",
    );
    expect(at("{form.a}", "1", multipart, { covers_body: false })).toBe("proven");
    expect(at("{header.x-h}.{body}", ".x", { body: "x" })).toBe(
      "the header X-H that is signed is missing".replace("X-H", "x-h"),
    );
    for (const signed of ["{crc32(body)}", "{json.a}", "{timestamp}", "{url}"])
      expect(() => genericScheme({ ...HMAC, signed, timestamp_header: "T" }, [])).toThrow(SchemeError);
  });

  test("the body is covered only by what nobody can imitate", () => {
    const covers = (signed: string) =>
      genericScheme({ ...HMAC, signed, covers_body: false, weak: true }, []).coversBody;
    for (const signed of ["{body}", "{sha256(body)}", "{md5(body) bytes}", "{parameters}"])
      expect(covers(signed)).toBe(true);
    for (const signed of ["{crc32(body)}", "{json.a}", "{url}", "x"]) expect(covers(signed)).toBe(false);
  });

  test("characters can't be moved from one signed part into its neighbour", () => {
    const joined = "{header.x-id}{body}";
    const x = { headers: { "X-Id": "id1" } };
    expect(at(joined, `id1${body}`, { ...x, body })).toBe("proven");
    const unclear = "the body stands beside another signed part, and nothing tells where one ends";
    expect(at(joined, `id1${body}`, { headers: { "X-Id": "id" }, body: `1${body}` })).toBe(unclear);
    expect(
      at(joined, `id1${body}`, { headers: { "X-Id": `id1${body.slice(0, 3)}` }, body: body.slice(3) }),
    ).toMatch(/holds white space, brackets or quotes/);
    expect(at("{body}{header.x-id}", `${body}id1`, { ...x, body })).toBe("proven");
    expect(at("{body}{header.x-id}", `${body}id1`, { headers: { "X-Id": "d1" }, body: `${body}i` })).toBe(
      unclear,
    );
    const url = `${HOOK}?a=1`;
    expect(at("{url}{body}", `${url}${body}`, { url, body })).toBe("proven");
    expect(at("{url}{body}", `${url}${body}`, { url: `${url}{"a":`, body: body.slice(5) })).toMatch(
      /no URL has/,
    );
    expect(at("{url}{body}", `${url}${body}`, { url: HOOK, body: `?a=1${body}` })).toBe(unclear);
    expect(at("{url}{body}", `${url}${body}`, { url: `${HOOK}?a=`, body: `1${body}` })).toBe(unclear);
    expect(() => genericScheme({ ...HMAC, signed: "{header.a}{query.b}.{body}" }, [])).toThrow(
      /nobody could say where one ends/,
    );
  });

  test("whatever is moved between signed parts, the signature no longer holds", () => {
    const text = fc.stringMatching(/^[a-z0-9.|{}"]{0,8}$/);
    const template = fc.constantFrom(
      "{id}{body}",
      "{body}{id}",
      "{id}.{body}",
      "{id}|{nonce}|{body}",
      "{id}{timestamp}{body}",
      "{url}{body}",
    );
    fc.assert(
      fc.property(
        template,
        text,
        text,
        text,
        text,
        text,
        text,
        (signed, id, nonce, sent, otherId, otherNonce, other) => {
          const scheme = genericScheme(
            {
              ...HMAC,
              signed,
              id_header: "I",
              nonce_header: "N",
              ...(signed.includes("time") && { timestamp_header: "T" }),
            },
            ["s"],
          );
          const requestOf = (i: string, n: string, b: string): Sent => ({
            headers: { I: i, N: n, T: "1600000000" },
            body: b,
            url: `${HOOK}?${i}`,
          });
          const bytes = (given: Sent) => {
            const headers = given.headers ?? {};
            return signed
              .replace("{id}", () => headers["I"] ?? "")
              .replace("{nonce}", () => headers["N"] ?? "")
              .replace("{timestamp}", "1600000000")
              .replace("{url}", () => given.url ?? "")
              .replace("{body}", () => String(given.body));
          };
          const [one, two] = [requestOf(id, nonce, sent), requestOf(otherId, otherNonce, other)];
          // Every other way to cut the bytes of the first one.
          const whole = `${id}${sent}`;
          const cuts =
            signed.includes("nonce") || signed.includes(".")
              ? [two]
              : Array.from({ length: whole.length + 1 }, (_, at) =>
                  signed === "{body}{id}"
                    ? requestOf(`${sent}${id}`.slice(at), nonce, `${sent}${id}`.slice(0, at))
                    : requestOf(whole.slice(0, at), nonce, whole.slice(at)),
                );
          const holding = [one, ...cuts].filter((given) => {
            if (bytes(given) !== bytes(one)) return false;
            const headers = { ...given.headers, "X-Signature": hmac(bytes(one)) };
            return scheme.verify(request({ ...given, headers }), AT).proven;
          });
          const bodies = new Set(holding.map((given) => String(given.body)));
          expect(bodies.size).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
