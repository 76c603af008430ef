import { expect, test } from "bun:test";
import fc from "fast-check";
import { ScrollSpace } from "./scroll-space.ts";

const VIEWPORT = 700;

const opened = (height: number) => {
  const space = new ScrollSpace();
  space.resize(height, VIEWPORT);
  return space;
};

test("a list that browsers can draw is scrolled as it is", () => {
  const space = opened(100_000);
  space.barMoved(4321, false);
  expect([space.top, space.barHeight, space.drawnAt(5000)]).toEqual([4321, 100_000, 5000]);
});

test("a higher one reaches its ends where the bar does, and its middle at the bar's", () => {
  const height = 400_000_000;
  const space = opened(height);
  const room = space.barHeight - VIEWPORT;
  for (const [share, place] of [
    [1, height - VIEWPORT],
    [0.5, (height - VIEWPORT) / 2],
    [0, 0],
  ] as const) {
    space.barMoved(room * share, false);
    expect(space.top).toBeCloseTo(place, 0);
  }
});

test("steps move a higher list by their pixels, and at rest the bar is where the list is", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 7_000_000, max: 1_000_000_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.array(fc.integer({ min: -2000, max: 2000 }), { maxLength: 30 }),
      (height, share, steps) => {
        const space = opened(height);
        let bar = space.moveTo(share * (height - VIEWPORT));
        let expected = space.top;
        for (const step of steps) {
          const next = Math.max(0, Math.min(bar + step, space.barHeight - VIEWPORT));
          space.barMoved(next, true);
          expected = Math.max(0, Math.min(expected + next - bar, height - VIEWPORT));
          expect(space.top).toBeCloseTo(expected, 3);
          // What is at the top of the screen is drawn there.
          expect(space.drawnAt(space.top)).toBeCloseTo(next, 3);
          bar = next;
        }
        bar = space.moveTo(space.top);
        expect(Math.abs(bar - (space.top / (height - VIEWPORT)) * (space.barHeight - VIEWPORT))).toBeLessThan(
          1,
        );
      },
    ),
  );
});
