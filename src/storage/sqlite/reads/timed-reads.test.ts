/**
 * Who answers a read, and when reads wait. The threads are stand-ins that answer when they are told
 * to.
 */
import { expect, test } from "bun:test";
import { steeredClock } from "../../../../tests/steered-clock.ts";
import { Overloaded, QueryTimeout, ShuttingDown } from "../../../core/errors.ts";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { TimeIsOver } from "../connection/deadline.ts";
import type { Thread } from "../connection/thread.ts";
import { type Kind, TimedReads } from "./timed-reads.ts";

const TIMEOUT_MS = 5000;

/** Reads by so many threads; `asked` holds, by thread, the answers that are owed. */
function readsOf(threads: number, atOnce = 1, clock: Clock = systemClock) {
  const asked = Array.from({ length: threads }, (): ((value: string) => void)[] => []);
  const stand = asked.map((owed) => ({
    ask: () => new Promise<string>((resolve) => owed.push(resolve)),
    close: () => Promise.resolve(),
  }));
  const options = { clock, timeoutMs: TIMEOUT_MS, atOnce, onDamage: (damage: Error) => damage };
  const reads = new TimedReads(stand as unknown as Thread[], options);
  return { asked, reads };
}

/** A read that is never answered; it ends some time after the test. */
function begin(reads: TimedReads, kind: Kind = "lookup"): void {
  reads.ask(kind, () => ({})).catch(() => undefined);
}

/** What can happen without anybody's answer has happened. */
const rest = () => new Promise(setImmediate);

/** Questions by thread that nobody has answered. */
const owed = (asked: readonly unknown[][]) => asked.map(({ length }) => length);

test("one reader takes one read after the other while it answers soon", async () => {
  const { asked, reads } = readsOf(2);
  const answers = ["first", "second"].map(() => reads.ask<string>("lookup", () => ({})));
  await rest();
  expect(owed(asked)).toEqual([1, 0]);
  asked[0]?.pop()?.("first");
  await rest();
  expect(owed(asked)).toEqual([1, 0]);
  asked[0]?.pop()?.("second");
  expect(await Promise.all(answers)).toEqual(["first", "second"]);
});

test("as many readers work at once as there are processors for", async () => {
  const { asked, reads } = readsOf(3, 2);
  for (let read = 0; read < 4; read++) begin(reads);
  await rest();
  expect(owed(asked)).toEqual([1, 1, 0]);
});

test("a lookup doesn't wait for the searches before it", async () => {
  const { asked, reads } = readsOf(2);
  const told: string[] = [];
  const ask = (kind: Kind, name: string) => reads.ask<string>(kind, () => ({})).then(() => told.push(name));
  const answers = [ask("search", "first search"), ask("search", "second search"), ask("lookup", "lookup")];
  await rest();
  expect(owed(asked)).toEqual([1, 1]);
  asked[1]?.pop()?.("");
  await rest();
  expect([told, owed(asked)]).toEqual([["lookup"], [1, 0]]);
  asked[0]?.pop()?.("");
  await rest();
  expect([told, owed(asked)]).toEqual([
    ["lookup", "first search"],
    [1, 0],
  ]);
  asked[0]?.pop()?.("");
  await Promise.all(answers);
});

test("another reader helps when one is at a long read, and another when both are", async () => {
  const clock = steeredClock();
  const { asked, reads } = readsOf(3, 1, clock);
  for (let read = 0; read < 3; read++) begin(reads);
  const owedAfter = async (ms: number) => {
    clock.advance(ms);
    await rest();
    return owed(asked);
  };
  expect(await owedAfter(249)).toEqual([1, 0, 0]);
  expect(await owedAfter(1)).toEqual([1, 1, 0]);
  expect(await owedAfter(249)).toEqual([1, 1, 0]);
  expect(await owedAfter(1)).toEqual([1, 1, 1]);
});

test("a read that failed frees its reader", async () => {
  const failing = { ask: () => Promise.reject(new TimeIsOver("too long")) };
  const onDamage = (damage: Error) => damage;
  const options = { clock: systemClock, timeoutMs: TIMEOUT_MS, atOnce: 1, onDamage };
  const reads = new TimedReads([failing] as unknown as Thread[], options);
  for (let read = 0; read < 2; read++)
    await expect(reads.ask("lookup", () => ({}))).rejects.toBeInstanceOf(QueryTimeout);
});

test("what waits when it is closed is answered, what comes later is refused", async () => {
  const { asked, reads } = readsOf(1);
  const answers = ["first", "second"].map(() => reads.ask<string>("lookup", () => ({})));
  const closed = reads.close();
  await expect(reads.ask("lookup", () => ({}))).rejects.toBeInstanceOf(ShuttingDown);
  for (const answer of ["first", "second"]) {
    await rest();
    asked[0]?.pop()?.(answer);
  }
  expect(await Promise.all(answers)).toEqual(["first", "second"]);
  await closed;
});

test("work without reads begins when those under way are answered, and those that come meanwhile wait for it", async () => {
  const { asked, reads } = readsOf(1);
  const [owed] = asked as [((value: string) => void)[]];
  const happened: string[] = [];
  const before = reads.ask("lookup", () => ({})).then(() => happened.push("the read before"));
  await rest();
  const work = Promise.withResolvers<void>();
  const without = reads.without(() => {
    happened.push("the work begins");
    return work.promise;
  });
  const meanwhile = reads.ask("lookup", () => ({})).then(() => happened.push("the read meanwhile"));
  await rest();
  expect([happened, owed.length]).toEqual([[], 1]);
  owed.pop()?.("answer");
  await before;
  await rest();
  expect([happened.sort(), owed.length]).toEqual([["the read before", "the work begins"], 0]);
  work.resolve();
  await without;
  await rest();
  owed.pop()?.("answer");
  await meanwhile;
  expect(happened.at(-1)).toBe("the read meanwhile");
});

test("reads go on when the work failed", async () => {
  const { asked, reads } = readsOf(1);
  const failing = reads.without(() => Promise.reject(new Error("the disk")));
  await expect(failing).rejects.toThrow("the disk");
  begin(reads);
  await rest();
  expect(asked[0]).toHaveLength(1);
});

test("only so many reads are held back", async () => {
  const { reads } = readsOf(1);
  const work = Promise.withResolvers<void>();
  const without = reads.without(() => work.promise);
  for (let read = 0; read < 1000; read++) begin(reads);
  await expect(reads.ask("lookup", () => ({}))).rejects.toBeInstanceOf(Overloaded);
  work.resolve();
  await without;
});
