import { expect, test } from "bun:test";
import { steeredClock } from "../../tests/steered-clock.ts";
import { until } from "../../tests/until.ts";
import { nextTurn } from "./next-turn.ts";
import { SharedRun } from "./shared-run.ts";

/** Work that ends when it is told to, by a clock that is moved by hand. */
function steered(apartMs = 0) {
  const runs: ReturnType<typeof Promise.withResolvers<void>>[] = [];
  const clock = steeredClock();
  const work = () => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  };
  return { shared: new SharedRun(work, apartMs, clock), runs, clock };
}

test("all who ask while a run is under way share one that begins after it", async () => {
  const { shared, runs } = steered();
  const first = shared.run();
  await until("the first run", () => runs.length === 1);
  const others = [shared.run(), shared.run(), shared.run()];
  runs[0]?.resolve();
  await first;
  await until("the shared run", () => runs.length === 2);
  const late = shared.run();
  runs[1]?.resolve();
  await Promise.all(others);
  await until("the last run", () => runs.length === 3);
  runs[2]?.resolve();
  await late;
});

test("a run that fails fails for those who asked for it alone", async () => {
  const { shared, runs } = steered();
  const first = shared.run();
  await until("the first run", () => runs.length === 1);
  const second = shared.run();
  runs[0]?.reject(new Error("first"));
  await expect(first).rejects.toThrow("first");
  await until("the second run", () => runs.length === 2);
  runs[1]?.resolve();
  expect(await second).toBeUndefined();
});

test("runs begin some time apart, and the first one after a while at once", async () => {
  const { shared, runs, clock } = steered(30);
  const first = shared.run();
  await until("the first run", () => runs.length === 1);
  runs[0]?.resolve();
  await first;
  const second = shared.run();
  await nextTurn();
  clock.advance(29);
  await nextTurn();
  expect(runs).toHaveLength(1);
  clock.advance(1);
  await until("the second run", () => runs.length === 2);
  runs[1]?.resolve();
  await second;
  clock.advance(30);
  const third = shared.run();
  await nextTurn();
  expect(runs).toHaveLength(3);
  runs[2]?.resolve();
  await third;
});
