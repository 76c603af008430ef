import { expect, test } from "bun:test";
import { sharesOf } from "./lane.ts";

test("lanes share what may be on its way evenly, and all of it", () => {
  expect(sharesOf(8, 1, 5)).toEqual([8]);
  expect(sharesOf(8, 2, 0)).toEqual([4, 4]);
  for (const turn of [0, 1, 2]) {
    const shares = sharesOf(8, 3, turn);
    expect(shares.toSorted()).toEqual([2, 3, 3]);
  }
});

test("where there is less than one for each, every lane has its turn", () => {
  const turns = [0, 1, 2].map((turn) => sharesOf(1, 3, turn));
  for (const shares of turns) expect(shares.toSorted()).toEqual([0, 0, 1]);
  expect(new Set(turns.map((shares) => shares.indexOf(1))).size).toBe(3);
});
