/**
 * The single executable that the container image holds: a thread's file that was forgotten in it
 * shows here.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { sign } from "../../src/sources/native.ts";
import { type Folder, newFolder } from "../folder.ts";

const ROOT = resolve(import.meta.dir, "../..");
const SECRET = "build-test-secret";

let folder: Folder;
beforeEach(() => {
  folder = newFolder();
});
afterEach(() => folder.remove());

test("the compiled executable serves, stores and stops on its own", async () => {
  const executable = join(folder.path, "postern");
  const compiled = Bun.spawnSync([process.execPath, join(ROOT, "scripts/compile.ts"), executable], {
    cwd: ROOT,
  });
  expect(compiled.exitCode).toBe(0);
  const database = join(folder.path, "data/app.db");
  // Of neither is anything taken.
  writeFileSync(join(folder.path, ".env"), "API_TOKEN=of-the-folder\n");
  writeFileSync(join(folder.path, "bunfig.toml"), 'preload = ["./nothing.ts"]\n');
  const postern = Bun.spawn([executable, "serve"], {
    cwd: folder.path,
    env: { WEBHOOK_SECRET: SECRET, DATABASE_URL: `sqlite:///${database}`, PORT: "0" },
    stdout: "pipe",
  });
  try {
    const first = await postern.stdout.getReader().read();
    const port = /"port":(\d+)/.exec(new TextDecoder().decode(first.value))?.[1];
    const message = { message_id: "m1", from: "+1", to: "+2", ts: "2025-01-15T10:00:00Z" };
    // So large that a thread inspects it.
    const body = JSON.stringify({ ...message, more: "x".repeat(100_000) });
    const headers = { "X-Signature": sign(SECRET, body) };
    const answer = await fetch(`http://127.0.0.1:${port}/webhook`, { method: "POST", body, headers });
    expect(answer.headers.get("postern-result")).toBe("ok");
    const page = (await (await fetch(`http://127.0.0.1:${port}/messages`)).json()) as { total: number };
    expect(page.total).toBe(1);
    const dashboard = await (await fetch(`http://127.0.0.1:${port}/ui/`)).text();
    const [, script] = /src="(main-[^"]+)"/.exec(dashboard) ?? [];
    expect((await fetch(`http://127.0.0.1:${port}/ui/${script}`)).status).toBe(200);
    postern.kill("SIGTERM");
    expect(await postern.exited).toBe(0);
    // What a broker's library lacks shows before anybody is there to connect to.
    const config = join(folder.path, "postern.yaml");
    const urls = { amqp: "amqp://127.0.0.1:9", nats: "nats://127.0.0.1:9", redis: "redis://127.0.0.1:9" };
    const lines = Object.entries(urls).map(([name, url]) => `  ${name}: { url: "${url}" }\n`);
    writeFileSync(config, `destinations:\n${lines.join("")}`);
    for (const name of Object.keys(urls)) {
      const tried = Bun.spawnSync([executable, "deliveries", "test", name, "--config", config], { cwd: "/" });
      expect(tried.stdout.toString()).toContain(" ms: refused: ");
    }
  } finally {
    postern.kill("SIGKILL");
  }
}, 120_000);
