import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { folderOfEachTest, refusedStart, startPostern } from "./postern-process.ts";

const folder = folderOfEachTest();

function expectOneLine(refused: { code: number; stderr: string }, pattern: RegExp): void {
  expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(refused.stderr).toMatch(pattern);
  expect(refused.code).toBe(1);
}

test("a second process on the same file is refused with one line, and the first one serves on", async () => {
  const database = join(folder(), "app.db");
  const postern = await startPostern({ database });
  expectOneLine(await refusedStart({ database }), /in use by another Postern process/);
  expect((await fetch(`${postern.url}/health/ready`)).status).toBe(200);
  postern.kill("SIGKILL");
  await postern.exited;
  const next = await startPostern({ database });
  next.kill("SIGTERM");
  expect(await next.exited).toBe(0);
});

test("a file of a newer schema is refused with one line", async () => {
  const database = join(folder(), "app.db");
  const postern = await startPostern({ database });
  postern.kill("SIGTERM");
  await postern.exited;
  const db = new Database(database);
  db.run("pragma user_version = 99");
  db.close();
  expectOneLine(await refusedStart({ database }), /schema version 99.*run the newer Postern/);
});

test("another program's database is refused with one line and left as it was", async () => {
  const database = join(folder(), "app.db");
  const db = new Database(database, { create: true });
  db.run("create table theirs (a)");
  db.close();
  const before = await Bun.file(database).bytes();
  expectOneLine(await refusedStart({ database }), /database of another program/);
  expect(await Bun.file(database).bytes()).toEqual(before);
  expect(existsSync(`${database}-wal`)).toBe(false);
});

test("a file that is no database is refused with one line", async () => {
  const database = join(folder(), "app.db");
  await Bun.write(
    database,
    "this is no database, but a text that is long enough to be looked at".repeat(100),
  );
  expectOneLine(await refusedStart({ database }), /app\.db|not a database/);
});

test("a missing secret, a bad port and a URL of another database are refused with one line each", async () => {
  const database = join(folder(), "app.db");
  expectOneLine(await refusedStart({ database, env: { WEBHOOK_SECRET: "  " } }), /WEBHOOK_SECRET is not set/);
  expectOneLine(
    await refusedStart({ database, env: { PORT: "http" } }),
    /PORT is "http": it takes a whole number/,
  );
  expectOneLine(
    await refusedStart({ database, env: { DATABASE_URL: "mysql://user:hunter2@db/postern" } }),
    /DATABASE_URL is "mysql:\/\/\*\*\*@db\/postern": it takes/,
  );
});
