import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "../until.ts";
import { folderOfEachTest, type PosternProcess, post, startPostern, storedIds } from "./postern-process.ts";

const folder = folderOfEachTest();

const LONG_TEXT = "x".repeat(4000);

/**
 * Posts until something other than a 200 comes; the ids that were acknowledged, and that answer.
 */
async function postUntilRefused(postern: PosternProcess, prefix: string, most: number) {
  const acknowledged: string[] = [];
  for (let count = 0; count < most; count += 50) {
    const ids = Array.from({ length: 50 }, (_, index) => `${prefix}-${count + index}`);
    const answers = await Promise.all(ids.map((id) => post(postern.url, id, LONG_TEXT)));
    ids.forEach((id, index) => {
      if (answers[index]?.status === 200) acknowledged.push(id);
    });
    const refused = answers.find((answer) => answer !== undefined && answer.status !== 200);
    if (refused !== undefined) return { acknowledged, refused };
  }
  throw new Error(`nothing was refused in ${most} messages`);
}

function expectRetryLater(refused: Response): void {
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
}

async function expectRecovery(postern: PosternProcess): Promise<void> {
  const ready = async () => (await fetch(`${postern.url}/health/ready`)).status === 200;
  await until("readiness says 200", ready);
  expect((await post(postern.url, "after-repair", LONG_TEXT))?.status).toBe(200);
}

async function expectAllStored(postern: PosternProcess, acknowledged: readonly string[]) {
  const stored = await storedIds(postern.url);
  expect(acknowledged.filter((id) => stored.get(id) !== 1)).toEqual([]);
  expect([...stored.values()].filter((count) => count !== 1)).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(0);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
}

const namespaces = process.getuid?.() === 0 ? "unshare -m" : "unshare -Urm";
const canMount = Bun.spawnSync(["sh", "-c", `${namespaces} mount -t tmpfs tmpfs /mnt`]).exitCode === 0;
if (!canMount)
  console.log("skipped: a full disk (this user may not mount a tmpfs in a namespace of its own)");

test.if(canMount)(
  "on a full disk requests get 503, and it goes on when there is room",
  async () => {
    const disk = join(folder(), "disk");
    mkdirSync(disk);
    // 24 MiB hold neither the log's full size nor what is sent; the ballast is the room that comes
    // back.
    const mount = `mount -t tmpfs -o size=24m tmpfs '${disk}' && head -c 8388608 /dev/zero > '${disk}/ballast'`;
    const postern = await startPostern({
      database: join(disk, "app.db"),
      shell: `exec ${namespaces} sh -c "${mount} && exec \\"\\$@\\"" sh "$@"`,
    });
    const { acknowledged, refused } = await postUntilRefused(postern, "full", 20_000);
    expectRetryLater(refused);
    // Small messages take the last pages, and readiness's own probes the very last.
    let small = 0;
    await until("readiness says 503", async () => {
      const id = `small-${small++}`;
      if ((await post(postern.url, id))?.status === 200) acknowledged.push(id);
      return (await fetch(`${postern.url}/health/ready`)).status === 503;
    });
    expect((await fetch(`${postern.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${postern.url}/messages?limit=1`)).status).toBe(200);
    expect(await Bun.spawn(["rm", `/proc/${postern.pid}/root${disk}/ballast`]).exited).toBe(0);
    await expectRecovery(postern);
    await expectAllStored(postern, acknowledged);
  },
  120_000,
);

test("after an I/O error it takes nothing until the database is open again, and loses nothing", async () => {
  // Writing beyond the limit fails with EFBIG, which SQLite takes for an error of the disk.
  const limitBlocks = (80 * 1024 * 1024) / 512;
  const postern = await startPostern({
    database: join(folder(), "app.db"),
    shell: `trap '' XFSZ; ulimit -S -f ${limitBlocks}; exec "$@"`,
  });
  const { acknowledged, refused } = await postUntilRefused(postern, "io", 60_000);
  expectRetryLater(refused);
  const unready = async () => (await fetch(`${postern.url}/health/ready`)).status === 503;
  await until("readiness says 503", unready);
  expect((await fetch(`${postern.url}/health/live`)).status).toBe(200);
  expect(await Bun.spawn(["prlimit", "--pid", String(postern.pid), "--fsize=unlimited"]).exited).toBe(0);
  await expectRecovery(postern);
  await expectAllStored(postern, acknowledged);
}, 120_000);
