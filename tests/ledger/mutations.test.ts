/**
 * The ledger is shown to fail: faults of a service that hands on records wrongly, each made on
 * purpose, between the service and a follower or an application, or in the database itself.
 */
import { expect, test } from "bun:test";
import { newDatabase } from "../databases/database.ts";
import { newAuthority } from "../deliver/certificates.ts";
import { destinationTo } from "../deliver/destination.ts";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { Application, SECRET } from "./application.ts";
import { Chance } from "./chance.ts";
import { compare } from "./compare.ts";
import type { Duty } from "./duties.ts";
import { describeFindings } from "./findings.ts";
import { type Follower, walkLog } from "./follower.ts";
import type { LogRecord } from "./record.ts";
import { type Handing, newTamperingProxy, newTamperingReceiver, type Tamper } from "./tampering-proxy.ts";
import { WAYS, Walker } from "./walker.ts";

const MESSAGES = 20;
const LONG_MS = 120_000;

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

/** A record that is never handed on, although the service was told that it was. */
const swallows: Handing = async (id, pass) => (id === "m-5" ? 200 : await pass());

/** The next one comes before it. */
function overtakes(): Handing {
  let late: (() => Promise<number>) | undefined;
  return async (id, pass) => {
    if (id === "m-5") {
      late = pass;
      return 200;
    }
    const status = await pass();
    await late?.();
    late = undefined;
    return status;
  };
}

const twice: Handing = async (id, pass) => {
  if (id === "m-5") await pass();
  return await pass();
};

/** Every record again, once each: the service was hurt once, and that is more than it may cost. */
const everythingTwice: Handing = async (_, pass) => {
  await pass();
  return await pass();
};

test.each<readonly [string, () => Handing, string[], number]>([
  ["changes nothing, nothing", () => async (_, pass) => await pass(), [], 0],
  [
    "never hands a record on, a gap, and the run is void",
    () => swallows,
    [
      "disorder: 6 (message native m-6) came before 5 (message native m-5) of its sender was accepted",
      "gap: 5 (message native m-5) never came",
      "void: up to 20 more was neither delivered nor put aside (0) or dead (0)",
      "void: 20 sent, 19 delivered, 0 dead, 0 put aside, 0 behind",
    ],
    0,
  ],
  [
    "lets a sender's next record overtake one, disorder",
    overtakes,
    ["disorder: 6 (message native m-6) came before 5 (message native m-5) of its sender was accepted"],
    0,
  ],
  [
    "hands a record on twice, a double",
    () => twice,
    ["double: 1 came again, 5 (message native m-5) first: 0 at most may"],
    0,
  ],
  [
    "hands on again more than a kill may cost, doubles beyond the bound",
    () => everythingTwice,
    [
      "double: 20 came again, 1 (message native m-1), 2 (message native m-2), 3 (message native m-3) first: " +
        "10 at most may",
    ],
    1,
  ],
])(
  "of an application behind a proxy that %s is found",
  async (_, handing, expected, hurts) => {
    const filter = { kinds: "all" };
    const duty: Duty = {
      ...({ name: "app", fate: "well", order: "sender", filter } as const),
      turns: [{ concurrency: 1, filter }],
    };
    const chance = new Chance(1);
    const application = new Application(duty, { chance, authority: newAuthority(), names: undefined });
    await application.begin();
    for (let times = 0; times < hurts; times++) application.hurt();
    const proxy = newTamperingReceiver(`http://127.0.0.1:${application.port}`, handing());
    const database = await newDatabase();
    const service = await newService(
      {},
      {
        database,
        destinations: [
          destinationTo(new URL(`${proxy.url}/app/r`).href, {
            ...{ secrets: [SECRET], concurrency: 1, timeoutMs: 5000, retryMs: [100] },
          }),
        ],
      },
    );
    await store(service, 1, MESSAGES);
    await until("everything is handed on", async () => {
      const shown = (await (await service.get("/destinations/app")).json()) as Record<string, unknown>;
      return shown["lag_records"] === 0;
    });
    application.watch(() => service.url);
    await until("the application to be at the end", () => application.seq() >= MESSAGES);
    await application.stop();
    application.record.turns.push({ by: "r", at: 0, what: "serves" });
    const found = findingsOf(await walkLog(service.url), [application]);
    expect(found).toEqual(expected.map((finding) => `destination app: ${finding}`));
    await proxy.stop();
    await service.stop();
    await database.drop();
  },
  LONG_MS,
);
