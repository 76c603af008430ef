/**
 * `postern send --source`: what the provider of a configured source would send, to a receiver that
 * verifies it.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Intake } from "../../src/core/store.ts";
import { type Folder, newFolder } from "../folder.ts";
import { postern } from "./postern.ts";
import { holdsSecret, opened, PROVIDERS, writeProviders } from "./providers.ts";

interface Received {
  readonly path: string;
  readonly why: string | undefined;
  readonly intake: Intake | undefined;
  readonly headers: Headers;
}

let folder: Folder;
let config: string;
beforeAll(async () => {
  folder = newFolder();
  config = await writeProviders(folder.path);
});
afterAll(() => folder.remove());

/** Verifies as the service does; answers as `answer` says, by default with the result. */
let received: Received[] = [];
let answer: (attempt: number) => Response | undefined = () => undefined;
let server: ReturnType<typeof Bun.serve>;
beforeEach(() => {
  received = [];
  answer = () => undefined;
  const ids = new Set<string>();
  server = Bun.serve({
    port: 0,
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      const source = opened(pathname.split("/").at(-1) ?? "");
      const body = new Uint8Array(await request.arrayBuffer());
      const signed = {
        method: "POST",
        headers: request.headers,
        body,
        url: source.signedUrl(pathname, search.slice(1)),
      };
      const verdict = source.verify(signed, Date.now());
      const intake = verdict.proven ? source.intakeOf(signed, verdict, Date.now()).intake : undefined;
      const why = verdict.proven ? undefined : verdict.why;
      received.push({ path: pathname + search, why, intake, headers: request.headers });
      const given = answer(received.length);
      if (given !== undefined) return given;
      if (!verdict.proven) return Response.json({ detail: "invalid signature" }, { status: 401 });
      const id = intake?.messages[0]?.message_id ?? intake?.post?.events[0]?.key ?? "";
      const result = ids.has(id) ? "duplicate" : "ok";
      ids.add(id);
      return new Response("", { headers: { "Postern-Result": result } });
    },
  });
});
afterEach(() => server.stop(true));

const send = async (args: readonly string[], stdin?: string) => {
  const env = { PORT: String(server.port) };
  const flags = ["send", "--config", config, ...args];
  const ran = await postern(flags, { env, ...(stdin !== undefined && { stdin }) });
  expect(holdsSecret(ran.stdout + ran.stderr)).toBe(false);
  return ran;
};

const FLAGS = ["--from", "+919876543210", "--to", "+14155550100", "--ts", "2025-01-15T10:00:00Z"];

describe("one message", () => {
  test.each(Object.keys(PROVIDERS))(
    "a message as %s's provider would send it is accepted, once",
    async (name) => {
      const flags = ["--source", name, "--id", "m1", "--text", "it's ok 😀", ...FLAGS];
      const { code, stdout, stderr } = await send(flags);
      expect({ code, stderr, why: received[0]?.why }).toEqual({ code: 0, stderr: "", why: undefined });
      expect(stdout).toContain("new 1, duplicate 0, refused 0, failed 0");
      expect(received[0]?.path).toBe(`/webhook/${name}`);
      expect(received[0]?.headers.get("user-agent")).toStartWith("postern/");
      expect((await send(flags)).stdout).toContain("new 0, duplicate 1,");
      // Bodies of these two carry no messages in any known place.
      if (name === "code" || name === "standard" || name === "bird") return;
      expect(received[0]?.intake?.messages).toMatchObject([{ text: "it's ok 😀" }]);
    },
  );

  test("a message goes to --url while what is signed is the public URL", async () => {
    const url = `http://127.0.0.1:${server.port}/other/sms?a=%2B1&b`;
    const { code } = await send(["--source", "sms", "--url", url, ...FLAGS]);
    expect({ code, why: received[0]?.why }).toEqual({ code: 0, why: undefined });
    expect(received[0]?.path).toBe("/other/sms?a=%2B1&b");
  });

  test("a message may be from and to whatever the provider knows", async () => {
    const { code } = await send(["--source", "team", "--from", "slack:U1", "--to", "slack:C1"]);
    expect(code).toBe(0);
    expect(received[0]?.intake?.messages).toMatchObject([{ from: "slack:U1", to: "slack:C1", text: null }]);
  });

  test("a message needs no secret of the native source, and takes the file that POSTERN_CONFIG names", async () => {
    const env = { PORT: String(server.port), POSTERN_CONFIG: config };
    const { code, stderr } = await postern(["send", "--source", "whatsapp", ...FLAGS], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  test("a message that can't be told in the provider's form fails without being sent", async () => {
    const { code, stderr } = await send([
      "--source",
      "whatsapp",
      ...FLAGS,
      "--id",
      "m1",
      "--ts",
      "yesterday",
    ]);
    expect(code).toBe(1);
    expect(stderr).toBe("postern: m1 failed: ts: it takes an instant such as 2025-01-15T10:00:00Z\n");
    expect(received).toEqual([]);
  });
});

describe("many messages", () => {
  test("many messages come from a table", async () => {
    const map = ["message_id=m-{row}", "from=slack:U{who}", "to=slack:C1", "ts={time}", "text={SMS}"];
    const { code, stdout } = await send(
      [
        ...["--source", "team", "--file", "-", "--format", "tsv", "--start", "2025-01-15T10:00:00Z"],
        ...map.flatMap((each) => ["--map", each]),
      ],
      "who\tSMS\n1\tone\n2\ttwo\n",
    );
    expect(code).toBe(0);
    expect(stdout).toContain("new 2,");
    const texts = received.map(({ intake }) => intake?.messages[0]?.text);
    expect(new Set(texts)).toEqual(new Set(["one", "two"]));
  });

  test("many messages come from lines of JSON, of which those that are no messages fail by themselves", async () => {
    const line = JSON.stringify({
      message_id: "m1",
      from: "telegram:7",
      to: "x",
      ts: "2025-01-15T10:00:00Z",
    });
    const { code, stdout, stderr } = await send(
      ["--source", "bot", "--file", "-", "--format", "ndjson"],
      `${line}\nno json\n[]\n{"message_id":"m2","from":"1","to":7,"ts":"2025-01-15T10:00:00Z"}\n`,
    );
    expect(code).toBe(1);
    expect(stdout).toContain("new 1, duplicate 0, refused 0, failed 3");
    expect(stderr.split("\n").sort()).toEqual([
      "",
      "postern: line 2 failed: it is no valid JSON in UTF-8",
      "postern: line 3 failed: it is no JSON object",
      "postern: line 4 failed: to: it takes a text",
    ]);
    expect(received).toHaveLength(1);
  });

  test("each attempt is signed anew", async () => {
    answer = (attempt) =>
      attempt === 1 ? new Response("", { status: 503, headers: { "Retry-After": "1" } }) : undefined;
    const { code } = await send(["--source", "team", ...FLAGS]);
    expect(code).toBe(0);
    const [first, second] = received.map(({ headers }) => headers.get("x-slack-request-timestamp"));
    expect(Number(second)).toBeGreaterThan(Number(first));
  });
});

describe("--dry-run", () => {
  test.each(Object.keys(PROVIDERS))("--dry-run prints a command that %s accepts", async (name) => {
    const text = `it's "x" \\ $HOME @ 😀`;
    const { code, stdout } = await send(["--source", name, "--text", text, ...FLAGS, "--dry-run"]);
    expect(code).toBe(0);
    const env = { SOURCE_SECRET: String(PROVIDERS[name]?.secret) };
    const shell = await postern([], { command: ["sh"], stdin: stdout, env });
    expect(shell).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(received.map(({ why }) => why)).toEqual([undefined]);
  });

  test("--dry-run leaves a secret that stands in a header to the shell, and says so", async () => {
    const { stdout, stderr } = await send(["--source", "bot", ...FLAGS, "--dry-run"]);
    expect(stdout).toContain(`-H 'X-Telegram-Bot-Api-Secret-Token: '"$SOURCE_SECRET"`);
    expect(stderr).toBe(
      "postern: X-Telegram-Bot-Api-Secret-Token is the secret itself: the commands take it from $SOURCE_SECRET\n",
    );
  });

  test.each([
    ["basic", ` -u "$SOURCE_SECRET" `],
    ["bearer", ` -H 'Authorization: Bearer '"$SOURCE_SECRET" `],
  ])("--dry-run writes what HTTP's own %s authentication puts around a secret", async (name, flag) => {
    const { stdout } = await send(["--source", name, ...FLAGS, "--dry-run"]);
    expect(stdout).toContain(flag);
    expect(stdout).not.toContain("Basic");
  });
});

describe("asked wrongly", () => {
  test("a source that the file hasn't is named together with those that it has", async () => {
    const { code, stdout, stderr } = await send(["--source", "nobody", ...FLAGS]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      `postern: ${config} has no source "nobody": it has ${Object.keys(PROVIDERS).join(", ")}\n`,
    );
  });

  test("--source without a file, and --config without --source, are refused", async () => {
    const without = await postern(["send", "--source", "bot", ...FLAGS], {});
    expect(without).toEqual({
      code: 2,
      stdout: "",
      stderr: "postern: which file? Say it by --config FILE or POSTERN_CONFIG\n",
    });
    const alone = await postern(["send", "--config", config, ...FLAGS], {});
    expect(alone).toEqual({ code: 2, stdout: "", stderr: "postern: --config goes with --source\n" });
  });

  test("a file that can't be used is told by its first mistake, without the secret in it", async () => {
    const path = `${folder.path}/broken.yaml`;
    await Bun.write(path, "sources:\n  bot:\n    kind: telegramm\n    secret: hush-hush\n");
    const { code, stdout, stderr } = await postern(["send", "--config", path, "--source", "bot", ...FLAGS]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toStartWith(`postern: ${path}:3:`);
    expect(holdsSecret(stderr)).toBe(false);
  });
});
