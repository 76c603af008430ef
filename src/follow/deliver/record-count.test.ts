import { afterAll, beforeAll, expect, test } from "bun:test";
import { openForTest } from "../../../tests/contract/open-for-test.ts";
import { type Folder, newFolder } from "../../../tests/folder.ts";
import { message } from "../../../tests/messages.ts";
import { steeredClock } from "../../../tests/steered-clock.ts";
import { type ChangesFilter, LAG_RECORDS_MAX } from "../../core/changes.ts";
import { QueryTimeout, ShuttingDown } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";
import { Turns } from "../../lib/turns.ts";
import { COUNT_S_MAX, recordsIn } from "./record-count.ts";

/** Beyond what one look counts. */
const RECORDS = 3 * LAG_RECORDS_MAX + 7;
const never = new AbortController().signal;
const turns = new Turns(2);
const clock = steeredClock();

let folder: Folder;
let store: Store;
beforeAll(async () => {
  folder = newFolder();
  store = await openForTest({ engine: "sqlite", path: `${folder.path}/messages.db` });
  for (let first = 0; first < RECORDS; first += 1000) {
    const messages = Array.from({ length: Math.min(1000, RECORDS - first) }, (_, index) =>
      message(`m${first + index}`, { from: first + index < 20_000 ? "+1" : "+2" }),
    );
    await store.append({ messages });
  }
});
afterAll(async () => {
  await store.close();
  folder.remove();
});

const count = (after: number, until: number, filter: ChangesFilter = {}) =>
  recordsIn({ store, turns, clock }, { after, until, filter }, never);

test("however many there are, each is counted once", async () => {
  expect(await count(0, RECORDS)).toBe(RECORDS);
  expect(await count(0, RECORDS, { from: "+1" })).toBe(20_000);
  expect(await count(0, RECORDS, { from: "+2" })).toBe(RECORDS - 20_000);
  expect(await count(5000, 25_001, { from: "+1" })).toBe(15_000);
  expect(await count(5, 6)).toBe(1);
  expect(await count(6, 6)).toBe(0);
  expect(await count(0, RECORDS, { kinds: ["status"] })).toBe(0);
});

/** A store of which each look takes so long. */
const slow = (ms: number) => {
  let looks = 0;
  const lag: Store["lag"] = (query) => {
    looks++;
    clock.advance(ms);
    return store.lag(query);
  };
  return { store: { ...store, lag } as Store, looks: () => looks };
};

test("it ends in time, with an error that says what to do", async () => {
  const { store: of, looks } = slow(1000 * (COUNT_S_MAX / 2) + 1);
  const counting = recordsIn({ store: of, turns, clock }, { after: 0, until: RECORDS, filter: {} }, never);
  const error = await counting.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(QueryTimeout);
  expect(String(error)).toMatch(/10 s: ask for a shorter part/);
  expect(looks()).toBe(2);
});

test("it ends when nobody waits for it any more", async () => {
  const over = new AbortController();
  const { store: of, looks } = slow(0);
  over.abort();
  const counting = recordsIn(
    { store: of, turns, clock },
    { after: 0, until: RECORDS, filter: {} },
    over.signal,
  );
  expect(await counting.catch((reason: unknown) => reason)).toBeInstanceOf(ShuttingDown);
  expect(looks()).toBe(0);
});
