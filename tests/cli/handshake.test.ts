/** `postern deliveries handshake` and `test` to applications that believe that a provider asks. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { lookup } from "node:dns/promises";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isPublicAddress } from "../../src/lib/ip-address.ts";
import { newAuthority } from "../deliver/certificates.ts";
import { answers, type Behaviour, newReceiver, type Receiver } from "../deliver/receiver.ts";
import { type Folder, newFolder } from "../folder.ts";
import { postern } from "./postern.ts";

const OWN = "the secret of the app that gets it";
const ZOOM = "the secret of the zoom source";

let folder: Folder;
let receiver: Receiver;
beforeEach(async () => {
  folder = newFolder();
  receiver = await newReceiver();
});
afterEach(async () => {
  await receiver.close();
  folder.remove();
});

const run = (
  command: string,
  source: object,
  more: object = {},
  env: Readonly<Record<string, string>> = {},
) => {
  const config = join(folder.path, "postern.json");
  const app = {
    ...{ url: `${receiver.url}/app?x=1`, secret: OWN, body: "original", sources: "source" },
    ...{ allow_private: true, ...more },
  };
  writeFileSync(config, JSON.stringify({ sources: { source }, destinations: { app } }));
  return postern(["deliveries", command, "app", "--config", config], { env });
};
const query = (path: string) => new URLSearchParams(path.split("?")[1]);
/** Whether this machine's own name leads to private addresses alone. */
const isInside = await lookup(hostname(), { all: true }).then(
  (found) => found.every(({ address }) => !isPublicAddress(address)),
  () => false,
);
const META = { kind: "meta", secret: "secret of the source", verify_token: "token of the source" };

describe("a handshake", () => {
  /** As Chatwoot and n8n answer Meta's. */
  const hub: Behaviour = (answer, { path }) => {
    const asked = query(path);
    const isRight = asked.get("hub.mode") === "subscribe" && asked.get("hub.verify_token") === "ours";
    (isRight ? answers(200, {}, asked.get("hub.challenge") ?? "") : answers(403))(answer, {} as never);
  };

  test("of Meta is a GET with the destination's verify token, and right when its challenge comes back", async () => {
    receiver.behave(hub);
    const right = await run("handshake", META, { verify_token: "ours" });
    expect(right).toMatchObject({ code: 0, stderr: "" });
    expect(right.stdout).toContain("source: right");
    expect(query(receiver.received[0]?.path ?? "").get("x")).toBe("1");
    const wrong = await run("handshake", META, { verify_token: "theirs" });
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toContain("answered 403");
    expect(wrong.stdout).not.toContain("theirs");
  });

  test("of Meta isn't made with the source's own token", async () => {
    const ran = await run("handshake", META);
    expect(ran).toMatchObject({ code: 1, stderr: "" });
    expect(ran.stdout).toContain("verify_token of the destination");
    expect(receiver.received).toEqual([]);
  });

  test("of Slack is signed by the destination's secret", async () => {
    receiver.behave((answer, received) => {
      const { headers, body } = received;
      const at = headers["x-slack-request-timestamp"];
      const mac = `v0=${createHmac("sha256", OWN).update(`v0:${at}:${body}`).digest("hex")}`;
      const { type, challenge } = JSON.parse(body);
      const isRight = type === "url_verification" && headers["x-slack-signature"] === mac;
      answers(isRight ? 200 : 401, {}, JSON.stringify({ challenge }))(answer, received);
    });
    expect(await run("handshake", { kind: "slack", secret: "secret of the source" })).toMatchObject({
      code: 0,
    });
  });

  test("of a preset is made of what it matches, and what its answer takes", async () => {
    receiver.behave((answer, received) => {
      const { event, payload } = JSON.parse(received.body);
      const encryptedToken = createHmac("sha256", OWN).update(payload.plainToken).digest("hex");
      const body = JSON.stringify({ encryptedToken, plainToken: payload.plainToken });
      answers(event === "endpoint.url_validation" ? 200 : 400, {}, body)(answer, received);
    });
    const ran = await run("handshake", { kind: "generic", preset: "zoom", secret: ZOOM });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("source: right");
  });

  test("goes to no proxy of the environment", async () => {
    receiver.behave(hub);
    const proxy = "http://127.0.0.1:9";
    const ran = await run(
      "handshake",
      META,
      { verify_token: "ours" },
      { HTTP_PROXY: proxy, http_proxy: proxy },
    );
    expect(ran).toMatchObject({ code: 0, stderr: "" });
  });

  test.if(isInside)("goes to no private address that a name leads to, unless that is allowed", async () => {
    receiver.behave(hub);
    const url = receiver.url.replace("127.0.0.1", hostname());
    const ran = await run("handshake", META, { url, verify_token: "ours", allow_private: false });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain("allow_private isn't set");
    expect(receiver.received).toEqual([]);
  });

  test("that fails by its certificate names neither the URL nor the token in it", async () => {
    const authority = newAuthority();
    const { cert, key } = authority.issue("other.test");
    const server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0, tls: { cert, key } },
      fetch: () => new Response(),
    });
    try {
      writeFileSync(join(folder.path, "ca.pem"), authority.cert);
      const app = { url: `https://127.0.0.1:${server.port}/app?key=hidden`, verify_token: "ours" };
      const ran = await run("handshake", META, app, { NODE_EXTRA_CA_CERTS: join(folder.path, "ca.pem") });
      expect(ran.code).toBe(1);
      expect(ran.stdout).toContain("TLS failed");
      expect(ran.stdout).not.toMatch(/hidden|ours/);
    } finally {
      await server.stop(true);
    }
  });

  test("that there is none is said", async () => {
    const ran = await run("handshake", { kind: "generic", preset: "github", secret: "secret of the source" });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("asks nothing");
    expect(receiver.received).toEqual([]);
  });
});

test("deliveries test sends what the provider would send", async () => {
  const ran = await run("test", META);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  const [{ headers = {}, body = "" } = {}] = receiver.received;
  expect(headers["x-hub-signature-256"]).toBe(
    `sha256=${createHmac("sha256", OWN).update(body).digest("hex")}`,
  );
  expect(JSON.parse(body).object).toBe("whatsapp_business_account");
});
