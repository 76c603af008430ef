/** Who answers a read, and when reads wait. The threads are stand-ins that answer when they are told to. */
import { expect, test } from "bun:test";
import { Overloaded } from "../../core/errors.ts";
import { systemClock } from "../../lib/clock.ts";
import { Reads } from "./reads.ts";
import type { Thread } from "./thread.ts";

const TIMEOUT_MS = 5000;

/** Reads by so many threads; `asked` holds, by thread, the answers that are owed. */
function readsOf(threads: number) {
  const asked = Array.from({ length: threads }, (): ((value: string) => void)[] => []);
  const stand = asked.map((owed) => ({
    ask: () => new Promise<string>((resolve) => owed.push(resolve)),
  }));
  const reads = new Reads(stand as unknown as Thread[], systemClock, TIMEOUT_MS);
  return { asked, reads };
}

/** A read that is never answered; it ends some time after the test. */
function begin(reads: Reads): void {
  reads.ask(() => ({})).catch(() => undefined);
}

/** What can happen without anybody's answer has happened. */
const rest = () => new Promise(setImmediate);

test("a read goes to the thread where fewest wait", async () => {
  const { asked, reads } = readsOf(2);
  for (let read = 0; read < 4; read++) begin(reads);
  await rest();
  expect(asked.map(({ length }) => length)).toEqual([2, 2]);
});

test("work without reads begins when those under way are answered, and those that come meanwhile wait for it", async () => {
  const { asked, reads } = readsOf(1);
  const [owed] = asked as [((value: string) => void)[]];
  const happened: string[] = [];
  const before = reads.ask(() => ({})).then(() => happened.push("the read before"));
  await rest();
  const work = Promise.withResolvers<void>();
  const without = reads.without(() => {
    happened.push("the work begins");
    return work.promise;
  });
  const meanwhile = reads.ask(() => ({})).then(() => happened.push("the read meanwhile"));
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
  await expect(reads.ask(() => ({}))).rejects.toBeInstanceOf(Overloaded);
  work.resolve();
  await without;
});
