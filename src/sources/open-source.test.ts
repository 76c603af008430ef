import { describe, expect, test } from "bun:test";
import { fc } from "../../tests/property.ts";
import { AT, HOOK, Rig, trialMessage } from "../../tests/sources.ts";
import { KINDS } from "./kinds.ts";
import { openSource } from "./open-source.ts";
import { SchemeError } from "./schemes/proof.ts";

/** What a kind can't do without. */
const NEEDS: Readonly<Record<string, object>> = { generic: { preset: "line" } };

describe.each(Object.keys(KINDS))("the kind %s", (kind) => {
  const rig = new Rig(kind, { ...NEEDS[kind] });
  const secrets = (secret: string | string[]) => () =>
    openSource("src", { kind, secret, public_url: HOOK, ...NEEDS[kind] });

  test("each kind accepts the trials that it makes, and keeps one message of each", () => {
    fc.assert(
      fc.property(trialMessage, (message) => {
        const trial = rig.source.trial(message, HOOK, AT);
        const headers = new Headers(trial?.headers);
        const { messages, events } = rig.kept({
          method: "POST",
          headers,
          body: trial?.body as Uint8Array,
          url: HOOK,
        });
        expect([messages.length, events.length]).toEqual([1, 0]);
        expect(messages[0]?.text).toBe(message.text || null);
      }),
    );
  });

  test("each kind keeps something of any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const { messages, events } = rig.kept(rig.signed(bytes, {}));
        expect(messages.length + events.length).toBe(1);
      }),
    );
  });

  test("each kind has no blank secret among its secrets, and needs one", () => {
    for (const secret of ["", " ", "\n"]) {
      expect(secrets(secret)).toThrow(SchemeError);
      expect(secrets(["good", secret])).toThrow(/blank/);
    }
    expect(secrets([])).toThrow(/needs a secret/);
    expect(secrets(["new", "old"])).not.toThrow();
  });

  test("each kind accepts what any of its secrets signed, and nothing else", () => {
    const request = rig.signed("{}", {});
    const proves = (secret: string[]) => secrets(secret)().verify(request, AT).proven;
    expect([["a secret for tests"], ["new", "a secret for tests"], ["new"]].map(proves)).toEqual([
      true,
      true,
      false,
    ]);
  });
});

test("only kinds that there are can be opened", () => {
  for (const kind of ["", "constructor", "__proto__", "toString", "Meta"])
    expect(() => openSource("src", { kind, secret: "s" })).toThrow(/there is no kind/);
});

test("a provider that signs its URL needs to be told of it", () => {
  const scheme = { header: "X", algorithm: "hmac-sha256", encoding: "hex", signed: "{url}{body}" };
  for (const config of [
    { kind: "twilio" },
    { kind: "generic", preset: "messagebird" },
    { kind: "generic", scheme },
  ])
    expect(() => openSource("src", { ...config, secret: "s" })).toThrow(/public_url/);
});

test("the URL that is signed is the public one, with the query that came", () => {
  const source = openSource("src", { kind: "twilio", secret: "s", public_url: "https://x.example/in?foo=1" });
  expect([source.signedUrl("/p", ""), source.signedUrl("/p", "a=%20b")]).toEqual([
    "https://x.example/in",
    "https://x.example/in?a=%20b",
  ]);
  expect(openSource("src", { kind: "meta", secret: "s" }).signedUrl("/p", "a=1")).toBe("/p?a=1");
});
