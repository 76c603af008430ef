import { afterEach, beforeEach, expect, test } from "bun:test";
import { openForTest } from "../../tests/contract/open-for-test.ts";
import { type Folder, newFolder } from "../../tests/folder.ts";
import { message } from "../../tests/messages.ts";
import { fc } from "../../tests/property.ts";
import { type SteeredClock, steeredClock } from "../../tests/steered-clock.ts";
import { until } from "../../tests/until.ts";
import type { ChangesFilter } from "../core/changes.ts";
import type { Store } from "../core/store.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { Turns } from "../lib/turns.ts";
import { Log } from "../observe/log.ts";
import { Follower } from "./follower.ts";
import { LogWatch, placeOf } from "./log-watch.ts";

let folder: Folder;
let store: Store;
let watch: LogWatch;
/** How often the log was read since the last test began. */
let reads = 0;
let listeners = 0;

const log = new Log({ level: "ERROR", bufferBytesMax: 1e6, clock: systemClock });
const turns = new Turns(2);
const never = new AbortController().signal;

/** Reads of the log are counted. */
function counted(real: Store): Pick<Store, "changes" | "onChanges"> {
  return {
    changes: (query) => {
      reads++;
      return real.changes(query);
    },
    onChanges: (listener) => {
      listeners++;
      const stop = real.onChanges(listener);
      return () => {
        listeners--;
        stop();
      };
    },
  };
}

const newWatch = (clock: Clock = systemClock) => new LogWatch({ store: counted(store), clock, log });

beforeEach(async () => {
  folder = newFolder();
  store = await openForTest({ engine: "sqlite", path: `${folder.path}/messages.db` });
  reads = 0;
  listeners = 0;
  watch = newWatch();
});
afterEach(async () => {
  watch.close();
  await store.close();
  folder.remove();
});

const append = (...ids: string[]) =>
  store.append({ messages: ids.map((id) => message(id, { from: `+${id.length}` })) });
const follower = async (filter: ChangesFilter = {}, of = watch, where: "start" | "now" = "now") =>
  new Follower({
    ...{ store: counted(store), watch: of, turns, filter, bodies: false },
    position: await store.positionAt(where),
  });
const ids = ({ records }: Awaited<ReturnType<Follower["next"]>>) =>
  records.map(({ record }) => record.message_id);

test("what comes next is what was stored after the position, at once or when it comes", async () => {
  await append("a", "bb");
  const first = await follower({}, watch, "start");
  expect(ids(await first.next(1, never))).toEqual(["a"]);
  expect(ids(await first.next(10, never))).toEqual(["bb"]);
  const coming = first.next(10, never);
  await append("ccc");
  expect(ids(await coming)).toEqual(["ccc"]);
});

test("a thousand who wait look at the log once for each commit, and only those whose filter matches come back", async () => {
  await append("a");
  const others = await Promise.all(
    Array.from({ length: 1000 }, (_, index) => follower({ from: `+${1000 + index}` })),
  );
  const mine = await follower({ from: "+3" });
  const over = new AbortController();
  const waiting = others.map((each) => each.next(10, over.signal));
  const coming = mine.next(10, over.signal);
  await until("all of them wait", () => listeners === 1 && reads > 1000);
  const before = reads;
  await append("x", "yy");
  await append("zzz");
  expect(ids(await coming)).toEqual(["zzz"]);
  expect(reads - before).toBeLessThan(10);
  over.abort();
  for (const page of await Promise.all(waiting)) expect(ids(page)).toEqual([]);
});

test("a position moves past what the filter leaves out, without a read of its own", async () => {
  const selective = await follower({ sources: ["none"] });
  const over = new AbortController();
  const coming = selective.next(10, over.signal);
  await until("it waits", () => listeners === 1 && reads > 0);
  for (let index = 0; index < 5; index++) await append(`m${index}`);
  const before = reads;
  const end = await store.positionAt("now");
  await until("the watch is there", () => watch.after(placeOf(end), {}, 1) !== undefined);
  over.abort();
  expect(ids(await coming)).toEqual([]);
  expect(selective.position).toBe(end);
  expect(reads - before).toBeLessThan(10);
});

test("while nobody waits the log isn't read, and after a while nobody is told of it", async () => {
  const clock: SteeredClock = steeredClock();
  const steered = newWatch(clock);
  const over = new AbortController();
  const waiting = (await follower({}, steered)).next(10, over.signal);
  await until("it waits", () => listeners === 1);
  over.abort();
  await waiting;
  const before = reads;
  await append("a");
  expect([listeners, reads]).toEqual([1, before]);
  clock.advance(1000);
  expect(listeners).toBe(0);
  const again = (await follower({}, steered)).next(10, never);
  await append("b");
  clock.advance(100);
  expect(ids(await again)).toEqual(["b"]);
  steered.close();
});

test("whoever waits when the service stops is told so", async () => {
  const waiting = (await follower()).next(10, never);
  await until("it waits", () => listeners === 1);
  watch.close();
  expect(waiting).rejects.toThrow("shutting down");
});

test("any followers get every record that their filters let through, once and in order, while others store", async () => {
  const anyFollower = fc.record({
    from: fc.constantFrom(undefined, "+1", "+2"),
    limit: fc.integer({ min: 1, max: 9 }),
    /** How many it takes before the next one begins. */
    pauses: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
  });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyFollower, { minLength: 1, maxLength: 8 }), async (given) => {
      const key = `${round++}`;
      const all = Array.from({ length: 60 }, (_, index) => ({
        id: `${key}-${index}`,
        from: `+${index % 3}`,
      }));
      const over = new AbortController();
      const begin = await store.positionAt("now");
      const taking = given.map(async ({ from, limit, pauses }) => {
        const filter = from === undefined ? {} : { from };
        const expected = all.filter((each) => from === undefined || each.from === from).length;
        const each = new Follower({ store, watch, turns, filter, bodies: false, position: begin });
        const taken: (string | null)[] = [];
        for (let turn = 0; taken.length < expected; turn++) {
          for (let turns = pauses[turn % pauses.length] ?? 0; turns > 0; turns--) await Bun.sleep(1);
          taken.push(...ids(await each.next(limit, over.signal)));
        }
        return taken;
      });
      for (let index = 0; index < all.length; index += 5)
        await Promise.all(
          all
            .slice(index, index + 5)
            .map(({ id, from }) => store.append({ messages: [message(id, { from })] })),
        );
      const stored = (await store.changes({ after: 0, limit: 1e6 })).records;
      const mine = stored.filter(({ message_id }) => message_id?.startsWith(`${key}-`));
      for (const [index, taken] of (await Promise.all(taking)).entries()) {
        const from = given[index]?.from;
        const expected = mine.filter((each) => from === undefined || ("from" in each && each.from === from));
        expect(taken).toEqual(expected.map(({ message_id }) => message_id));
      }
    }),
    { numRuns: 30 },
  );
}, 120_000);
