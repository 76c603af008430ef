/** What `postern verify` reads: real output of curl, and HTTP archives with one request or many. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { type Folder, newFolder } from "../folder.ts";
import { postern } from "./postern.ts";

/** A word of the reports too. */
const SECRET = "signature";
const BODY = Buffer.from('{"action":"née\n"}\r\n');
const PROOF = `sha256=${createHmac("sha256", SECRET).update(BODY).digest("hex")}`;

let folder: Folder;
let server: ReturnType<typeof Bun.serve>;
beforeAll(async () => {
  folder = newFolder();
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      await request.arrayBuffer();
      const path = new URL(request.url).pathname;
      return path === "/moved"
        ? new Response(null, { status: 307, headers: { Location: "/webhook/code?x=1" } })
        : new Response("POST /evil HTTP/1.1\n\n> POST /evil HTTP/1.1\n>\n", { status: 401 });
    },
  });
  await Bun.write(join(folder.path, "body"), BODY);
  await Bun.write(
    join(folder.path, "postern.yaml"),
    `sources: {code: {kind: generic, preset: github, secret: ${SECRET}}}`,
  );
});
afterAll(async () => {
  await server.stop(true);
  folder.remove();
});

const path = (name: string) => join(folder.path, name);

async function verify(capture: string | Uint8Array, ...flags: readonly string[]) {
  const args = ["verify", "--config", path("postern.yaml"), "--source", "code", ...flags, "-"];
  return postern(args, { stdin: capture });
}

/** What curl says of posting the body. */
async function curl(flags: readonly string[], target = "/webhook/code?x=1", proof = PROOF): Promise<string> {
  const sent = ["-H", `X-Hub-Signature-256: ${proof}`, "-H", "Content-Type: application/json"];
  const child = Bun.spawn(
    [
      "curl",
      ...flags,
      ...sent,
      "--data-binary",
      `@${path("body")}`,
      `http://127.0.0.1:${server.port}${target}`,
    ],
    { stdout: "pipe", stderr: "pipe" },
  );
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return err + out;
}

const hasCurl = Bun.which("curl") !== null;
if (!hasCurl) console.warn("curl is missing: what it writes is not read");

describe.skipIf(!hasCurl)("what curl writes", () => {
  test.each([[["-v"]], [["-sv"]], [["-v", "--trace-time"]]])(
    "curl %s is read, with the body from a file",
    async (flags) => {
      const said = await curl(flags);
      const { code, stdout, stderr } = await verify(said, "--body", path("body"));
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toStartWith("accepted  it proves its origin\n");
      expect(stdout).toContain("/webhook/code?x=1 (no public_url)");
      const bare = await verify(said);
      expect([bare.code, bare.stderr]).toEqual([
        2,
        "postern: curl -v doesn't show the body: give what was sent by --body FILE, or capture it with curl --trace FILE\n",
      ]);
    },
  );

  test("curl --trace is read with every byte of its body", async () => {
    const ran = await verify(await curl(["-s", "--trace", "-"]));
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: "" });
    const chunked = await curl(["-s", "--trace", "-", "--trace-time", "-H", "Transfer-Encoding: chunked"]);
    expect((await verify(chunked)).stdout).toContain("the body was put together from its chunks");
  });

  test("curl --trace-ascii is told to lack bytes", async () => {
    const { code, stderr } = await verify(await curl(["-s", "--trace-ascii", "-"]));
    expect([code, stderr]).toEqual([
      2,
      "postern: curl --trace-ascii doesn't show every byte: capture it with curl --trace FILE\n",
    ]);
  });

  test("of a request that was led elsewhere the one at the source's address counts", async () => {
    const ran = await verify(await curl(["-s", "-L", "--trace", "-"], "/moved"));
    expect(ran.stdout).toStartWith("accepted");
    expect(ran.stdout).toContain("note      one of 2 requests of the file\n");
    const first = await verify(await curl(["-s", "-L", "--trace", "-"], "/moved"), "--entry", "1");
    expect(first.stdout).toContain("the request went to /moved, and the service listens at /webhook/code");
  });

  test("the report keeps words of its own that are the secret as well", async () => {
    const { stdout } = await verify(await curl(["-v"], "/webhook/code", "sha256=00"), "--body", path("body"));
    expect(stdout).toStartWith(
      "refused  the header X-Hub-Signature-256 holds no signature of the right form\n",
    );
    const held = await verify(await curl(["-v"], `/webhook/code?a=${SECRET}`), "--body", path("body"));
    expect(held.stdout).toContain("/webhook/code?a=*** (no public_url)");
  });
});

/** As curl 8 writes it where the service takes seconds to answer, and stderr is a file. */
const METER = "  0     0    0     0    0     0      0      0 --:--:--  0:00:01 --:--:--     0";

test.each([
  ["behind a progress meter that went on for seconds", (line: string) => `\r${METER}\r${METER}${line}`, "> "],
  ["with the numbers of transfers and connections", (line: string) => line, "[0-0] > "],
  ["with times and numbers", (line: string) => line, "12:00:00.123456 [1-x] > "],
])("what curl -v shows is read %s", async (_, first, prefix) => {
  const lines = [
    "POST /webhook/code HTTP/2",
    `x-hub-signature-256: ${PROOF}`,
    `content-length: ${BODY.length}`,
    "",
  ].map((line) => `${prefix}${line}\r\n`);
  const said = `${prefix.slice(0, -2)}* Connected\n${first(lines.join(""))}${prefix.slice(0, -2)}< HTTP/2 401\n`;
  const { code, stderr } = await verify(said, "--body", path("body"));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("a request that an editor saved behind a byte order mark is read", async () => {
  const head = `POST /webhook/code HTTP/1.1\r\nX-Hub-Signature-256: ${PROOF}\r\n\r\n`;
  const { code, stderr } = await verify(Buffer.concat([Buffer.from(`\ufeff${head}`), BODY]));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("a capture that has a body takes no other", async () => {
  const { code, stderr } = await verify("POST /webhook/code HTTP/1.1\n\n{}", "--body", path("body"));
  expect([code, stderr]).toEqual([2, "postern: the capture has a body of its own: leave --body out\n"]);
});

describe("an HTTP archive", () => {
  const entry = (
    url: string,
    postData: object | undefined = { text: BODY.toString() },
    more: object = {},
  ) => ({
    startedDateTime: "2026-01-01T00:00:00Z",
    request: {
      ...{ method: "POST", url: `https://hooks.example${url}`, httpVersion: "h2" },
      headers: [
        { name: ":authority", value: "hooks.example" },
        { name: "X-Hub-Signature-256", value: PROOF },
        { name: "Content-Type", value: "application/json" },
      ],
      ...(postData && { postData: { mimeType: "application/json", ...postData } }),
      ...more,
    },
    response: { status: 401 },
  });
  const har = (...entries: readonly object[]) =>
    `\ufeff${JSON.stringify({ log: { version: "1.2", entries } })}`;
  const ours = entry("/webhook/code?x=1");

  test.each([
    ["a whole archive", har({ request: { method: "GET", url: "/" } }, ours)],
    ["a list of entries", JSON.stringify([ours], null, 2)],
    ["one entry", JSON.stringify(ours)],
    ["a body in base64", har(entry("/webhook/code", { text: BODY.toString("base64"), encoding: "base64" }))],
    ["one among others, by the source's path", har(entry("/other"), ours, entry("/webhook/codes"))],
  ])("an archive may be %s", async (_, text) => {
    const { code, stdout, stderr } = await verify(text);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toStartWith("accepted");
  });

  test("of several requests one is chosen by its number or a part of its address", async () => {
    const text = har(
      entry("/webhook/code?a=hush"),
      { request: { method: "GET", url: "/" } },
      ours,
      entry("/x\u001b[2J"),
    );
    const unclear = await verify(text);
    expect(unclear).toEqual({
      code: 2,
      stdout: "",
      stderr:
        "postern: which request? Say it by --entry: 1 https://hooks.example/webhook/code, 2 https://hooks.example/webhook/code, 3 https://hooks.example/x\\u001b[2J\n",
    });
    expect((await verify(text, "--entry", "2")).stdout).toContain("/webhook/code?x=1 (no public_url)");
    expect((await verify(text, "--entry", "/x")).stdout).toContain("the request went to /x");
    for (const which of ["0", "4", "nowhere"])
      expect((await verify(text, "--entry", which)).stderr).toContain("which request?");
  });

  test("the list of requests shows no password, and is short however long addresses are", async () => {
    const { request } = entry("/webhook/code");
    const named = { request: { ...request, url: "https://somebody:hush@hooks.example/webhook/code" } };
    const { stderr } = await verify(har(named, entry(`/${"x".repeat(5000)}`), ours));
    expect(stderr).toContain("--entry: 1 https://hooks.example/webhook/code, 2 https://hooks.example/xxx");
    expect(stderr).not.toMatch(/hush|somebody/);
    expect(stderr.length).toBeLessThan(500);
  });

  test("an archive that lost a body's bytes is told to, and so is one that holds a form's fields alone", async () => {
    expect((await verify(har(entry("/webhook/code", { text: "a\ufffd" })))).stdout).toContain(
      "note     the HAR lost bytes of the body that are no UTF-8",
    );
    const form = await verify(
      har(entry("/webhook/code", { params: [{ name: "a b", value: "ü" }, { name: "c" }] })),
    );
    expect(form.stdout).toContain(
      "the HAR holds fields of a form and no body: it was put together from them",
    );
    expect(form.stdout).toContain("<body of 13 bytes>");
  });

  test.each([
    ["{}", "the JSON holds no request: it takes a HAR file"],
    ["[]", "the JSON holds no request: it takes a HAR file"],
    ['{"log":{"entries":[null,{"request":7}]}}', "the JSON holds no request: it takes a HAR file"],
    ['{"request":{"method":"GET","url":"/"}}', "there is no POST in the HAR file"],
    [
      '{"request":{"method":"POST","headers":[{"name":"a b","value":""}]}}',
      "a header that no request can have",
    ],
    [
      '{"request":{"method":"POST","headers":[{"name":"a","value":"b\\nc"}]}}',
      "a header that no request can have",
    ],
    ['{"request":', "line 1 is no request line such as POST /webhook/name HTTP/1.1"],
  ])("%s is no archive with a request", async (text, message) => {
    const { code, stderr } = await verify(text);
    expect([code, stderr.includes(message)]).toEqual([2, true]);
  });
});
