/**
 * Rows that somebody deletes from the log with SQLite's shell: noticed, told with the remedy, and
 * never counted or shown.
 */
import { Database } from "bun:sqlite";
import { beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { postern as run } from "../cli/postern.ts";
import { until } from "../until.ts";
import { whatDiffers } from "./examination.ts";
import { folderOfEachTest, type PosternProcess, post, startPostern } from "./postern-process.ts";

const folder = folderOfEachTest();
const MESSAGES = 1000;
const FIRST_MS = Date.UTC(2025, 0, 1);
const TOLD = "rows were deleted from the database by hand";
let database: string;

const tsOf = (at: number) => new Date(FIRST_MS + at * 1000).toISOString();

/** Message number `at` is in row `at + 1`. Each hundredth has an event. */
function records(): object[] {
  return Array.from({ length: MESSAGES }, (_, at) => {
    const common = { from: `+${at % 50}`, to: "+2", ts: tsOf(at), created_at: tsOf(at) };
    const message = { ...common, seq: 2 * at + 1, message_id: `m${at}`, text: `the albatross number ${at}` };
    if (at % 100 !== 0) return [message];
    const body = Buffer.from(`{"number":${at}}`);
    const delivery = 2 * at + 2;
    return [
      message,
      { delivery, body_base64: body.toString("base64") },
      {
        ...{ seq: delivery, delivery, start: 0, stop: body.length, source: "wa", kind: "status" },
        ...{ event_key: `${at}`, message_id: `m${at}`, ts: tsOf(at), created_at: tsOf(at) },
      },
    ];
  }).flat();
}

beforeEach(async () => {
  database = join(folder(), "app.db");
  const stdin = records()
    .map((record) => JSON.stringify(record))
    .join("\n");
  const env = { DATABASE_URL: `sqlite:///${database}` };
  expect((await run(["import", "-"], { env, stdin })).code).toBe(0);
});

function deleteRows(sql: string): void {
  using db = new Database(database);
  db.run("pragma busy_timeout = 60000");
  db.run(sql);
}

/**
 * What reads have to say of the messages that are left, by their numbers, and of so many events.
 */
function expected(left: readonly number[], events: number) {
  const half = tsOf(MESSAGES / 2);
  const ids = (numbers: readonly number[]) => numbers.map((at) => `m${at}`);
  const page = (numbers: readonly number[]) => ({ total: numbers.length, ids: ids(numbers.slice(0, 3)) });
  const later = left.filter((at) => tsOf(at) >= half);
  return {
    "/messages?limit=3": page(left),
    "/messages?limit=3&from=%2B7": page(left.filter((at) => at % 50 === 7)),
    "/messages?limit=3&q=albatross": page(left),
    "/messages?limit=3&q=number+99": page(left.filter((at) => String(at).startsWith("99"))),
    [`/messages?limit=3&q=albatross&since=${half}`]: page(later),
    [`/messages?limit=3&since=${half}`]: page(later),
    "/events": { total: events, ids: undefined },
    "/stats": {
      total: left.length,
      ids: [left[0], left.at(-1)].map((at) => (at === undefined ? null : tsOf(at))),
    },
  };
}

interface Answer {
  readonly data?: readonly Record<string, unknown>[];
  readonly total?: number;
  readonly total_messages?: number;
  readonly first_message_ts?: string | null;
  readonly last_message_ts?: string | null;
}

/**
 * The same as it is answered, undefined for a 503 with the time to come again. Nothing else is an
 * answer.
 */
async function answerTo(url: string, path: string) {
  const response = await fetch(url + path);
  if (response.status === 503) {
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    return undefined;
  }
  expect(response.status).toBe(200);
  const answer = (await response.json()) as Answer;
  if (answer.data === undefined)
    return { total: answer.total_messages, ids: [answer.first_message_ts, answer.last_message_ts] };
  for (const row of answer.data) expect(typeof (row.text ?? row.event_key)).toBe("string");
  const ids = path === "/events" ? undefined : answer.data.map(({ message_id }) => message_id);
  return { total: answer.total, ids };
}

type Expected = ReturnType<typeof expected>;

/** From here on no answer may be any other; whether all of them were there. */
async function allAre(postern: PosternProcess, sound: Expected): Promise<boolean> {
  let all = true;
  for (const [path, right] of Object.entries(sound)) {
    const answer = await answerTo(postern.url, path);
    if (answer === undefined) all = false;
    else expect({ path, ...answer }).toEqual({ path, ...right });
  }
  return all;
}

const linesWith = (postern: PosternProcess, text: string) =>
  postern.log().filter((line) => line.includes(text));

async function expectTold(postern: PosternProcess, times: number): Promise<void> {
  const lines = await until("the operator to be told", () => {
    const told = linesWith(postern, TOLD);
    return told.length >= times && told;
  });
  expect(lines).toHaveLength(times);
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
    level: "ERROR",
    file: expect.stringContaining(`${database}-index`),
    reason: expect.stringMatching(/^\d+ rows of the log were deleted since the index was made$/),
    remedy: expect.stringContaining("`postern doctor --rebuild`"),
  });
  await until("the index to be made", () => linesWith(postern, "the index was made anew").length >= times);
  expect(linesWith(postern, "the index is damaged")).toEqual([]);
}

async function expectSound(postern: PosternProcess): Promise<void> {
  postern.kill("SIGTERM");
  expect(await postern.exited).toBe(0);
  expect(whatDiffers(database)).toEqual([]);
}

const numbers = (keep: (at: number) => boolean) =>
  Array.from({ length: MESSAGES }, (_, at) => at).filter(keep);
const EVENTS = MESSAGES / 100;

const deletions: [what: string, sql: string, left: readonly number[], events: number][] = [
  [
    "some in the middle",
    "delete from messages where rowid between 501 and 520",
    numbers((at) => at < 500 || at >= 520),
    EVENTS,
  ],
  ["a single one", "delete from messages where message_id = 'm777'", numbers((at) => at !== 777), EVENTS],
  ["the first", "delete from messages where rowid <= 3", numbers((at) => at >= 3), EVENTS],
  ["the last", "delete from messages where rowid > 990", numbers((at) => at < 990), EVENTS],
  ["a sender's", "delete from messages where from_msisdn = '+7'", numbers((at) => at % 50 !== 7), EVENTS],
  ["all of them", "delete from messages", [], EVENTS],
  ["an event", "delete from events where event = 4", numbers(() => true), EVENTS - 1],
  ["the last events", "delete from events where event > 7", numbers(() => true), 7],
];

describe.each(deletions)("%s", (_, sql, left, events) => {
  test("deleted while the server was stopped are noticed at the start: no answer counts or shows them", async () => {
    deleteRows(sql);
    const postern = await startPostern({ database });
    expect(await allAre(postern, expected(left, events))).toBe(true);
    await expectTold(postern, 1);
    expect(await allAre(postern, expected(left, events))).toBe(true);
    await expectSound(postern);
  }, 120_000);

  test("deleted beside the server are noticed by the next read: it gets 503 or what is left", async () => {
    const postern = await startPostern({ database });
    expect(
      await allAre(
        postern,
        expected(
          numbers(() => true),
          EVENTS,
        ),
      ),
    ).toBe(true);
    deleteRows(sql);
    const sound = expected(left, events);
    await until("every read to be answered again", () => allAre(postern, sound));
    await expectTold(postern, 1);
    expect(await allAre(postern, sound)).toBe(true);
    await expectSound(postern);
  }, 120_000);
});

test("messages that come after the last rows were deleted are followed, and deleting again is noticed at once", async () => {
  const postern = await startPostern({ database });
  const total = async () => (await answerTo(postern.url, "/messages?limit=1"))?.total;
  const fresh = async () =>
    (await answerTo(postern.url, "/messages?limit=1&from=%2B919876543210&q=hello"))?.total;
  expect(await total()).toBe(MESSAGES);
  let kept = MESSAGES;
  for (const round of [1, 2, 3]) {
    deleteRows("delete from messages where rowid > (select max(rowid) - 10 from messages)");
    kept -= 10;
    for (let at = 0; at < 20; at++) expect((await post(postern.url, `new ${round} ${at}`))?.status).toBe(200);
    kept += 20;
    expect(await until("reads to be answered", total)).toBe(kept);
    await expectTold(postern, round);
    await until("the followers to be at the end", async () => {
      const metrics = await (await fetch(`${postern.url}/metrics`)).text();
      const lags = [...metrics.matchAll(/^postern_follower_lag_rows\S* (\d+)$/gm)];
      return lags.length > 0 && lags.every(([, rows]) => rows === "0");
    });
  }
  expect(await fresh()).toBe(40);
  await expectSound(postern);
}, 120_000);
