/**
 * One process a file, whatever the file is called: links, relative paths and mounts lead to one
 * lock, or are refused.
 */
import { expect, test } from "bun:test";
import { existsSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { postern as command } from "../cli/postern.ts";
import { folderOfEachTest, post, refusedStart, startPostern, storedIds } from "./postern-process.ts";

const folder = folderOfEachTest();

function expectOneLine(refused: { code: number; stderr: string }, pattern: RegExp): void {
  expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(refused.stderr).toMatch(pattern);
  expect(refused.code).toBe(1);
}

const IN_USE = /in use by another Postern process/;

test("a second process is refused under every name that links and relative paths give the file", async () => {
  mkdirSync(join(folder(), "data"));
  symlinkSync("data", join(folder(), "linked-folder"));
  symlinkSync("data/app.db", join(folder(), "linked.db"));
  symlinkSync(join(folder(), "linked.db"), join(folder(), "linked-twice.db"));
  const database = join(folder(), "data/app.db");
  const postern = await startPostern({ database });
  for (const name of ["linked.db", "linked-twice.db", "linked-folder/app.db", "data/../data//app.db"])
    expectOneLine(await refusedStart({ database: join(folder(), name) }), IN_USE);
  for (const name of ["app.db", "../linked.db"])
    expectOneLine(
      await refusedStart({ database: name, shell: `cd '${folder()}/data' && exec "$@"` }),
      IN_USE,
    );
  const other = { env: { DATABASE_URL: `sqlite:///${folder()}/linked.db` } };
  expectOneLine(await command(["import", "/dev/null"], other), IN_USE);
  expect((await post(postern.url, "one"))?.status).toBe(200);
  const exported = await command(["export"], other);
  expect(exported.stdout).toContain('"message_id":"one"');
}, 120_000);

test("a link to a file that isn't there yet is followed, and everything stands beside the real file", async () => {
  symlinkSync(join(folder(), "elsewhere"), join(folder(), "data"));
  symlinkSync("data/deeper/app.db", join(folder(), "new.db"));
  symlinkSync("new.db", join(folder(), "app.db"));
  const postern = await startPostern({ database: join(folder(), "app.db") });
  expect((await post(postern.url, "one"))?.status).toBe(200);
  const real = join(folder(), "elsewhere/deeper/app.db");
  for (const end of ["", "-wal", "-shm", ".lock", "-index1"]) expect(existsSync(real + end)).toBe(true);
  expect(existsSync(join(folder(), "app.db.lock"))).toBe(false);
  expect(lstatSync(join(folder(), "app.db")).isSymbolicLink()).toBe(true);
  expectOneLine(await refusedStart({ database: real }), IN_USE);
});

test("a file with a second name is refused by every command, with what to do about it", async () => {
  const database = join(folder(), "app.db");
  const other = join(folder(), "other.db");
  const postern = await startPostern({ database });
  expect((await post(postern.url, "one"))?.status).toBe(200);
  linkSync(database, other);
  const refusal = /other\.db has 2 names \(hard links\).*remove all but one/;
  expectOneLine(await refusedStart({ database: other }), refusal);
  const env = { DATABASE_URL: `sqlite:///${other}` };
  const to = "postgres://nobody:x@127.0.0.1:1/none";
  for (const args of [
    ["export"],
    ["doctor"],
    ["doctor", "--rebuild"],
    ["import", "/dev/null"],
    ["migrate", "--from", env.DATABASE_URL, "--to", to],
  ])
    expectOneLine(await command(args, { env }), refusal);
  expect(existsSync(`${other}.lock`) || existsSync(`${other}-wal`)).toBe(false);
  expect((await post(postern.url, "two"))?.status).toBe(200);
  rmSync(other);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  const next = await startPostern({ database });
  expect([...(await storedIds(next.url)).keys()].sort()).toEqual(["one", "two"]);
}, 120_000);

test("a folder, and a link that leads nowhere but to itself, are refused with one line", async () => {
  symlinkSync("loop.db", join(folder(), "loop.db"));
  expectOneLine(await refusedStart({ database: join(folder(), "loop.db") }), /can't find .*loop\.db: ELOOP/);
  mkdirSync(join(folder(), "app.db"));
  expectOneLine(await refusedStart({ database: join(folder(), "app.db") }), /app\.db is not a file/);
});

test("a log without its database is refused and kept: a new database would throw it away", async () => {
  const database = join(folder(), "app.db");
  const postern = await startPostern({ database });
  expect((await post(postern.url, "only in the log"))?.status).toBe(200);
  postern.kill("SIGKILL");
  await postern.exited;
  renameSync(database, `${database}.away`);
  expectOneLine(await refusedStart({ database }), /there is .*app\.db-wal, but no database/);
  const env = { DATABASE_URL: `sqlite:///${database}` };
  expectOneLine(await command(["import", "/dev/null"], { env }), /there is .*app\.db-wal, but no database/);
  expect(existsSync(database)).toBe(false);
  renameSync(`${database}.away`, database);
  const next = await startPostern({ database });
  expect([...(await storedIds(next.url)).keys()]).toEqual(["only in the log"]);
});

const namespaces = process.getuid?.() === 0 ? "unshare -m" : "unshare -Urm";
const canMount = Bun.spawnSync(["sh", "-c", `${namespaces} mount -t tmpfs tmpfs /mnt`]).exitCode === 0;
if (!canMount) console.log("skipped: mounts (this user may not mount in a namespace of its own)");

test.if(canMount)("a file that is mounted by itself is refused, a mounted folder is one lock", async () => {
  mkdirSync(join(folder(), "data"));
  mkdirSync(join(folder(), "mounted place"));
  const database = join(folder(), "data/app.db");
  const postern = await startPostern({ database });
  const within = (mount: string) => `exec ${namespaces} sh -c "${mount} && exec \\"\\$@\\"" sh "$@"`;
  const place = join(folder(), "mounted place");
  await Bun.write(join(place, "app.db"), "");
  expectOneLine(
    await refusedStart({
      database: join(place, "app.db"),
      shell: within(`mount --bind '${database}' '${place}/app.db'`),
    }),
    /mounted as a single file.*mount the folder/,
  );
  expectOneLine(
    await refusedStart({
      database: join(place, "app.db"),
      shell: within(`mount --bind '${folder()}/data' '${place}'`),
    }),
    IN_USE,
  );
  expect((await fetch(`${postern.url}/health/ready`)).status).toBe(200);
});
