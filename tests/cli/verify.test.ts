/**
 * `postern verify`: what is said of captured requests that hold, and of those that don't, with the
 * cause found by trying.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type CapturedRequest, composeRequest } from "../../src/cli/verify/captured-request.ts";
import { openSource, type SourceConfig } from "../../src/sources/open-source.ts";
import type { ConfiguredSource } from "../../src/sources/provider-source.ts";
import { type Folder, newFolder } from "../folder.ts";
import { postern } from "./postern.ts";
import { holdsSecret, opened, PROVIDERS, writeProviders } from "./providers.ts";

const AT = "2025-01-15T10:00:00Z";
const NOW = Date.parse(AT);
const MESSAGE = {
  message_id: "m1",
  from: "+919876543210",
  to: "+14155550100",
  ts: AT,
  text: "private words / grüße",
};

let folder: Folder;
let config: string;
beforeAll(async () => {
  folder = newFolder();
  config = await writeProviders(folder.path);
});
afterAll(() => folder.remove());

/** A request as the provider sends it, by default to the source's own address. */
function captured(
  name: string,
  {
    query = "",
    source = opened(name),
    url,
  }: { query?: string; source?: ConfiguredSource; url?: string } = {},
): CapturedRequest {
  const path = `/webhook/${name}`;
  const trial = source.trial(MESSAGE, url ?? source.signedUrl(path, query), NOW);
  return {
    method: "POST",
    target: query === "" ? path : `${path}?${query}`,
    headers: [["Host", "example.org"], ...Object.entries(trial?.headers ?? {})],
    body: trial?.body ?? Buffer.from(""),
  };
}

async function verify(
  name: string,
  request: CapturedRequest | Uint8Array,
  more: readonly string[] = ["--at", AT],
) {
  const file = request instanceof Uint8Array ? request : composeRequest(request);
  const ran = await postern(["verify", "--config", config, "--source", name, ...more, "-"], { stdin: file });
  expect(holdsSecret(ran.stdout + ran.stderr)).toBe(false);
  const unsigned = ran.stdout.replace(/^signed .*$/gm, "");
  expect(unsigned + ran.stderr).not.toContain("private words");
  const lines = ran.stdout.trimEnd().split("\n");
  const said = (label: string) =>
    lines.filter((line) => line.startsWith(`${label} `)).map((line) => line.slice(label.length).trim());
  return { ...ran, said };
}

/**
 * The proof that the request carries and the one that it would need; neither may be seen when it is
 * refused.
 */
async function refused(name: string, request: CapturedRequest, more?: readonly string[]) {
  const ran = await verify(name, request, more);
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 1, stderr: "" });
  const proofs = captured(name).headers.filter(([header]) =>
    /signature(-\d+|-jwt)?$|authorization|token/i.test(header),
  );
  for (const [, proof] of proofs) expect(ran.stdout).not.toContain(/[\w+/.-]{16,}={0,2}$/.exec(proof)?.[0]);
  return { why: ran.said("refused")[0], hint: ran.said("hint"), said: ran.said };
}

const withBody = (request: CapturedRequest, change: (body: string) => string): CapturedRequest => ({
  ...request,
  body: Buffer.from(change(Buffer.from(request.body).toString())),
});
const without = (request: CapturedRequest, header: string): CapturedRequest => ({
  ...request,
  headers: request.headers.filter(([name]) => name.toLowerCase() !== header),
});

describe("a request that holds", () => {
  test.each(Object.keys(PROVIDERS))("a request that holds is accepted as %s's", async (name) => {
    const { code, stderr, said } = await verify(name, captured(name));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(said("accepted")).toEqual(["it proves its origin"]);
    expect(said("source")).toEqual([`${name} (${PROVIDERS[name]?.kind})`]);
    expect(said("clock")).toEqual(["2025-01-15T10:00:00.000Z (--at)"]);
    expect(said("message").length + said("event").length).toBe(1);
    expect(said("hint")).toEqual([]);
    expect(said("note")).toEqual([]);
  });

  test("a request that holds is told with what it would store and what it would be answered", async () => {
    const { stdout } = await verify("sms", captured("sms", { query: "a=1" }));
    expect(stdout).toBe(
      [
        "accepted  it proves its origin",
        "source    sms (twilio)",
        "clock     2025-01-15T10:00:00.000Z (--at)",
        "url       https://example.org/in/webhook/sms?a=1",
        "answer    200 text/xml <Response/>",
        "message   sms:SMca0df2c95aa144c1d0ff2ff3c8f967fd from +919876543210 to +14155550100 at 2025-01-15T10:00:00Z, text, 21 characters",
        "",
      ].join("\n"),
    );
  });

  test("a request that holds is told with its events", async () => {
    const body = JSON.stringify({
      object: "whatsapp_business_account",
      entry: [
        {
          id: "1",
          changes: [{ value: { statuses: [{ id: "w1", status: "read", timestamp: "1736935200" }] } }],
        },
      ],
    });
    const trial = captured("whatsapp");
    const signature = new Bun.CryptoHasher("sha256", String(PROVIDERS["whatsapp"]?.secret))
      .update(body)
      .digest("hex");
    const { said } = await verify("whatsapp", {
      ...without(trial, "x-hub-signature-256"),
      headers: [["X-Hub-Signature-256", `sha256=${signature}`]],
      body: Buffer.from(body),
    });
    expect(said("event")).toEqual([
      "status w1:read about whatsapp:w1 at 2025-01-15T10:00:00Z, messages.status.read",
    ]);
  });

  test("a request that holds may be in a file, looked at now", async () => {
    const path = join(folder.path, "request.http");
    await Bun.write(path, composeRequest(captured("whatsapp")));
    const { code, stdout } = await postern(["verify", "--config", config, "--source", "whatsapp", path]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nclock {5}20\S+Z \(now\)\n/);
  });

  test("a request that holds may have come in chunks, of which the body is put together", async () => {
    const request = captured("whatsapp");
    const body = Buffer.concat([
      Buffer.from(`${request.body.length.toString(16)}\r\n`),
      request.body,
      Buffer.from("\r\n0\r\n\r\n"),
    ]);
    const { code, said } = await verify("whatsapp", {
      ...request,
      headers: [...request.headers, ["Transfer-Encoding", "chunked"]],
      body,
    });
    expect(code).toBe(0);
    expect(said("note")).toEqual(["the body was put together from its chunks"]);
  });

  test("a request that holds is told where it went when that is not the source's address, and when its length is another", async () => {
    const request = captured("whatsapp");
    const { code, said } = await verify("whatsapp", {
      ...request,
      target: "/hooks",
      headers: [...request.headers, ["Content-Length", "1"]],
    });
    expect(code).toBe(0);
    expect(said("note")).toEqual([
      `Content-Length is 1, and the body has ${request.body.length} bytes`,
      "the request went to /hooks, and the service listens at /webhook/whatsapp",
    ]);
  });
});

describe("a handshake", () => {
  const get = (query: string): CapturedRequest => ({
    method: "GET",
    target: `/webhook/whatsapp?${query}`,
    headers: [],
    body: Buffer.from(""),
  });

  test("a handshake by GET is answered with its challenge", async () => {
    const query = "hub.mode=subscribe&hub.verify_token=hush-verify-token&hub.challenge=1158201444";
    const { code, said } = await verify("whatsapp", get(query));
    expect(code).toBe(0);
    expect(said("accepted")).toEqual(["it is a handshake, nothing is stored"]);
    expect(said("answer")).toEqual(["200 text/plain; charset=utf-8 1158201444"]);
  });

  test("a handshake with a wrong token is refused, and the token not shown", async () => {
    const query = "hub.mode=subscribe&hub.verify_token=another-one&hub.challenge=1158201444";
    const { code, stdout } = await verify("whatsapp", get(query));
    expect(code).toBe(1);
    expect(stdout).toStartWith("refused  it is a handshake, and the verify token is wrong\n");
    expect(stdout).not.toContain("another-one");
  });

  test("a handshake by a signed POST is answered with its challenge", async () => {
    const body = '{"type":"url_verification","token":"legacy","challenge":"3eZbrw1aB"}';
    const time = String(NOW / 1000);
    const hasher = new Bun.CryptoHasher("sha256", String(PROVIDERS["team"]?.secret));
    const { code, said } = await verify("team", {
      method: "POST",
      target: "/webhook/team",
      headers: [
        ["X-Slack-Request-Timestamp", time],
        ["X-Slack-Signature", `v0=${hasher.update(`v0:${time}:${body}`).digest("hex")}`],
      ],
      body: Buffer.from(body),
    });
    expect(code).toBe(0);
    expect(said("answer")).toEqual(["200 text/plain; charset=utf-8 3eZbrw1aB"]);
  });

  test("a handshake that is none is refused like an unsigned request", async () => {
    const { why } = await refused("whatsapp", get("a=b"));
    expect(why).toBe("the header X-Hub-Signature-256 is missing");
  });
});

describe("a request that doesn't hold", () => {
  test("a request that doesn't hold is told with the strings that would have had to be signed", async () => {
    const { why, said } = await refused(
      "sms",
      withBody(captured("sms"), (body) => body.replace("MessageSid=SMca", "MessageSid=SMcb")),
    );
    expect(why).toBe("no secret made this signature");
    const [first = "", ...more] = said("signed");
    expect(first).toStartWith("https://example.org/in/webhook/smsBody");
    expect(first).toContain("MessageSidSMcb0df");
    expect(more).toHaveLength(1);
    expect(said("url")).toEqual(["https://example.org/in/webhook/sms"]);
    expect(said("hint")).toEqual([
      "no other body, URL, clock or reading of the configuration that was tried makes it hold",
    ]);
  });

  test.each<[string, string, (body: string) => string, string]>([
    [
      "whatsapp",
      "a newline more",
      (body) => `${body}\n`,
      "without the body's last newline: something added it",
    ],
    [
      "team",
      "a newline more",
      (body) => `${body}\r\n`,
      "without the body's last newline: something added it",
    ],
    [
      "whatsapp",
      "other spaces",
      (body) => JSON.stringify(JSON.parse(body), null, 2),
      "for the JSON written without spaces: something re-serialised the body",
    ],
    ["vonage", "a byte order mark", (body) => `\ufeff${body}`, "without the byte order mark before the body"],
  ])("since %s's body has %s", async (name, _, change, hint) => {
    const found = await refused(name, withBody(captured(name), change));
    expect(found.hint).toEqual([`the signature holds ${hint}`]);
  });

  test.each<[string, (body: string) => string]>([
    [
      "with spaces after commas and colons",
      (body) => body.replaceAll('":', '": ').replaceAll(',"', ', "').replaceAll("},{", "}, {"),
    ],
    [
      "without spaces, with slashes and characters beyond ASCII escaped",
      (body) => body.replaceAll("/", "\\/").replace("ü", "\\u00fc").replace("ß", "\\u00df"),
    ],
    ["indented by 4", (body) => JSON.stringify(JSON.parse(body), null, 4)],
  ])("since it was signed for the JSON %s", async (how, signedForm) => {
    const request = captured("code");
    const text = signedForm(Buffer.from(request.body).toString());
    const signature = new Bun.CryptoHasher("sha256", String(PROVIDERS["code"]?.secret))
      .update(text)
      .digest("hex");
    const headers = [["X-Hub-Signature-256", `sha256=${signature}`]] as const;
    const { hint } = await refused("code", { ...request, headers });
    expect(hint).toEqual([
      `the signature holds for the JSON written ${how}: something re-serialised the body`,
    ]);
  });

  test("a request doesn't hold since the capture has more than Content-Length says", async () => {
    const request = captured("whatsapp");
    const headers = [...request.headers, ["Content-Length", String(request.body.length)]] as const;
    const { hint, said } = await refused(
      "whatsapp",
      withBody({ ...request, headers }, (body) => `${body}junk`),
    );
    expect(hint).toEqual([
      `the signature holds for the first ${request.body.length} bytes of the body, which is what Content-Length says`,
    ]);
    expect(said("note")).toHaveLength(1);
  });

  test.each([
    ["http://example.org/in/webhook/sms", "", "", "that is what public_url must say"],
    ["https://example.org/in/webhook/sms/", "", "", "that is what public_url must say"],
    ["https://other.example/in/webhook/sms", "?a=b", "a=b", "that is what public_url must say"],
    ["https://example.org/in/webhook/sms", "", "a=b", "without the query, which was added on the way"],
  ])("a request doesn't hold since it was signed for %s%s", async (url, query, sent, more) => {
    const request = captured("sms", { url: url + query, query: sent });
    const headers = request.headers.map(([name, value]) =>
      name === "Host" ? (["Host", "other.example"] as const) : ([name, value] as const),
    );
    const { hint } = await refused("sms", { ...request, headers });
    expect(hint).toEqual([`it was signed for ${url}: ${more}`]);
  });

  test.each(["team", "vonage", "vonage-sms", "standard", "bird"])(
    "a request doesn't hold since %s's is too old",
    async (name) => {
      const { why, hint, said } = await refused(name, captured(name), ["--at", "2025-01-16T10:00:00Z"]);
      expect(why).toMatch(/is 86400 s old, more than 300 s|expired/);
      expect(hint).toEqual([
        "the signature holds at 2025-01-15T10:00:00.000Z: the request is too old or the clocks differ (--at sets the clock)",
      ]);
      expect(said("clock")).toEqual(["2025-01-16T10:00:00.000Z (--at)"]);
    },
  );

  test("a request doesn't hold for two reasons at once, both of which are told", async () => {
    const { hint } = await refused(
      "team",
      withBody(captured("team"), (body) => `${body}\n`),
      [...["--at", "2025-01-16T10:00:00Z"]],
    );
    expect(hint).toHaveLength(1);
    expect(hint[0]).toMatch(
      /holds at 2025-01-15T10.*; and at once: the signature holds without the body's last newline/,
    );
  });

  test.each<[string, SourceConfig, string]>([
    [
      "standard",
      { kind: "generic", preset: "standard-webhooks", secret: "aHVzaC1zdGFuZGFyZC13ZWJob29rcw==" },
      "",
    ],
    [
      "standard",
      {
        ...(PROVIDERS["standard"] as SourceConfig),
        scheme: {
          header: "webhook-signature",
          algorithm: "hmac-sha256",
          encoding: "base64",
          separator: " ",
          version_separator: ",",
          version: "v1",
          id_header: "webhook-id",
          timestamp_header: "webhook-timestamp",
          signed: "{id}.{timestamp}.{body}",
        },
      },
      "when the secret is read as utf8, whsec_ being a part of it",
    ],
    ["whatsapp", { kind: "meta", secret: "hush-meta-app-secret\n" }, "with a newline after the secret"],
    [
      "own",
      {
        kind: "generic",
        secret: "hush-own",
        scheme: {
          header: "X-Own",
          algorithm: "hmac-sha512",
          encoding: "base64",
          prefix: "sha256=",
          signed: "{body}",
        },
      },
      "when it is written in base64 after sha256=",
    ],
    [
      "vonage-sms",
      {
        kind: "vonage",
        scheme: "vonage-sms-params",
        signature_method: "sha512hmac",
        secret: "hush-vonage-sms",
      },
      "by the SMS API's scheme: vonage-sms-params, signature_method: sha512hmac",
    ],
  ])(
    "a request doesn't hold since %s's signer reads the secret in another way",
    async (name, options, how) => {
      const request = captured(name, { source: openSource(name, options) });
      if (how === "") expect((await verify(name, request)).code).toBe(0);
      else expect((await refused(name, request)).hint).toEqual([`the signature holds ${how}`]);
    },
  );

  test("a request doesn't hold since another source's secret made it", async () => {
    const request = captured("code", {
      source: openSource("code", { ...(PROVIDERS["code"] as SourceConfig), secret: "hush-meta-app-secret" }),
    });
    expect((await refused("code", request)).hint).toEqual(["the source whatsapp accepts it"]);
  });

  test("that a source takes whatever comes from its networks says nothing of a request", async () => {
    const open = { kind: "generic", scheme: { algorithm: "none" }, allow_from: ["203.0.113.0/24"] };
    const providers = { code: PROVIDERS["code"] as SourceConfig, open: open as unknown as SourceConfig };
    const path = await writeProviders(`${folder.path}/open`, providers);
    const request = withBody(captured("code"), (body) => `${body}x`);
    const args = ["verify", "--config", path, "--source", "code", "--at", AT, "-"];
    const { code, stdout } = await postern(args, { stdin: composeRequest(request) });
    expect(code).toBe(1);
    expect(stdout).not.toContain("the source open accepts it");
  });

  test("a request doesn't hold since a header is missing, which is told with those that look like it", async () => {
    const request = without(captured("whatsapp"), "x-hub-signature-256");
    const { why, hint } = await refused("whatsapp", {
      ...request,
      headers: [["X-Hub-Signature", "sha1=00"]],
    });
    expect(why).toBe("the header X-Hub-Signature-256 is missing");
    expect(hint).toEqual(["the request has no X-Hub-Signature-256; it has x-hub-signature"]);
    const slack = await refused("team", without(captured("team"), "x-slack-request-timestamp"));
    expect(slack.hint).toEqual(["the request has no X-Slack-Request-Timestamp; it has x-slack-signature"]);
  });

  test("a request doesn't hold since its token is another one, and neither is shown", async () => {
    const headers = [["X-Telegram-Bot-Api-Secret-Token", "what-was-sent"]] as const;
    const { why, said } = await refused("bot", { ...captured("bot"), headers });
    expect(why).toBe("the header X-Telegram-Bot-Api-Secret-Token is not the secret");
    expect(said("refused").join()).not.toContain("what-was-sent");
  });

  test("a request doesn't hold by its method", async () => {
    const { why } = await refused("whatsapp", { ...captured("whatsapp"), method: "PUT" });
    expect(why).toBe("the method is PUT: a webhook takes POST, and GET for some");
  });

  test("a refusal never shows a password of the URL, a secret parameter or a control character", async () => {
    const path = join(folder.path, "other.yaml");
    const sms = { ...PROVIDERS["sms"], public_url: "https://me:open-sesame@example.org/x" };
    await Bun.write(path, JSON.stringify({ sources: { sms } }));
    const request = captured("sms", { query: "api_token=s3cr3t&a=1" });
    const file = composeRequest(withBody(request, (body) => `${body}&z=%1b%5B31m`));
    const { code, stdout } = await postern(["verify", "--config", path, "--source", "sms", "-"], {
      stdin: file,
    });
    expect(code).toBe(1);
    expect(stdout).toContain("https://***@example.org/x?api_token=***&a=1");
    expect(stdout).toContain("z\\u001b[31m");
    for (const hidden of ["open-sesame", "s3cr3t", "\x1b"]) expect(stdout).not.toContain(hidden);
  });
});

describe("asked wrongly", () => {
  test.each([
    [["--source", "bot"], "", "there is no request in it"],
    [["--source", "bot"], "no", "line 1 is no request line such as POST /webhook/name HTTP/1.1"],
    [["--source", "nobody"], "", 'has no source "nobody"'],
    [["--source", "bot", "--at", "yesterday"], "", "It takes an instant such as 2025-01-15T10:00:00Z."],
    [[], "", "required option '--source <name>' not specified"],
  ])(
    "asked with %j for %j it says what is wrong in one line, and exits with 2",
    async (flags, stdin, message) => {
      const ran = await postern(["verify", "--config", config, ...flags, "-"], { stdin });
      expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 2, stdout: "" });
      expect(ran.stderr).toContain(message);
      expect(ran.stderr.trim().split("\n")).toHaveLength(1);
    },
  );
});
