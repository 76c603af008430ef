/** The npm package's command, under Node and under Bun. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { BIN, newServer, postern } from "./postern.ts";

const RUNTIMES = [
  ["Node", ["node", BIN]],
  ["Bun", [process.execPath, BIN]],
  ["its own first line", [BIN]],
] as const;

test.each(RUNTIMES)("the package's command runs under %s", async (_, command) => {
  const { version } = await Bun.file("package.json").json();
  expect(await postern(["--version"], { command })).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

test.each(RUNTIMES)(
  "the package's command hands on the exit code and the error line under %s",
  async (_, command) => {
    const ran = await postern(["nonsense"], { command });
    expect(ran).toEqual({ code: 2, stdout: "", stderr: "postern: unknown command 'nonsense'\n" });
  },
);

test.each(RUNTIMES)(
  "the package's command hands on standard input and large outputs under %s",
  async (_, command) => {
    const { code, stdout } = await postern(["openapi"], { command });
    expect(code).toBe(0);
    expect(() => JSON.parse(stdout)).not.toThrow();
    const stdin = '{"message_id":"m1","from":"+1","to":"+2","ts":"2025-01-15T10:00:00Z"}';
    const sent = await postern(["send", "--file", "-", "--format", "ndjson", "--dry-run"], {
      command,
      stdin,
      env: { WEBHOOK_SECRET: "s" },
    });
    expect(sent.stdout).toContain(stdin);
  },
);

test.each(RUNTIMES)(
  "the package's command serves under %s and stops cleanly on SIGTERM",
  async (_, command) => {
    const server = await newServer({ command });
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    expect(await server.stop()).toBe(0);
  },
);

test("under Node the package's command lets more requests be under way than Bun does by itself", async () => {
  const folder = newFolder();
  const preload = join(folder.path, "preload.ts");
  writeFileSync(preload, "console.log(process.env.BUN_CONFIG_MAX_HTTP_REQUESTS);");
  const asked = (env: Record<string, string>) =>
    postern(["--version"], { command: ["node", BIN], env: { BUN_OPTIONS: `--preload=${preload}`, ...env } });
  expect((await asked({})).stdout).toStartWith("65535\n");
  expect((await asked({ BUN_CONFIG_MAX_HTTP_REQUESTS: "300" })).stdout).toStartWith("300\n");
  folder.remove();
});
