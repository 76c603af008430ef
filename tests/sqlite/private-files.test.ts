/** Who may read the files that Postern makes: their owner alone, whichever command made them. */
import { expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { postern } from "../cli/postern.ts";
import { folderOfEachTest, messageBody, post, startPostern } from "../faults/postern-process.ts";
import { newFolder } from "../folder.ts";
import { PROGRAM } from "../program.ts";
import { until } from "../until.ts";

const folder = folderOfEachTest();
const UMASKS = ["000", "022", "077"];
const WARNING = "everybody on this machine may read the database";

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
/** Of what is in a folder, by name. */
const modesIn = (path: string) =>
  Object.fromEntries(readdirSync(path).map((name) => [name, modeOf(join(path, name))]));
/** Names of the files in a folder, of which nobody but their owner reads or writes any. */
function privateIn(path: string): string[] {
  const modes = modesIn(path);
  expect(new Set(Object.values(modes))).toEqual(new Set(["600"]));
  return Object.keys(modes);
}
const withUmask = (umask: string, args: readonly string[], database: string) =>
  postern([], {
    command: ["sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...PROGRAM, ...args],
    env: { DATABASE_URL: `sqlite:///${database}` },
  });

test.each(UMASKS)("what serve makes under the umask %s is its user's alone", async (umask) => {
  const data = join(folder(), "new/data");
  const database = join(data, "app.db");
  const served = await startPostern({ database, shell: `umask ${umask}; exec "$@"` });
  expect((await post(served.url, "m1"))?.status).toBe(200);
  await until("the index", () => readdirSync(data).includes("app.db-index1-shm"));
  expect([modeOf(join(folder(), "new")), modeOf(data)]).toEqual(["700", "700"]);
  const names = ["app.db", "app.db-wal", "app.db-shm", "app.db.lock"];
  const index = ["app.db-index1", "app.db-index1-wal", "app.db-index1-shm"];
  expect(privateIn(data)).toEqual(expect.arrayContaining([...names, ...index]));
  served.kill("SIGKILL");
  await served.exited;
});

test.each(UMASKS)(
  "what import, doctor and export make under the umask %s is their user's alone",
  async (umask) => {
    const data = join(folder(), "data");
    const database = join(data, "app.db");
    const input = join(folder(), "in.ndjson");
    writeFileSync(input, `${messageBody("m1")}\n`);
    expect((await withUmask(umask, ["import", input], database)).code).toBe(0);
    expect(modeOf(data)).toBe("700");
    expect(privateIn(data)).toContain("app.db-index1");
    expect((await withUmask(umask, ["doctor", "--rebuild"], database)).code).toBe(0);
    expect(privateIn(data)).toContain("app.db-index2");
    const output = join(folder(), "out.ndjson");
    expect((await withUmask(umask, ["export", "--output", output], database)).code).toBe(0);
    expect(modeOf(output)).toBe("600");
  },
);

test("an export keeps the mode of the file that it takes the place of", async () => {
  const input = join(folder(), "in.ndjson");
  writeFileSync(input, `${messageBody("m1")}\n`);
  const database = join(folder(), "app.db");
  await withUmask("077", ["import", input], database);
  const output = join(folder(), "out.ndjson");
  writeFileSync(output, "");
  chmodSync(output, 0o664);
  writeFileSync(`${output}.partial`, "left behind", { mode: 0o666 });
  expect((await withUmask("077", ["export", "--output", output], database)).code).toBe(0);
  expect(modeOf(output)).toBe("664");
  expect(readFileSync(output, "utf8")).toContain('"m1"');
});

test("a folder and a database that are there keep their modes, and other files of the database get its", async () => {
  const data = join(folder(), "data");
  mkdirSync(data);
  chmodSync(data, 0o750);
  const database = join(data, "app.db");
  const first = await startPostern({ database });
  first.kill("SIGTERM");
  await first.exited;
  expect(modeOf(data)).toBe("750");
  chmodSync(database, 0o640);
  const served = await startPostern({ database, shell: 'umask 077; exec "$@"' });
  await post(served.url, "m1");
  expect(modesIn(data)).toMatchObject({ "app.db": "640", "app.db-wal": "640", "app.db-shm": "640" });
  expect(served.log().filter((line) => line.includes(WARNING))).toEqual([]);
  served.kill("SIGTERM");
  await served.exited;
});

test("the start warns of files that everybody may read, and of none that nobody else reaches", async () => {
  // Temporary folders of other systems, or of a run of all tests, may be somebody's alone.
  const open = newFolder("/tmp");
  try {
    const database = join(open.path, "app.db");
    const warnings = async () => {
      const served = await startPostern({ database });
      served.kill("SIGTERM");
      expect(await served.exited).toBe(0);
      return served.log().flatMap((line) => (line.includes(WARNING) ? [JSON.parse(line)] : []));
    };
    chmodSync(open.path, 0o755);
    expect(await warnings()).toEqual([]);
    chmodSync(database, 0o644);
    expect(await warnings()).toMatchObject([
      { level: "WARN", folder: open.path, files: "app.db app.db-shm app.db-wal", remedy: expect.any(String) },
    ]);
    chmodSync(open.path, 0o700);
    expect(await warnings()).toEqual([]);
  } finally {
    open.remove();
  }
});

test.skipIf(process.geteuid?.() !== 0)(
  "what root makes beside another user's database is that user's",
  async () => {
    const database = join(folder(), "app.db");
    const input = join(folder(), "in.ndjson");
    writeFileSync(input, `${messageBody("m1")}\n`);
    await withUmask("022", ["import", input], database);
    for (const name of readdirSync(folder())) chownSync(join(folder(), name), 65_532, 65_532);
    expect((await withUmask("022", ["doctor", "--rebuild"], database)).code).toBe(0);
    expect(statSync(`${database}-index2`)).toMatchObject({ uid: 65_532, gid: 65_532 });
  },
);

test.skipIf(process.geteuid?.() !== 0 || Bun.which("setpriv") === null)(
  "a root that may not give files away starts beside another user's database",
  async () => {
    const database = join(folder(), "app.db");
    writeFileSync(database, "");
    chownSync(database, 65_532, 65_532);
    const served = await startPostern({ database, shell: 'exec setpriv --bounding-set=-chown "$@"' });
    expect((await post(served.url, "m1"))?.status).toBe(200);
    expect(statSync(`${database}.lock`)).toMatchObject({ uid: 0 });
    served.kill("SIGTERM");
    expect(await served.exited).toBe(0);
  },
);
