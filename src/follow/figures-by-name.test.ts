import { expect, test } from "bun:test";
import { steeredClock } from "../../tests/steered-clock.ts";
import { FiguresByName } from "./figures-by-name.ts";

const WAIT_MS_MAX = 2000;

/** Counts that end when they are told to. */
function newFigures() {
  const clock = steeredClock();
  const counts: PromiseWithResolvers<number>[] = [];
  const said: string[] = [];
  const figures = new FiguresByName({
    following: { clock, stopping: new AbortController().signal },
    log: { debug: (message) => void said.push(message) },
    failed: "it could not be counted",
    list: async () => [{ name: "app" }],
    count: () => {
      const next = Promise.withResolvers<number>();
      counts.push(next);
      return next.promise;
    },
  });
  return { clock, counts, said, read: async () => Object.fromEntries(await figures.read()) };
}

test("all who ask while a count is under way get what it gives, and it is one count", async () => {
  const { counts, read } = newFigures();
  const asked = [read(), read(), read()];
  await Bun.sleep(0);
  expect(counts.length).toBe(1);
  counts[0]?.resolve(7);
  expect(await Promise.all(asked)).toEqual([{ app: 7 }, { app: 7 }, { app: 7 }]);
});

test("an answer waits two seconds for a long count, and then is as of the last", async () => {
  const { clock, counts, read } = newFigures();
  const first = read();
  await Bun.sleep(0);
  counts[0]?.resolve(7);
  await first;
  const late = read();
  await Bun.sleep(0);
  clock.advance(WAIT_MS_MAX);
  expect(await late).toEqual({ app: 7 });
  const next = read();
  expect(counts.length).toBe(2);
  counts[1]?.resolve(8);
  expect(await next).toEqual({ app: 8 });
});

test("a count that fails leaves the figures as they were, and the next one is made", async () => {
  const { counts, said, read } = newFigures();
  const first = read();
  await Bun.sleep(0);
  counts[0]?.reject(new Error("the database is away"));
  expect(await first).toEqual({});
  expect(said).toEqual(["it could not be counted"]);
  const second = read();
  await Bun.sleep(0);
  counts[1]?.resolve(7);
  expect(await second).toEqual({ app: 7 });
});
