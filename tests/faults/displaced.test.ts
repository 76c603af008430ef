/**
 * A database's files that lose their names under a running server: nothing is acknowledged any
 * more.
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { join } from "node:path";
import { postern as command } from "../cli/postern.ts";
import { until } from "../until.ts";
import {
  folderOfEachTest,
  Load,
  type PosternProcess,
  post,
  refusedStart,
  startPostern,
  storedIds,
} from "./postern-process.ts";

const folder = folderOfEachTest();
const SENDERS = 8;
const LONG_TEXT = "x".repeat(4096);

/** A server under load, and what was done to its files in the midst of it. */
async function displaceUnderLoad(displace: (database: string) => void) {
  const database = join(folder(), "app.db");
  const postern = await startPostern({ database });
  const load = new Load(postern.url, "before", SENDERS);
  await until("acknowledgements", () => load.acknowledged.size > 300);
  displace(database);
  const after = new Load(postern.url, "after", SENDERS);
  await until("refusals", () => after.refused.length > 20);
  await Promise.all([load.stop(), after.stop()]);
  return { database, postern, before: load.acknowledged, after };
}

/**
 * Nothing that was sent since got a 200, readiness says why, and one line in the log says what to
 * do.
 */
async function expectRefusal(postern: PosternProcess, after: Load, line: RegExp): Promise<void> {
  expect([...after.acknowledged]).toEqual([]);
  expect([...new Set(after.refused)]).toEqual([503]);
  expect(await ready(postern)).toEqual({
    status: 503,
    detail: "storage unavailable: a file of the database was moved, replaced or removed",
  });
  expect((await fetch(`${postern.url}/health/live`)).status).toBe(200);
  await expectLine(postern, line);
}

async function expectLine(postern: PosternProcess, line: RegExp): Promise<void> {
  const refusals = () => postern.log().filter((text) => text.includes("no message is accepted"));
  await until("the line in the log", () => refusals().length > 0);
  expect(refusals()).toHaveLength(1);
  expect(refusals()[0]).toMatch(line);
  expect(refusals()[0]).toContain('"level":"ERROR"');
}

async function ready(postern: PosternProcess): Promise<{ status: number; detail?: string }> {
  const response = await fetch(`${postern.url}/health/ready`);
  const { detail } = (await response.json()) as { detail?: string };
  return { status: response.status, ...(detail !== undefined && { detail }) };
}

async function expectAllOf(postern: PosternProcess, ids: ReadonlySet<string>): Promise<void> {
  const stored = await storedIds(postern.url);
  expect([...ids].filter((id) => stored.get(id) !== 1)).toEqual([]);
  expect([...stored.values()].filter((count) => count !== 1)).toEqual([]);
}

test("after the database was removed nothing is acknowledged, reads go on, and a restart makes no new one", async () => {
  const { database, postern, before, after } = await displaceUnderLoad((path) => rmSync(path));
  await expectRefusal(postern, after, /app\.db is gone: put that very file back.*put a backup there/);
  await expectAllOf(postern, before);
  expect(existsSync(database)).toBe(false);
  copyFileSync(descriptorOf(postern, `${database} (deleted)`), `${database}.saved`);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect((await refusedStart({ database })).stderr).toMatch(/there is .*app\.db-wal, but no database/);
  // What docs/operations.md says of a removed database.
  renameSync(`${database}.saved`, database);
  const next = await startPostern({ database });
  await expectAllOf(next, before);
});

function descriptorOf({ pid }: PosternProcess, target: string): string {
  const folder = `/proc/${pid}/fd`;
  const names = readdirSync(folder).map((name) => join(folder, name));
  return names.find((name) => readlinkSync(name) === target) ?? "";
}

test("after the log was removed nothing is acknowledged, and what was acknowledged before survives a kill", async () => {
  const { database, postern, before, after } = await displaceUnderLoad((path) => rmSync(`${path}-wal`));
  await expectRefusal(postern, after, /app\.db-wal is gone: .*copied into the database; restart the service/);
  postern.kill("SIGKILL");
  await postern.exited;
  const next = await startPostern({ database });
  await expectAllOf(next, before);
  next.kill("SIGTERM");
  expect(await next.exited).toBe(0);
  expect((await command(["doctor"], { env: { DATABASE_URL: `sqlite:///${database}` } })).code).toBe(0);
});

test("what comes after the state that somebody reads while the log is removed survives a kill as well", async () => {
  const database = join(folder(), "app.db");
  const postern = await startPostern({ database });
  expect((await post(postern.url, "seen"))?.status).toBe(200);
  const reading = new Database(database, { readonly: true });
  reading.run("begin");
  expect(reading.query("select count(*) from messages").values()).toEqual([[1]]);
  for (let count = 0; count < 20; count++) expect((await post(postern.url, `m${count}`))?.status).toBe(200);
  rmSync(`${database}-wal`);
  const refused = post(postern.url, "refused");
  // It waits for whoever reads, which nobody sees: later it would find nothing to wait for.
  await Bun.sleep(300);
  reading.close();
  expect((await refused)?.status).toBe(503);
  postern.kill("SIGKILL");
  await postern.exited;
  const next = await startPostern({ database });
  await expectAllOf(next, new Set(["seen", ...Array.from({ length: 20 }, (_, count) => `m${count}`)]));
});

test("a database that was moved away and comes back is served on, with all that was acknowledged", async () => {
  const { database, postern, before, after } = await displaceUnderLoad((path) =>
    renameSync(path, `${path}.away`),
  );
  await expectRefusal(postern, after, /app\.db is gone/);
  renameSync(`${database}.away`, database);
  await until("it is ready", async () => (await ready(postern)).status === 200);
  expect((await post(postern.url, "back"))?.status).toBe(200);
  await expectAllOf(postern, new Set([...before, "back"]));
  postern.kill("SIGKILL");
  await postern.exited;
  const next = await startPostern({ database });
  await expectAllOf(next, new Set([...before, "back"]));
  expect(postern.log().filter((line) => line.includes("can't be opened yet"))).toEqual([]);
}, 120_000);

test("a copy that is renamed over the database is another file, and is neither written nor read", async () => {
  const { database, postern, after } = await displaceUnderLoad((path) => {
    copyFileSync(path, `${path}.copy`);
    renameSync(`${path}.copy`, path);
  });
  const copy = await Bun.file(database).bytes();
  await expectRefusal(postern, after, /app\.db is another file than the one in use/);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect(await Bun.file(database).bytes()).toEqual(copy);
});

test("without its lock it acknowledges nothing: a second process could have the file", async () => {
  const { database, postern, before, after } = await displaceUnderLoad((path) => rmSync(`${path}.lock`));
  const second = await startPostern({ database });
  await expectRefusal(postern, after, /app\.db\.lock is gone|app\.db\.lock is another file/);
  expect((await post(second.url, "second"))?.status).toBe(200);
  expect((await post(postern.url, "first"))?.status).toBe(503);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  await expectAllOf(second, new Set([...before, "second"]));
  const env = { DATABASE_URL: `sqlite:///${database}` };
  expect((await command(["doctor"], { env })).stdout).toContain("log");
});

test("a log of which the end was cut off is never copied into the database", async () => {
  const database = join(folder(), "app.db");
  const postern = await startPostern({ database });
  for (let count = 0; count < 100; count++) expect((await post(postern.url, `m${count}`))?.status).toBe(200);
  // From here on the log holds one transaction, of which a part alone would be damage.
  expect(inAnotherProcess(database, "pragma wal_checkpoint(truncate)", "busy")).toBe("0");
  expect((await post(postern.url, "long", LONG_TEXT))?.status).toBe(200);
  const pages = Number(inAnotherProcess(database, "pragma wal_checkpoint(noop)", "log"));
  truncateSync(`${database}-wal`, 32 + 4120 * (pages - 1));
  // A change in the folder makes the next commit look at the log in full.
  await Bun.write(join(folder(), "new"), "");
  expect((await post(postern.url, "after"))?.status).toBe(503);
  await expectLine(postern, /app\.db-wal was cut off: .*postern doctor/);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  using file = new Database(database);
  expect(file.query("pragma integrity_check").values()).toEqual([["ok"]]);
  expect(file.query("select count(*) from messages").values()).toEqual([[100]]);
});

test("a log that was emptied is noticed within two hundred messages, and the database stays sound", async () => {
  const { database, postern } = await servedFor(FOLDER_AT_REST_MS);
  truncateSync(`${database}-wal`);
  let taken = 0;
  for (; taken < 200 && (await post(postern.url, `after-${taken}`))?.status === 200; taken++);
  expect(taken).toBeLessThan(200);
  await expectLine(postern, /app\.db-wal was cut off: .*postern doctor/);
  expect((await ready(postern)).status).toBe(503);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  using file = new Database(database);
  expect(file.query("pragma integrity_check").values()).toEqual([["ok"]]);
});

test("long after the last change in the folder it is noticed just as soon", async () => {
  for (const end of ["", "-wal", ".lock"]) {
    const { database, postern } = await servedFor(FOLDER_AT_REST_MS);
    renameSync(database + end, `${database}.away`);
    for (let count = 0; count < 5; count++)
      expect((await post(postern.url, `after-${count}`))?.status).toBe(503);
    expect((await ready(postern)).status).toBe(503);
    postern.kill("SIGKILL");
    await postern.exited;
    for (const name of [database, `${database}-wal`, `${database}.away`]) rmSync(name, { force: true });
  }
}, 120_000);

/**
 * Until then every commit looks at everything; afterwards at the folder, as long as nothing in it
 * changes.
 */
const FOLDER_AT_REST_MS = 3100;

/** A server that has stored messages until its folder was at rest for so long. */
async function servedFor(restMs: number) {
  const database = join(folder(), "app.db");
  const postern = await startPostern({ database });
  let count = 0;
  await until("the folder to be at rest", async () => {
    expect((await post(postern.url, `m${count++}`))?.status).toBe(200);
    return statSync(folder()).ctimeMs + restMs < Date.now();
  });
  expect((await post(postern.url, "at rest"))?.status).toBe(200);
  return { database, postern };
}

/** What another program finds in the first row. */
function inAnotherProcess(database: string, sql: string, column: string): string {
  const program = `const { Database } = await import("bun:sqlite");
    const db = new Database(process.argv[1]);
    db.run("pragma busy_timeout = 60000");
    console.log(db.query(process.argv[2]).get()[process.argv[3]]);
    db.close();`;
  const ran = Bun.spawnSync([process.execPath, "-e", program, database, sql, column]);
  expect(ran.stderr.toString()).toBe("");
  return ran.stdout.toString().trim();
}

test("a database that was emptied is refused, whatever is written into it afterwards", async () => {
  const { database, postern, after } = await displaceUnderLoad((path) => truncateSync(path));
  await expectRefusal(postern, after, /app\.db was emptied: stop the service, put a backup there/);
  await Bun.write(database, "x".repeat(65_536));
  expect(statSync(database).size).toBe(65_536);
  expect((await ready(postern)).status).toBe(503);
});

test("readiness alone notices, without any message", async () => {
  const database = join(folder(), "app.db");
  const postern = await startPostern({ database });
  expect((await post(postern.url, "fresh"))?.status).toBe(200);
  expect((await ready(postern)).status).toBe(200);
  renameSync(database, `${database}.away`);
  expect((await ready(postern)).status).toBe(503);
  renameSync(`${database}.away`, database);
  await until("it is ready", async () => (await ready(postern)).status === 200);
});

test("another program's checkpoints, which empty the log by SQLite's rules, are no reason to refuse", async () => {
  const database = join(folder(), "app.db");
  const postern = await startPostern({ database });
  const load = new Load(postern.url, "beside", SENDERS);
  for (let round = 0; round < 5; round++) {
    const enough = load.acknowledged.size + 200;
    await until("acknowledgements", () => load.acknowledged.size > enough);
    expect(inAnotherProcess(database, "pragma wal_checkpoint(truncate)", "busy")).toBe("0");
  }
  await load.stop();
  expect(load.refused).toEqual([]);
  await expectAllOf(postern, load.acknowledged);
});
