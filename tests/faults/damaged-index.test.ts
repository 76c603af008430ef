/**
 * Bytes of the index file that are others than those written: noticed, told, and made anew from the
 * messages.
 */
import { Database } from "bun:sqlite";
import { beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { postern } from "../cli/postern.ts";
import { flipText, overwrite, PAGE_BYTES } from "../flip.ts";
import { until } from "../until.ts";
import { whatDiffers } from "./examination.ts";
import { folderOfEachTest, type PosternProcess, post, startPostern } from "./postern-process.ts";

const folder = folderOfEachTest();
const MESSAGES = 3000;
let database: string;
let index: string;

beforeEach(async () => {
  database = join(folder(), "app.db");
  index = `${database}-index1`;
  const lines = Array.from({ length: MESSAGES }, (_, at) =>
    JSON.stringify({
      message_id: `m${at}`,
      from: `+${at % 50}`,
      to: `+${at % 7}`,
      ts: new Date(Date.UTC(2025, 0, 1) + at * 1000).toISOString(),
      text: `the ${at % 2 === 0 ? "albatross" : "pelican"} number ${at}`,
    }),
  );
  const env = { DATABASE_URL: `sqlite:///${database}` };
  expect((await postern(["import", "-"], { env, stdin: lines.join("\n") })).code).toBe(0);
});

/** Pages of the file that hold a part of a table. */
function pagesOf(table: string): number[] {
  using db = new Database(index, { readonly: true });
  const sql = "select pageno from dbstat where name = ? and pagetype <> 'internal' order by pageno";
  return (db.query(sql).values(table) as [number][]).map(([page]) => page);
}

function overwritePages(table: string): void {
  for (const page of pagesOf(table)) overwrite(index, (page - 1) * PAGE_BYTES, PAGE_BYTES);
}

const READS = [
  "/messages?q=albatross&limit=3",
  "/messages?limit=3",
  "/messages?limit=3&from=%2B7",
  "/messages?limit=3&to=%2B3&offset=50",
  "/stats",
  "/messages/m77",
  "/events",
];

async function readAll(url: string): Promise<{ status: number; retry: string | null; body: unknown }[]> {
  return Promise.all(
    READS.map(async (path) => {
      const answer = await fetch(`${url}${path}`);
      return { status: answer.status, retry: answer.headers.get("retry-after"), body: await answer.json() };
    }),
  );
}

const linesWith = (postern: PosternProcess, text: string) =>
  postern.log().filter((line) => line.includes(text));

/**
 * Reads answer as `sound` says or with 503, and soon all of them as it says; the operator is told
 * once.
 */
async function expectMadeAnew(postern: PosternProcess, sound: readonly unknown[]): Promise<void> {
  const statuses = new Set<number>();
  await until("every read to be answered again", async () => {
    const answers = await readAll(postern.url);
    for (const [at, { status, retry, body }] of answers.entries()) {
      statuses.add(status);
      if (status === 503) expect(Number(retry)).toBeGreaterThan(0);
      else expect(body).toEqual(sound[at]);
    }
    return (
      answers.every(({ status }) => status === 200) &&
      linesWith(postern, "the index was made anew").length > 0
    );
  });
  expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  const told = linesWith(postern, "the index is damaged and is made anew");
  expect(told).toHaveLength(1);
  expect(JSON.parse(told[0] ?? "")).toMatchObject({ level: "ERROR", file: index });
  expect((await fetch(`${postern.url}/health/ready`)).status).toBe(200);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect(whatDiffers(database)).toEqual([]);
}

async function soundAnswers(): Promise<unknown[]> {
  const postern = await startPostern({ database });
  const answers = await readAll(postern.url);
  postern.kill("SIGTERM");
  await postern.exited;
  expect(answers.map(({ status }) => status)).toEqual(READS.map(() => 200));
  return answers.map(({ body }) => body);
}

const damages: [what: string, damage: () => void][] = [
  ["pages of the lists of a word", () => overwritePages("postings")],
  ["one byte of a dictionary", () => flipText(index, "albatross")],
  ["pages of the dictionary", () => overwritePages("blocks")],
  ["pages of the order of messages", () => overwritePages("by_time")],
  ["one identifier in the order of messages", () => flipText(index, "2025-01-01T00:00:01m1")],
  ["pages of the order by sender", () => overwritePages("by_sender")],
  ["the counts", () => overwritePages("totals")],
  ["the sizes of leaves", () => overwritePages("time_leaves")],
  ["how far it was", () => overwritePages("followers")],
];
test.each(damages)(
  "damage to %s is noticed by whoever reads it, and the index is made anew",
  async (_, damage) => {
    const sound = await soundAnswers();
    damage();
    await expectMadeAnew(await startPostern({ database }), sound);
  },
  120_000,
);

test.each([
  ["its header", () => overwrite(index, 0, 100)],
  ["all of it", () => overwrite(index, 0)],
])(
  "a start on a file that is damaged in %s makes it anew",
  async (_, damage) => {
    const sound = await soundAnswers();
    damage();
    const postern = await startPostern({ database });
    expect((await readAll(postern.url)).map(({ body }) => body)).toEqual(sound);
    await until("the operator to be told", () => linesWith(postern, "damaged and is made anew").length === 1);
    postern.kill("SIGTERM");
    expect(await postern.exited).toBe(0);
    expect(whatDiffers(database)).toEqual([]);
  },
  120_000,
);

test("what is damaged under a running server is noticed by the follower, and no message waits for it", async () => {
  await soundAnswers();
  const postern = await startPostern({ database });
  overwritePages("by_time");
  for (let at = 0; at < 50; at++) expect((await post(postern.url, `later-${at}`))?.status).toBe(200);
  await until("the index to be made anew", () => linesWith(postern, "the index was made anew").length === 1);
  const { total } = (await (await fetch(`${postern.url}/messages?limit=1`)).json()) as { total: number };
  expect(total).toBe(MESSAGES + 50);
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect(whatDiffers(database)).toEqual([]);
}, 120_000);

test("an index that is damaged again at once is not made anew again and again", async () => {
  await soundAnswers();
  const postern = await startPostern({ database });
  flipText(index, "albatross");
  const search = () => fetch(`${postern.url}/messages?q=albatross&limit=1`);
  expect((await search()).status).toBe(503);
  // Nothing is searched meanwhile: what a reader has read it keeps.
  await until("the index to be made anew", () => linesWith(postern, "the index was made anew").length === 1);
  flipText(`${database}-index2-wal`, "albatross");
  const again = await until("the damage to be met again", async () => {
    const answer = await search();
    return answer.status === 503 && answer;
  });
  expect(await again.json()).toEqual({ detail: "the index is damaged and has to be made anew" });
  for (let at = 0; at < 5; at++) expect((await search()).status).toBe(503);
  const told = await until("the operator to be told", () => linesWith(postern, "damaged again")[0]);
  expect(told).toContain("POST /admin/rebuild-index");
  expect(linesWith(postern, "damaged again")).toHaveLength(1);
  expect(linesWith(postern, "is damaged and is made anew")).toHaveLength(1);
  expect((await post(postern.url, "still taken"))?.status).toBe(200);
}, 120_000);
