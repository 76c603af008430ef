import { describe, expect, test } from "bun:test";
import { steeredClock } from "../../tests/steered-clock.ts";
import { Remembered } from "./remembered.ts";

/** Fetches give these, one after the other; what is undefined fails. */
function open(...given: (number | undefined)[]) {
  const clock = steeredClock();
  const asked: number[] = [];
  let answering = Promise.withResolvers<void>();
  answering.resolve();
  const hold = () => {
    answering = Promise.withResolvers<void>();
    return answering.resolve;
  };
  const remembered = new Remembered({
    fetch: async () => {
      const value = given[asked.length];
      asked.push(clock.elapsed());
      await answering.promise;
      if (value === undefined) throw new Error(`fetch ${asked.length} failed`);
      return value;
    },
    freshMs: 600_000,
    usableMs: 86_400_000,
    clock,
  });
  const want = async (least = 0) => {
    await remembered.want((value) => value >= least);
    return remembered.value;
  };
  return { remembered, clock, asked, want, hold };
}

describe("what is remembered", () => {
  test("is fetched once for all who want it at a time, and not again while it is fresh", async () => {
    const { want, clock, asked } = open(1, 2);
    expect(await Promise.all([want(), want(), want()])).toEqual([1, 1, 1]);
    clock.advance(599_999);
    expect(await want()).toBe(1);
    expect(asked).toEqual([0]);
  });

  test("is given at once when it is old, and fetched beside that", async () => {
    const { want, clock, asked, hold } = open(1, 2);
    await want();
    clock.advance(600_000);
    const release = hold();
    expect([await want(), await want()]).toEqual([1, 1]);
    expect(asked).toEqual([0, 600_000]);
    const newer = want(2);
    release();
    expect(await newer).toBe(2);
    expect(asked.length).toBe(2);
  });

  test("counts for a day when nothing newer can be had, and not longer", async () => {
    const { want, remembered, clock, asked } = open(1, undefined, undefined, undefined);
    await want();
    clock.advance(600_000);
    expect(await want()).toBe(1);
    expect(await want()).toBe(1);
    expect(asked.length).toBe(2);
    clock.advance(86_400_000 - 600_000 - 1);
    expect(await want()).toBe(1);
    expect(asked.length).toBe(3);
    clock.advance(1);
    expect(remembered.value).toBeUndefined();
    await expect(want()).rejects.toThrow("fetch 3 failed");
    clock.advance(5000);
    await expect(want()).rejects.toThrow("fetch 4 failed");
  });

  test("that never was there is asked for at most each five seconds", async () => {
    const { want, clock, asked } = open(undefined, 1);
    const attempts = await Promise.allSettled([want(), want()]);
    expect(attempts.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    clock.advance(4999);
    await expect(want()).rejects.toThrow("fetch 1 failed");
    expect(asked.length).toBe(1);
    clock.advance(1);
    expect(await want()).toBe(1);
  });

  test("that isn't enough is fetched at most each 30 seconds, however often more is wanted", async () => {
    const { want, clock, asked } = open(1, 2, undefined, 4);
    await want();
    for (let round = 0; round < 1000; round++) expect(await want(9)).toBe(1);
    expect(asked.length).toBe(1);
    clock.advance(30_000);
    expect(await Promise.all(Array.from({ length: 1000 }, () => want(2)))).not.toContain(1);
    expect(asked.length).toBe(2);
    clock.advance(30_000);
    await expect(want(3)).rejects.toThrow("fetch 3 failed");
    clock.advance(29_999);
    await expect(want(3)).rejects.toThrow("fetch 3 failed");
    expect(await want(2)).toBe(2);
    expect(asked.length).toBe(3);
    clock.advance(1);
    expect(await want(3)).toBe(4);
  });
});
