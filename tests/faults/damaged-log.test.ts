/**
 * Bytes of the database file that are others than those written: noticed, told with the remedy, and
 * never carried over.
 */
import { Database } from "bun:sqlite";
import { beforeEach, expect, test } from "bun:test";
import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { postern as run } from "../cli/postern.ts";
import { flipText, overwrite, PAGE_BYTES, write } from "../flip.ts";
import { until } from "../until.ts";
import {
  folderOfEachTest,
  type PosternProcess,
  post,
  refusedStart,
  startPostern,
} from "./postern-process.ts";

const folder = folderOfEachTest();
const MESSAGES = 3000;
const REMEDY = "restore a backup, or `postern export` what is readable";
let database: string;

/** Messages of the native source; one in ten is a provider's, with an event. */
function records(): object[] {
  return Array.from({ length: MESSAGES }, (_, at) => {
    const ts = new Date(Date.UTC(2025, 0, 1) + at * 1000).toISOString();
    const seq = 2 * at + 1;
    const common = { seq, from: "+1", to: "+2", ts, text: `the text number ${at}.`, created_at: ts };
    if (at % 10 !== 0) return [{ ...common, message_id: `m${at}` }];
    const body = Buffer.from(`{"text":"the body number ${at}."}`);
    const part = { delivery: seq, start: 0, stop: body.length, source: "wa" };
    return [
      { delivery: seq, body_base64: body.toString("base64") },
      { ...common, ...part, message_id: `wa:${at}`, type: "text" },
      {
        ...part,
        seq: seq + 1,
        kind: "status",
        event_key: `${at}`,
        message_id: `wa:${at}`,
        ts,
        created_at: ts,
      },
    ];
  }).flat();
}

const env = () => ({ DATABASE_URL: `sqlite:///${database}` });

beforeEach(async () => {
  database = join(folder(), "app.db");
  const stdin = records()
    .map((record) => JSON.stringify(record))
    .join("\n");
  expect((await run(["import", "-"], { env: env(), stdin })).code).toBe(0);
});

/** Pages of the file that hold a table's rows or an index's entries. */
function leavesOf(name: string): number[] {
  using db = new Database(database, { readonly: true });
  const sql = "select pageno from dbstat where name = ? and pagetype = 'leaf' order by pageno";
  return (db.query(sql).values(name) as [number][]).map(([page]) => page);
}

function overwritePages(pages: readonly number[]): void {
  for (const page of pages) overwrite(database, (page - 1) * PAGE_BYTES, PAGE_BYTES);
}

const linesWith = (postern: PosternProcess, text: string) =>
  postern.log().filter((line) => line.includes(text));

/** What an export holds, by `seq`; a provider's bytes by that of their delivery. */
async function exported(...flags: string[]) {
  const { code, stdout, stderr } = await run(["export", ...flags], { env: env() });
  const rows = stdout
    .trim()
    .split("\n")
    .map(
      (line) => JSON.parse(line) as { seq?: number; delivery?: number; message_id?: string; text?: string },
    );
  return { code, stderr, rows };
}

/** What a new file holds that takes the export. */
async function imported(rows: readonly object[]): Promise<string> {
  const stdin = rows.map((row) => JSON.stringify(row)).join("\n");
  const other = { DATABASE_URL: `sqlite:///${join(folder(), "new.db")}` };
  const { stdout } = await run(["import", "-"], { env: other, stdin });
  expect((await run(["doctor"], { env: other })).code).toBe(0);
  return stdout.split("\n")[0] ?? "";
}

test("a flipped byte in a text is told once with the message and the remedy, counted, and found by doctor", async () => {
  flipText(database, "the text number 77.");
  const postern = await startPostern({ database });
  const page = async () => {
    const answer = await fetch(`${postern.url}/messages?limit=100`);
    const { data } = (await answer.json()) as { data: readonly { text: string }[] };
    return { status: answer.status, text: data[77]?.text };
  };
  expect(await page()).toEqual({ status: 200, text: "tie text number 77." });
  expect(await page()).toEqual(await page());
  expect((await fetch(`${postern.url}/messages/m77`)).status).toBe(200);
  const [line, ...more] = await until("the operator to be told", () => {
    const lines = linesWith(postern, "is damaged");
    return lines.length > 0 && lines;
  });
  expect(more).toEqual([]);
  expect(JSON.parse(line ?? "")).toMatchObject({
    level: "ERROR",
    message: 'the message with seq 155 (message_id "m77") is damaged: the checksum differs',
    file: database,
    seq: 155,
    message_id: "m77",
    remedy: expect.stringContaining(REMEDY),
  });
  expect(await (await fetch(`${postern.url}/metrics`)).text()).toContain("\nstore_damaged_rows_total 1\n");
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);

  const doctor = await run(["doctor"], { env: env() });
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toContain(
    'the message with seq 155 (message_id "m77") is damaged: the checksum differs',
  );
  expect(doctor.stderr).toContain(REMEDY);
}, 120_000);

test("an export leaves out a damaged row and says so; --include-damaged gives it as it is", async () => {
  flipText(database, "the text number 77.");
  flipText(database, "the body number 500.");
  const { code, stderr, rows } = await exported();
  expect(code).toBe(1);
  expect(stderr.trim().split("\n")).toEqual([
    'postern: the message with seq 155 (message_id "m77") is damaged, and left out',
    'postern: the bytes of the request that holds seq 1001 (message_id "wa:500") are damaged, and left out',
    'postern: the bytes of the request that holds seq 1002 (message_id "wa:500") are damaged, and left out',
    "postern: the database is damaged: everything else that can be read was exported",
  ]);
  expect(rows).toHaveLength(MESSAGES + (2 * MESSAGES) / 10 - 4);
  expect(await imported(rows)).toBe(
    `new ${MESSAGES - 2}, duplicate 0, differing 0, invalid 0; events: new ${MESSAGES / 10 - 1}, duplicate 0`,
  );
  const all = await exported("--include-damaged");
  expect([all.code, all.rows.length]).toEqual([1, MESSAGES + (2 * MESSAGES) / 10]);
  expect(all.rows.find(({ message_id }) => message_id === "m77")?.text).toBe("tie text number 77.");
  expect(all.stderr).toContain("and exported as it is");
}, 120_000);

test("an export goes on behind pages that can't be read, and names their rows", async () => {
  const leaves = leavesOf("messages");
  const bad = [leaves[10], leaves[11], leaves[40], leaves.at(-1)].map((page) => page ?? 0);
  overwritePages(bad);
  const { code, stderr, rows } = await exported();
  expect(code).toBe(1);
  const gaps = [...stderr.matchAll(/messages: rows (\d+) (?:to (\d+)|on) can't be read|from (\d+) on/g)];
  expect(gaps).toHaveLength(3);
  const missing = gaps.flatMap(([, first, last, from]) => {
    const [low, high] = from === undefined ? [Number(first), Number(last)] : [Number(from), MESSAGES];
    return Array.from({ length: high - low + 1 }, (_, at) => 2 * (low + at - 1) + 1);
  });
  const there = rows.flatMap(({ seq, text }) => (seq === undefined || text === undefined ? [] : [seq]));
  const all = Array.from({ length: MESSAGES }, (_, at) => 2 * at + 1);
  expect([...there, ...missing].sort((a, b) => a - b)).toEqual(all);
  expect(there.length).toBeGreaterThan(MESSAGES / 2);
  await imported(rows.filter((row) => row.delivery === undefined));

  const doctor = await run(["doctor"], { env: env() });
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toMatch(/messages: rows \d+ to \d+ can't be read/);
  expect(doctor.stdout).toMatch(/messages: rows \d+ to the end can't be read/);
  expect(doctor.stderr).toContain(REMEDY);
}, 120_000);

test("an export, doctor and reads notice rows that are gone though no page of theirs looks damaged", async () => {
  const [, , , page = 0] = leavesOf("messages");
  // The page's number of rows.
  const count = (page - 1) * PAGE_BYTES + 3;
  const before = readFileSync(database).readUInt16BE(count);
  write(database, count, Buffer.of(0, before - 5));
  const { code, stderr, rows } = await exported();
  const [, first, last] = /messages: rows (\d+) to (\d+) can't be read/.exec(stderr) ?? [];
  const there = rows.filter(({ text }) => text !== undefined).length;
  expect(there).toBe(MESSAGES - 5);
  expect({ code, there }).toEqual({ code: 1, there: MESSAGES - (Number(last) - Number(first) + 1) });
  expect((await run(["doctor"], { env: env() })).stdout).toContain(
    `the primary key has ${MESSAGES} entries for ${there} rows`,
  );
  const postern = await startPostern({ database });
  const answer = await fetch(`${postern.url}/messages?limit=100&offset=${Number(first) - 10}`);
  expect([answer.status, await answer.json()]).toEqual([503, { detail: "the database file is damaged" }]);
}, 120_000);

test("reads of a page of the log that can't be read get 503, and the operator is told once", async () => {
  const leaves = leavesOf("messages");
  overwritePages(leaves.slice(1, 4));
  const postern = await startPostern({ database });
  for (let at = 0; at < 3; at++) {
    const answer = await fetch(`${postern.url}/messages?limit=100`);
    expect([answer.status, Number(answer.headers.get("retry-after")) > 0]).toEqual([503, true]);
    expect(await answer.json()).toEqual({ detail: "the database file is damaged" });
  }
  expect((await fetch(`${postern.url}/messages?limit=1`)).status).toBe(200);
  expect((await post(postern.url, "goes elsewhere"))?.status).toBe(200);
  expect((await fetch(`${postern.url}/health/ready`)).status).toBe(200);
  const told = await until("the operator to be told", () => {
    const lines = linesWith(postern, "the database file is damaged: what is in");
    return lines.length > 0 && lines;
  });
  expect(told).toHaveLength(1);
  expect(JSON.parse(told[0] ?? "")).toMatchObject({
    file: database,
    reason: expect.any(String),
    remedy: expect.stringContaining(REMEDY),
  });
  expect(linesWith(postern, "made anew")).toEqual([]);
}, 120_000);

test("a log that the follower can't read is not taken for a damaged index", async () => {
  const leaves = leavesOf("messages");
  overwritePages(leaves.slice(20, 22));
  rmSync(`${database}-index1`);
  const postern = await startPostern({ database });
  await until("the operator to be told", () => linesWith(postern, "the database file is damaged").length > 0);
  expect(linesWith(postern, "made anew")).toEqual([]);
  expect((await post(postern.url, "still taken"))?.status).toBe(200);
}, 120_000);

test("a damaged primary key stops writing: 503, readiness says why, and nothing is tried again", async () => {
  overwritePages(leavesOf("sqlite_autoindex_messages_1"));
  const postern = await startPostern({ database });
  const detail = { detail: "the database file is damaged: nothing is stored" };
  const refused = await post(postern.url, "new");
  expect([refused?.status, Number(refused?.headers.get("retry-after")) > 0]).toEqual([503, true]);
  const ready = await fetch(`${postern.url}/health/ready`);
  expect([ready.status, await ready.json()]).toEqual([503, detail]);
  expect((await fetch(`${postern.url}/health/live`)).status).toBe(200);
  expect((await fetch(`${postern.url}/messages?limit=1`)).status).toBe(200);
  const told = await until("the operator to be told", () => linesWith(postern, "no message is accepted")[0]);
  expect(JSON.parse(told)).toMatchObject({ level: "ERROR", file: database, remedy: expect.any(String) });
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect(linesWith(postern, "open again")).toEqual([]);
  const doctor = await run(["doctor"], { env: env() });
  expect([doctor.code, doctor.stdout.includes("primary key can't be read")]).toEqual([1, true]);
  const { code, rows } = await exported();
  expect([code, rows.length]).toEqual([0, records().length]);
}, 120_000);

test("a file whose header is gone refuses every start in one line that names it and the remedy", async () => {
  overwrite(database, 0, 100);
  copyFileSync(database, `${database}.kept`);
  const expected = `postern: ${database} is damaged (SQLITE_NOTADB file is not a database): stop Postern and ${REMEDY}`;
  const start = await refusedStart({ database });
  expect([start.code, start.stderr.startsWith(expected), start.stderr.trim().split("\n").length]).toEqual([
    1,
    true,
    1,
  ]);
  for (const args of [["export"], ["doctor"], ["doctor", "--rebuild"], ["import", "-"]]) {
    const { code, stderr } = await run(args, { env: env(), stdin: "" });
    expect({ args, code, told: stderr.startsWith(expected) }).toEqual({ args, code: 1, told: true });
  }
}, 120_000);
