/** The npm package's command, under Node and under Bun. */
import { expect, test } from "bun:test";
import { statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "../folder.ts";
import { BIN, newServer, postern, ROOT } from "./postern.ts";

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

/** A folder whose files would change what runs in it. */
function foreignFolder() {
  const folder = newFolder();
  writeFileSync(join(folder.path, ".env"), "WEBHOOK_SECRET=from-the-file\n");
  writeFileSync(join(folder.path, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
  writeFileSync(join(folder.path, "preload.ts"), 'console.log("preloaded");\n');
  return folder;
}
const DRY = ["send", "--dry-run", "--id", "m1", "--from", "+1", "--to", "+2"];

test("under Node a .env and a bunfig.toml of the folder change nothing", async () => {
  const folder = foreignFolder();
  const ran = await postern(DRY, { command: ["node", BIN], cwd: folder.path });
  expect(ran).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("WEBHOOK_SECRET") });
  folder.remove();
});

test.each([".env", ".env.local", ".env.development", ".env.development.local"])(
  "under Bun, which has read it before, a %s is refused unless an option says what is meant",
  async (name) => {
    const folder = newFolder();
    writeFileSync(join(folder.path, name), "WEBHOOK_SECRET=from-the-file\n");
    const run = (...options: readonly string[]) =>
      postern(DRY, { command: [process.execPath, ...options, BIN], cwd: folder.path });
    expect(await run()).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining(`read ${name} `),
    });
    expect(await run("--no-env-file")).toMatchObject({ code: 1, stderr: expect.not.stringContaining(name) });
    expect(await run(`--env-file=${name}`)).toMatchObject({ code: 0, stderr: "" });
    folder.remove();
  },
);

/** As `make run` finds it, with a `.env` beside. */
function sourcesFolder() {
  const folder = newFolder();
  for (const name of ["src", "scripts", "node_modules", "bunfig.toml", "package.json"])
    symlinkSync(join(ROOT, name), join(folder.path, name));
  writeFileSync(join(folder.path, ".env"), "API_TOKEN=from-the-file\n");
  return folder;
}

test("what runs in the folder of the sources takes nothing from a .env there", async () => {
  const folder = sourcesFolder();
  const server = await newServer({ command: ["node_modules/.bin/bun", "src/main.ts"], cwd: folder.path });
  expect((await fetch(`${server.url}/messages`)).status).toBe(200);
  expect(await server.stop()).toBe(0);
  folder.remove();
});

test("the secret of make run, and the folder that it makes for it, are its user's alone", async () => {
  const folder = sourcesFolder();
  // Ends by itself: no level is called that.
  const env = { LOG_LEVEL: "nonsense", PORT: "0" };
  await postern([], { command: ["sh", "-c", "umask 000; sh scripts/run.sh"], cwd: folder.path, env });
  const modes = ["data", "data/dev-secret"].map((name) => statSync(join(folder.path, name)).mode & 0o777);
  expect(modes).toEqual([0o700, 0o600]);
  folder.remove();
});
