/** What each provider sent, made anew for a receiver that takes it for that provider. */
import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { openSource, type SourceConfig } from "../../src/sources/open-source.ts";
import { openOriginal, originalMistake } from "../../src/sources/original.ts";
import type { ProviderCase } from "./case.ts";
import { ownCases, signedCase } from "./own-cases.ts";

const RECEIVER = "https://app.example.com/hooks/x?key=1";
const HOUR_MS = 3_600_000;

const configOf = ({ provider, secret, url, config, scheme }: ProviderCase): SourceConfig => ({
  ...{ kind: provider, secret: [secret].flat(), public_url: url, ...config },
  ...(scheme !== undefined && { scheme }),
});

/** As it is handed on an hour later, and whether a receiver with this secret takes it. */
function handedOn(given: ProviderCase) {
  const config = configOf(given);
  const source = openSource("source", config);
  const now = Date.parse(given.now ?? "2026-03-01T12:00:00Z");
  const { method, url, headers } = given;
  const request = { method, url, headers: new Headers(headers), body: Buffer.from(given.body) };
  const proof = source.verify(request, now);
  if (!proof.proven) throw new Error(proof.why);
  const { post } = source.intakeOf(request, proof, now).intake;
  if (post === undefined) throw new Error("no post");
  const own = { ...config, public_url: RECEIVER };
  const made = openOriginal("source", own)(post, RECEIVER, now + HOUR_MS);
  const asked = {
    ...{ method: "POST", headers: new Headers(made.headers), body: made.body },
    url: made.query === undefined ? RECEIVER : `${RECEIVER}&${made.query}`,
  };
  return { made, verdict: openSource("receiver", own).verify(asked, now + HOUR_MS) };
}

const CASES = Object.values(ownCases())
  .flat()
  .filter(({ expected: { verdict } }) => verdict === "accept")
  .filter((given) => originalMistake(openSource("source", configOf(given))) === undefined);

test.each(CASES)(
  "$provider, $id: a receiver takes it for its provider's, now and at its own URL",
  (given) => {
    const { made, verdict } = handedOn(given);
    expect(verdict).toMatchObject({ proven: true });
    if (given.method === "POST") expect(Buffer.from(made.body).toString()).toBe(given.body);
  },
);

describe("what is signed beside the time stays the provider's, by which receivers drop doubles", () => {
  test.each([
    ["twitch", "twitch-eventsub-message-id"],
    ["standard-webhooks", "webhook-id"],
  ])("%s: %s", (preset, header) => {
    const given = signedCase(preset) as ProviderCase;
    const { made } = handedOn(given);
    expect(made.headers[header]).toBe(new Headers(given.headers).get(header) ?? "missing");
  });

  test("a header that a scheme of the operator's signs", () => {
    const [secret, body] = ["a secret of the source", '{"text":"x"}'];
    const mac = createHmac("sha256", secret).update(`orders ${body}`).digest("hex");
    const scheme = {
      algorithm: "hmac-sha256",
      encoding: "hex",
      header: "X-Mac",
      signed: "{header.X-Topic} {body}",
    };
    const { made, verdict } = handedOn({
      ...{ id: "", title: "", provider: "generic", secret, body, now: null, method: "POST", url: RECEIVER },
      ...{ config: { scheme, keep_headers: ["X-Topic"] }, headers: { "X-Topic": "orders", "X-Mac": mac } },
      expected: { verdict: "accept", status: 200, records: [], events: [] },
    });
    expect(verdict).toMatchObject({ proven: true });
    expect(made.headers["x-topic"]).toBe("orders");
  });
});
