/**
 * The single executable that the container image holds: a thread's file that was forgotten in it
 * shows here.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
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
  const postern = Bun.spawn([executable, "serve"], {
    cwd: "/",
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
    postern.kill("SIGTERM");
    expect(await postern.exited).toBe(0);
  } finally {
    postern.kill("SIGKILL");
  }
}, 120_000);
