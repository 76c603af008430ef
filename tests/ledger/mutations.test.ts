/**
 * The ledger is shown to fail: faults of a service that hands on records wrongly, each made on
 * purpose, between the service and a follower or in the database itself.
 */
import { expect, test } from "bun:test";
import { newDatabase } from "../databases/database.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { Chance } from "./chance.ts";
import { compare } from "./compare.ts";
import { describeFindings } from "./findings.ts";
import { type Follower, walkLog } from "./follower.ts";
import type { LogRecord } from "./record.ts";
import { newTamperingProxy, type Tamper } from "./tampering-proxy.ts";
import { WAYS, Walker } from "./walker.ts";

const MESSAGES = 20;
const LONG_MS = 60_000;

const isVictim = (event: string) => event.includes('"message_id":"m-5"');

async function* leaveOut(events: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const event of events) if (!isVictim(event)) yield event;
}

async function* repeat(events: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const event of events) {
    yield event;
    if (isVictim(event)) yield event;
  }
}

/** The victim is visible one record too late. */
async function* swap(events: AsyncIterable<string>): AsyncGenerator<string> {
  let held: string | undefined;
  for await (const event of events) {
    if (isVictim(event)) held = event;
    else {
      yield event;
      if (held !== undefined) yield held;
      held = undefined;
    }
  }
}

async function* change(events: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const event of events) yield isVictim(event) ? event.replace('"Hello"', '"Hullo"') : event;
}

async function* nothing(events: AsyncIterable<string>): AsyncGenerator<string> {
  yield* events;
}

async function store(service: TestService, first: number, last: number): Promise<void> {
  for (let number = first; number <= last; number++)
    expect((await service.post(message(`m-${number}`))).status).toBe(200);
}

/** One that never crashes, so that what it is given is the service's doing alone. */
function follow(url: () => string, way: (typeof WAYS)[number] = "stream"): Follower {
  const filter = { kinds: "all" };
  const follower = new Walker({ name: way, filter, start: "start", url, chance: new Chance(1) }, [way]);
  follower.calm();
  return follower;
}

function findingsOf(log: readonly LogRecord[], followers: readonly Follower[]): string[] {
  const records = followers.map(({ record }) => record);
  const known = { stored: [], posts: [], followers: records };
  const about = new Set(records.map(({ name }) => name));
  return describeFindings(compare({ log, ...known }).filter((finding) => about.has(finding.about)));
}

test.each<readonly [string, Tamper, string[]]>([
  ["changes nothing, nothing", nothing, []],
  ["leaves a record out, a gap", leaveOut, ["stream: gap: 5 (message native m-5) never came"]],
  ["repeats a record, a double", repeat, ["stream: double: 5 (message native m-5) came again after 5"]],
  ["swaps two records, disorder", swap, ["stream: disorder: 5 (message native m-5) came after 6"]],
  [
    "changes a text, another form",
    change,
    ["stream: differing: 5 (message native m-5) was shown in another form than the log has"],
  ],
])(
  "of a follower behind a proxy that %s is found",
  async (_, tamper, expected) => {
    const service = await newService();
    await store(service, 1, MESSAGES);
    const proxy = newTamperingProxy(service.url, tamper);
    const follower = follow(() => proxy.url);
    await until("the follower to be at the end", () => follower.seq() >= MESSAGES);
    await follower.stop();
    expect(findingsOf(await walkLog(service.url), [follower])).toEqual(expected);
    await proxy.stop();
    await service.stop();
  },
  LONG_MS,
);

test(
  "a record that becomes visible below what followers have passed is found as a gap of every one of them",
  async () => {
    const database = await newDatabase();
    let service = await newService({}, { database });
    const restartAfter = async <T>(what: () => Promise<T>): Promise<T> => {
      await service.stop();
      const result = await what();
      service = await newService({}, { database });
      return result;
    };
    await store(service, 1, 5);
    const makeVisible = await restartAfter(() => database.leaveNumberOut());
    const followers = WAYS.map((way) => follow(() => service.url, way));
    await store(service, 6, 10);
    const at = (seq: number) => () => followers.every((follower) => follower.seq() >= seq);
    await until("every follower to have passed the number", at(11));
    await restartAfter(() => makeVisible("late"));
    await store(service, 11, 12);
    await until("every follower to be at the end", at(13));
    await Promise.all(followers.map((follower) => follower.stop()));
    const log = await walkLog(service.url);
    expect(log.map(({ message_id }) => message_id)).toEqual([
      ...["m-1", "m-2", "m-3", "m-4", "late"],
      ...[5, 6, 7, 8, 9, 10, 11, 12].map((number) => `m-${number}`),
    ]);
    expect(findingsOf(log, followers)).toEqual(
      WAYS.map((way) => `${way}: gap: 5 (message native late) never came`),
    );
    await service.stop();
    await database.drop();
  },
  LONG_MS,
);
