import { expect, test } from "bun:test";
import { Turns } from "./turns.ts";

test("so much is done at once, the rest in its order, also after a failure", async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = Array.from({ length: 5 }, (_, index) =>
    turns.take(async () => {
      begun.push(index);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (index === 0) throw new Error("failed");
      return index;
    }),
  );
  const settled = Promise.allSettled(all);
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  for (let index = 0; index < 5; index++) {
    ends[index]?.();
    await Bun.sleep(0);
    expect(begun).toEqual([0, 1, 2, 3, 4].slice(0, Math.min(5, index + 3)));
  }
  const results = (await settled).map((each) => (each.status === "fulfilled" ? each.value : "failed"));
  expect(results).toEqual(["failed", 1, 2, 3, 4]);
});
