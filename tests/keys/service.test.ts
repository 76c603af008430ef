/** The whole service with sources whose keys others publish, over TLS. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { composeRequest } from "../../src/cli/verify/captured-request.ts";
import { documentFetcher } from "../../src/lib/fetch-document.ts";
import { PublishedKeys } from "../../src/sources/schemes/published-keys.ts";
import { newServer, postern, type Server } from "../cli/postern.ts";
import { newAuthority } from "../deliver/certificates.ts";
import { newReceiver, type Receiver } from "../deliver/receiver.ts";
import { type Folder, newFolder } from "../folder.ts";
import { newService } from "../http/service.ts";
import { steeredClock } from "../steered-clock.ts";
import { until } from "../until.ts";
import { jwkOf, newPublisher, tokenBy } from "./publisher.ts";

const AUDIENCE = "an audience that nobody guesses";
const authority = newAuthority();
const first = generateKeyPairSync("rsa", { modulusLength: 2048 });
const second = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** What is published by path; anything else is 404. */
function publishing(documents: Readonly<Record<string, object>>): Parameters<Receiver["behave"]>[0] {
  return (answer, { path }) => {
    const document = documents[path];
    answer.statusCode = document === undefined ? 404 : 200;
    answer.end(document === undefined ? "none" : JSON.stringify(document));
  };
}

function bearer(members: object = {}, pair = first, kid = "a"): Record<string, string> {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const token = tokenBy(pair.privateKey, { alg: "RS256", kid } as { alg: string }, {
    ...{ aud: AUDIENCE, exp, iss: "https://issuer.example" },
    ...members,
  });
  return { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
}

describe("a service whose sources' keys are published", () => {
  let folder: Folder;
  let publisher: Receiver;
  let server: Server;
  let config: string;
  let env: Record<string, string>;
  let issuer: string;
  const large = JSON.stringify({ text: "x".repeat(40_000) });

  beforeAll(async () => {
    folder = newFolder();
    publisher = await newReceiver({ certificate: authority.issue("localhost") });
    issuer = `https://localhost:${publisher.port}`;
    publisher.behave(
      publishing({
        "/.well-known/openid-configuration": { issuer, jwks_uri: `${issuer}/jwks` },
        "/jwks": { keys: [jwkOf(first.publicKey, { kid: "a" })] },
      }),
    );
    const ca = join(folder.path, "ca.pem");
    config = join(folder.path, "postern.yaml");
    writeFileSync(ca, authority.cert);
    const scheme = { algorithm: "jwt-rs256", allow_private: true };
    const source = (more: object) => ({ kind: "generic", secret: AUDIENCE, scheme: { ...scheme, ...more } });
    const sources = {
      known: source({ issuer }),
      down: source({ jwks_url: `${issuer}/nothing` }),
      closed: source({ jwks_url: `${issuer}/jwks`, allow_private: false }),
      topic: { kind: "generic", preset: "sns", secret: "arn:aws:sns:eu-west-1:123456789012:orders" },
      push: { kind: "generic", preset: "google-pubsub", secret: AUDIENCE },
      paypal: { kind: "generic", preset: "paypal", secret: "9XL90610J3647323C" },
    };
    writeFileSync(config, JSON.stringify({ sources }));
    env = { NODE_EXTRA_CA_CERTS: ca };
    server = await newServer({ env: { ...env, POSTERN_CONFIG: config } });
  });
  afterAll(async () => {
    await server.stop();
    await publisher.close();
    folder.remove();
  });

  const post = (name: string, headers: Record<string, string>, body: string) =>
    fetch(`${server.url}/webhook/${name}`, { method: "POST", headers, body });

  test.each([
    ["small", '{"a":1}'],
    ["large", large],
  ])("takes a %s body with a token of its issuer's, and no other", async (_size, body) => {
    const headers = bearer({ iss: issuer });
    const answer = await post("known", headers, body);
    expect([answer.status, answer.headers.get("postern-result")]).toEqual([200, "ok"]);
    const again = await post("known", bearer({ iss: issuer, jti: "x" }), body);
    expect(again.headers.get("postern-result")).toBe("duplicate");
    const other = await post("known", bearer({ iss: issuer, jti: "x" }), `${body} `);
    expect(other.headers.get("postern-result")).toBe("ok");
    for (const wrong of [bearer(), bearer({ iss: issuer, aud: "x" }), bearer({ iss: issuer }, second)]) {
      const refused = await post("known", wrong, body);
      expect([refused.status, await refused.json()]).toEqual([401, { detail: "invalid signature" }]);
    }
  });

  test.each([
    ["down", "small", '{"a":1}', /answered 404, not 200/],
    ["down", "large", large, /answered 404, not 200/],
    ["closed", "small", '{"a":1}', /not on the public internet/],
  ])(
    "asks to come again where the keys of %s can't be had for a %s body",
    async (name, _size, body, words) => {
      const answer = await post(name, bearer(), body);
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
      expect(answer.headers.get("postern-result")).toBe("overloaded");
      expect(await answer.json()).toEqual({ detail: "the origin can't be verified now" });
      const id = answer.headers.get("x-request-id");
      const line = await until("its log line", () => server.log().find((each) => each["request_id"] === id));
      expect(line).toMatchObject({
        level: "WARN",
        result: "overloaded",
        reason: expect.stringMatching(words),
      });
      // What would be refused whatever its key is, is so without one.
      expect((await post(name, bearer({ aud: "x" }), body)).status).toBe(401);
    },
  );

  test("explains a captured request by the same keys, and says in words that they can't be had", async () => {
    const ran = (name: string, headers: Record<string, string>) =>
      postern(["verify", "--config", config, "--source", name, "-"], {
        env,
        stdin: composeRequest({
          ...{ method: "POST", target: `/webhook/${name}`, headers: Object.entries(headers) },
          body: Buffer.from("{}"),
        }),
      });
    const good = await ran("known", bearer({ iss: issuer }));
    expect([good.code, good.stdout]).toEqual([0, expect.stringMatching(/^accepted/)]);
    const forged = await ran("known", bearer({ iss: issuer }, second));
    expect([forged.code, forged.stdout]).toEqual([1, expect.stringMatching(/no published key made/)]);
    const down = await ran("down", bearer());
    expect(down.code).toBe(1);
    expect(down.stdout).toMatch(/^refused +for now, with 503: the key that it is signed by can't be had/);
    expect(down.stdout).toMatch(/^why +localhost:\d+ answered 404, not 200$/m);
  });

  test("asks nobody to check its configuration", async () => {
    publisher.received.splice(0);
    expect((await postern(["check-config", "--config", config], { env })).code).toBe(0);
    expect(publisher.received).toEqual([]);
  });
});

test("keys that rotate are followed, and a hundred tokens by unknown ones ask once", async () => {
  const clock = steeredClock();
  const publisher = await newReceiver({ certificate: authority.issue("keys.example") });
  const keys = new PublishedKeys(
    clock,
    documentFetcher({ clock, ca: authority.cert, resolve: async () => ["127.0.0.1"] }),
  );
  const scheme = {
    ...{ algorithm: "jwt-rs256", allow_private: true },
    jwks_url: `https://keys.example:${publisher.port}/jwks`,
  };
  const service = await newService(
    {},
    { keys, sources: { x: { kind: "generic", secret: AUDIENCE, scheme } } },
  );
  const statusOf = async (headers: Record<string, string>) =>
    (await service.send("/webhook/x", { method: "POST", headers, body: "{}" })).status;
  try {
    publisher.behave(publishing({ "/jwks": { keys: [jwkOf(first.publicKey, { kid: "a" })] } }));
    expect(await statusOf(bearer())).toBe(200);
    publisher.behave(publishing({ "/jwks": { keys: [jwkOf(second.publicKey, { kid: "b" })] } }));
    const header = bearer({}, second, "b");
    expect(await statusOf(header)).toBe(401);
    clock.advance(30_000);
    expect(await statusOf(header)).toBe(200);
    expect(await statusOf(bearer())).toBe(401);
    expect(publisher.received.length).toBe(2);
    clock.advance(30_000);
    const tokens = Array.from({ length: 100 }, (_, number) => bearer({}, first, `k${number}`));
    const statuses = await Promise.all(tokens.map(statusOf));
    expect(new Set(statuses).difference(new Set([401, 429])).size).toBe(0);
    expect(publisher.received.length).toBe(3);
    // An hour without the publisher, which was known: what it published holds.
    publisher.behave((answer) => answer.destroy());
    for (let minute = 0; minute < 60; minute += 5) {
      clock.advance(300_000);
      expect(await statusOf(header)).toBe(200);
    }
    clock.advance(24 * 60 * 60 * 1000);
    expect(await statusOf(header)).toBe(503);
  } finally {
    await service.stop();
    await publisher.close();
  }
});

test("a subscription of Amazon SNS is confirmed before it is answered, or asked for again", async () => {
  const { keys, documents, asked } = newPublisher();
  const topic = "arn:aws:sns:eu-west-1:123456789012:orders";
  const certificate = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem";
  const subscribe = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${topic}&Token=a`;
  documents.set(certificate, authority.issue("sns.amazonaws.com", "valid", first).cert);
  const message: Record<string, string> = {
    ...{ Type: "SubscriptionConfirmation", MessageId: "m1", Token: "a", TopicArn: topic, Message: "Confirm" },
    ...{ SubscribeURL: subscribe, Timestamp: new Date().toISOString(), SignatureVersion: "2" },
    SigningCertURL: certificate,
  };
  const text = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    .map((name) => `${name}\n${message[name]}\n`)
    .join("");
  const signed = {
    ...message,
    Signature: sign("sha256", Buffer.from(text), first.privateKey).toString("base64"),
  };
  const service = await newService(
    {},
    { keys, sources: { topic: { kind: "generic", preset: "sns", secret: topic } } },
  );
  const send = async (body: object) => {
    const answer = await service.send("/webhook/topic", { method: "POST", body: JSON.stringify(body) });
    return [answer.status, answer.headers.get("postern-result")];
  };
  const events = async () =>
    ((await (await service.get("/events")).json()) as { data: { event_key: string; type: string | null }[] })
      .data;
  try {
    expect(await send({ ...signed, Token: "b" })).toEqual([401, "invalid_signature"]);
    expect(await send(signed)).toEqual([503, "overloaded"]);
    expect(await events()).toEqual([]);
    documents.set(new URL(subscribe).href, "<ConfirmSubscriptionResponse/>");
    expect(await send(signed)).toEqual([200, "ok"]);
    expect(await events()).toMatchObject([{ event_key: "m1", type: "SubscriptionConfirmation" }]);
    expect(await send(signed)).toEqual([200, "duplicate"]);
    expect(asked.filter((url) => url !== certificate)).toEqual(Array(3).fill(new URL(subscribe).href));
  } finally {
    await service.stop();
  }
});
