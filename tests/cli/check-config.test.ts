/** `postern check-config` and `config-schema`, and what `serve` says of a file with mistakes. */
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { MAIN, postern } from "./postern.ts";

const folder = newFolder();
afterAll(() => folder.remove());

function file(text: string): string {
  const path = join(folder.path, "postern.yaml");
  writeFileSync(path, text);
  return path;
}

const GOOD = `sources:
  whatsapp:
    kind: meta
    secret: ["\${NEW:-n}", "\${OLD}"]
  sms: { kind: twilio, secret: s, public_url: https://example.org/webhook/sms }
`;
const BAD = `sources:
  whatsapp:
    kind: meta
    secret: "\${OLD}"
    verify_tokn: hunter2
  sms: { kind: twilio, secret: hunter2 }
`;

describe("check-config", () => {
  const fine = {
    code: 0,
    stdout: "whatsapp  meta    /webhook/whatsapp  2 secrets\nsms       twilio  /webhook/sms       1 secret\n",
    stderr: "",
  };

  test("check-config prints a line for each source of a file that holds, by --config or POSTERN_CONFIG", async () => {
    const path = file(GOOD);
    expect(await postern(["check-config", "--config", path], { env: { OLD: "o" } })).toEqual(fine);
    expect(await postern(["check-config"], { env: { OLD: "o", POSTERN_CONFIG: path } })).toEqual(fine);
    const other = { OLD: "o", POSTERN_CONFIG: "/nowhere" };
    expect(await postern(["check-config", "--config", path], { env: other })).toEqual(fine);
  });

  test("check-config prints a line for each destination too, of its URL the origin alone, and warnings apart", async () => {
    const path = file(`${GOOD}destinations:
  app: { url: "http://example.org/hunter2?hunter2", secret: ["\${OLD}", hunter2hunter2hunter2] }
  everything: { url: https://10.0.0.1:8443/, secret: "\${OLD}", kinds: all, allow_private: true }
  some: { url: https://example.org/, secret: "\${OLD}", kinds: [status, echo], sources: [sms, native] }
`);
    const env = { OLD: "whsec_c2VjcmV0IG9mIGEgdGVzdCE=" };
    expect(await postern(["check-config", "--config", path], { env })).toEqual({
      code: 0,
      stdout: [
        "whatsapp    meta         /webhook/whatsapp      2 secrets",
        "sms         twilio       /webhook/sms           1 secret",
        "app         destination  http://example.org     2 secrets  message       all sources",
        "everything  destination  https://10.0.0.1:8443  1 secret   all kinds     all sources",
        "some        destination  https://example.org    1 secret   status, echo  sms, native",
        "",
      ].join("\n"),
      stderr: `${path}:7:15: warning: destinations.app.url is http: everyone on the way can read what is handed on\n`,
    });
    const alone = file("destinations: { app: { url: https://example.org, secret: '${OLD}' } }");
    expect((await postern(["check-config", "--config", alone], { env })).stdout).toBe(
      "app  destination  https://example.org  1 secret  message  all sources\n",
    );
  });

  test("check-config prints the mistakes of destinations with their places, without any secret", async () => {
    const path = file(
      "destinations:\n  app: { url: https://127.0.0.1/hunter2, secret: hunter2, sources: [hunter2], retry: [] }\n",
    );
    const { code, stdout, stderr } = await postern(["check-config", "--config", path]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout.split("\n").map((line) => line.replace(/ .*/, ""))).toEqual([
      ...["15", "50", "69", "86"].map((column) => `${path}:2:${column}:`),
      "",
    ]);
    expect(stdout).not.toContain("hunter2");
  });

  test("check-config prints every mistake with its place and exits with 1, without any secret", async () => {
    const path = file(BAD);
    const { code, stdout, stderr } = await postern(["check-config", "--config", path]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => line.replace(/: .*/, ""))).toEqual([
      `${path}:4:13`,
      `${path}:5:5`,
      `${path}:6:3`,
    ]);
    expect(stdout).not.toContain("hunter2");
  });

  test("check-config reads a pipe that somebody writes, and doesn't wait for one that nobody does", async () => {
    const command = (script: string) => ["sh", "-c", script, "sh", process.execPath, MAIN];
    const script = `{ sleep 0.2; cat "${file(GOOD)}"; } | "$1" "$2" check-config --config /dev/stdin`;
    expect(await postern([], { command: command(script), env: { OLD: "o" } })).toEqual(fine);
    const pipe = join(folder.path, "pipe");
    expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
    const silent = await postern(["check-config", "--config", pipe]);
    expect([silent.code, silent.stdout]).toEqual([1, expect.stringContaining(`${pipe}:1:1: `)]);
  });

  test.each([
    [
      "a header's name with a space",
      '{ kind: generic, secret: hunter2, scheme: { header: "X Bad", algorithm: token } }',
    ],
    ["a token that no header can carry", '{ kind: telegram, secret: "hunter2-пароль" }'],
    ["a secret in a device", '{ kind: meta, secret: "${file:/dev/zero}" }'],
    ["a secret with two newlines", '{ kind: meta, secret: "hunter2\\n\\n" }'],
    ["nothing but braces", "{".repeat(300_000)],
  ])("check-config refuses what can never work, with its place: %s", async (_, source) => {
    const path = file(`sources:\n  a: ${source}\n`);
    const { code, stdout, stderr } = await postern(["check-config", "--config", path]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^${path}:2:\\d+: [^\\n]+\\n$`));
    expect(stdout).not.toContain("hunter2");
  });

  test("check-config says so when there are no sources, no file, and nothing that names one", async () => {
    const none = await postern(["check-config", "--config", file("sources: {}")]);
    expect(none).toEqual({ code: 0, stdout: "no sources\n", stderr: "" });
    const missing = await postern(["check-config", "--config", "/nowhere.yaml"]);
    expect([missing.code, missing.stdout]).toEqual([1, expect.stringContaining("/nowhere.yaml:1:1: ")]);
    const unnamed = await postern(["check-config"]);
    expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining("--config FILE")]);
  });
});

describe("serve", () => {
  test("serve is refused in one line with the first mistake and how many more there are", async () => {
    const path = file(BAD);
    for (const [flags, env] of [
      [["--config", path], {}],
      [[], { POSTERN_CONFIG: path }],
    ] as const) {
      const { code, stdout, stderr } = await postern(["serve", ...flags], {
        env: { WEBHOOK_SECRET: "s", PORT: "0", ...env },
      });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(
        /^postern: [^\n]+:4:13: [^\n]+ OLD [^\n]+, and 2 more: run postern check-config\n$/,
      );
    }
  });

  test.each(["sources: {}", "destinations: { a: { url: https://example.org, secret: a-secret-of-a-test } }"])(
    "serve wants WEBHOOK_SECRET when the file has no sources: %s",
    async (text) => {
      const { code, stderr } = await postern(["serve", "--config", file(text)], { env: { PORT: "0" } });
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/^postern: WEBHOOK_SECRET is not set[^\n]*\n$/),
      ]);
    },
  );
});

test("config-schema prints a JSON Schema, without any setting", async () => {
  const { code, stdout, stderr } = await postern(["config-schema"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({
    $schema: expect.stringContaining("json-schema.org"),
    properties: { sources: {}, destinations: {} },
  });
});
