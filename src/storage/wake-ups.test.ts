import { expect, test } from "bun:test";
import { nextTurn } from "../lib/next-turn.ts";
import { WakeUps } from "./wake-ups.ts";

test("all that happens in one turn is one call to each", async () => {
  const wakeUps = new WakeUps();
  const calls: string[] = [];
  wakeUps.add(() => calls.push("a"));
  wakeUps.add(() => calls.push("b"));
  for (let index = 0; index < 1000; index++) wakeUps.wake();
  expect(calls).toEqual([]);
  await nextTurn();
  expect(calls).toEqual(["a", "b"]);
  wakeUps.wake();
  await nextTurn();
  expect(calls).toEqual(["a", "b", "a", "b"]);
});

test("who has gone is not called, also when that was due", async () => {
  const wakeUps = new WakeUps();
  let calls = 0;
  const stop = wakeUps.add(() => calls++);
  expect(wakeUps.areWanted).toBe(true);
  wakeUps.wake();
  stop();
  stop();
  await nextTurn();
  expect([calls, wakeUps.areWanted]).toEqual([0, false]);
});
