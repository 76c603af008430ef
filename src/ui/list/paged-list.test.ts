/** The list against a model of the API: rows by a key, read by order, cursor and offset. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { PagedList } from "./paged-list.ts";

/**
 * A row is its own key; the greatest is the latest. A row that moves gets another key. An answer is
 * as the rows are when it is asked for, and comes when `comes` lets it.
 */
function listOver(
  stored: Set<number>,
  rowsMove = false,
  comes: () => Promise<unknown> | undefined = () => undefined,
) {
  const asked: { order: string; offset: number; limit: number }[] = [];
  const list = new PagedList<number>({
    idOf: String,
    compare: (one, other) => other - one,
    ...(rowsMove && { rowsMove }),
    read: async ({ order, limit, cursor, offset = 0 }) => {
      asked.push({ order, offset, limit });
      const rows = [...stored].sort((one, other) => (order === "desc" ? other - one : one - other));
      const after = cursor === undefined ? undefined : Number(cursor);
      const behind = rows.filter(
        (row) => after === undefined || (order === "desc" ? row < after : row > after),
      );
      const data = behind.slice(offset, offset + limit);
      const hasMore = offset + limit < behind.length;
      await comes();
      return { data, total: rows.length, cursor: hasMore ? String(data.at(-1)) : undefined };
    },
  });
  return { list, asked };
}

async function wanted(list: PagedList<number>, from: number, to: number): Promise<(number | undefined)[]> {
  list.want(from, to);
  // Every answer comes at once, so that a turn is enough for all of them.
  await new Promise((resolve) => setTimeout(resolve));
  return Array.from({ length: to - from + 1 }, (_, index) => list.row(from + index));
}

test("wherever one goes, the rows of that place are there, in order and without a gap", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 3000 }),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 150 })), {
        maxLength: 12,
      }),
      async (size, places) => {
        const { list } = listOver(new Set(Array.from({ length: size }, (_, index) => index)));
        await list.reload();
        expect(list.total.value).toBe(size);
        for (const [share, length] of places) {
          const from = Math.floor(share * Math.max(0, size - 1));
          const to = Math.min(size - 1, from + length);
          const rows = await wanted(list, from, to);
          expect(rows).toEqual(Array.from({ length: to - from + 1 }, (_, index) => size - 1 - from - index));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("a walk from the top to the end and back asks for no offset, and keeps few rows", async () => {
  const size = 5000;
  const { list, asked } = listOver(new Set(Array.from({ length: size }, (_, index) => index)));
  await list.reload();
  for (let from = 0; from < size; from += 40) await wanted(list, from, Math.min(size - 1, from + 40));
  for (let from = size - 41; from >= 0; from -= 40)
    expect((await wanted(list, from, from + 40))[0]).toBe(size - 1 - from);
  expect(asked.filter(({ offset }) => offset > 0)).toEqual([]);
  const kept = Array.from({ length: size }, (_, index) => list.row(index)).filter((row) => row !== undefined);
  expect(kept.length).toBeLessThan(1500);
});

test("a jump asks for one offset, from the nearer end, and goes up and down by cursors from there", async () => {
  const size = 5000;
  const { list, asked } = listOver(new Set(Array.from({ length: size }, (_, index) => index)));
  await list.reload();
  await wanted(list, size - 20, size - 1);
  await wanted(list, size - 900, size - 880);
  for (let from = size - 900; from > size - 2500; from -= 50)
    expect((await wanted(list, from, from + 20))[20]).toBe(size - 21 - from);
  const jumps = asked.filter(({ offset }) => offset > 0);
  expect(jumps.map(({ order }) => order)).toEqual(["asc", "asc"]);
  for (const { limit, offset } of jumps) expect([limit, offset < 1100]).toEqual([1, true]);
});

test("what comes in stands in its place, once, while pages are read and first ones anew", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 600 }),
      fc.array(
        fc.tuple(fc.integer({ min: 0, max: 9999 }), fc.constantFrom("insert", "reload", "twice", "scroll")),
        {
          maxLength: 30,
        },
      ),
      async (size, steps) => {
        const stored = new Set(Array.from({ length: size }, (_, index) => 2 * index));
        const { list } = listOver(stored);
        await list.reload();
        for (const [key, what] of steps) {
          const reading = what === "reload" ? list.reload() : undefined;
          const isNew = !stored.has(key);
          stored.add(key);
          if (isNew) list.insert(key);
          if (what === "twice" && list.indexInHead(String(key)) >= 0) list.insert(key);
          await reading;
          if (what === "scroll")
            await wanted(list, Math.min(key, stored.size - 1), Math.min(key + 50, stored.size - 1));
        }
        const sorted = [...stored].sort((one, other) => other - one);
        expect(list.total.value).toBe(stored.size);
        expect(await wanted(list, 0, Math.min(120, stored.size - 1))).toEqual(sorted.slice(0, 121));
      },
    ),
    { numRuns: 80 },
  );
});

test("an answer that was asked for earlier never takes the place of a later one", async () => {
  const stored = new Set([1]);
  const answers: (() => void)[] = [];
  const { list } = listOver(stored, false, () => new Promise<void>((resolve) => answers.push(resolve)));
  const first = list.reload();
  stored.add(2);
  const second = list.reload();
  answers[1]?.();
  await second;
  answers[0]?.();
  await first;
  expect([list.total.value, list.row(0), list.row(1)]).toEqual([2, 2, 1]);
});

test("a page that comes after the first one was read anew isn't put where it was asked for", async () => {
  const stored = new Set(Array.from({ length: 400 }, (_, index) => index));
  let answer: (() => void) | undefined;
  let isHeld = false;
  const { list } = listOver(stored, false, () =>
    isHeld
      ? new Promise<void>((resolve) => {
          answer = resolve;
        })
      : undefined,
  );
  await list.reload();
  for (let key = 400; key < 450; key++) {
    stored.add(key);
    list.insert(key);
  }
  isHeld = true;
  list.want(150, 160);
  isHeld = false;
  await list.reload();
  answer?.();
  expect(await wanted(list, 0, 449)).toEqual(Array.from({ length: 450 }, (_, index) => 449 - index));
});

test("rows that move to the front are missing further down, where the list ends earlier without a gap", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 400, max: 1200 }),
      fc.array(fc.integer({ min: 0, max: 299 }), { minLength: 1, maxLength: 60 }),
      async (size, moves) => {
        const stored = new Set(Array.from({ length: size }, (_, index) => index));
        const { list } = listOver(stored, true);
        await list.reload();
        const moved = new Set(moves);
        for (const key of moved) {
          stored.delete(key);
          stored.add(size + key);
        }
        for (let from = 0; from < (list.total.value ?? 0); from += 90)
          await wanted(list, from, Math.min(from + 90, (list.total.value ?? 0) - 1));
        expect(list.total.value).toBe(size - moved.size);
        const left = [...stored].filter((key) => key < size).sort((one, other) => other - one);
        const last = await wanted(list, left.length - 100, left.length - 1);
        expect(last).toEqual(left.slice(-100));
        expect(await list.countNew()).toBe(Math.min(96, moved.size));
        await list.reload();
        expect(list.total.value).toBe(size);
      },
    ),
    { numRuns: 60 },
  );
});
