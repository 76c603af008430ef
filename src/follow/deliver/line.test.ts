import { expect, test } from "bun:test";
import type { FollowedRecord } from "../followed-record.ts";
import { Line } from "./line.ts";

const record = (seq: number): FollowedRecord => ({
  ...{ seq, position: `p.${seq}`, isEvent: false, text: "{}" },
  record: {} as FollowedRecord["record"],
});
const lineOf = (...senders: string[]) => {
  const line = new Line();
  for (const [index, sender] of senders.entries()) line.add(record(index + 1), sender);
  return line;
};
/** Takes all that may begin. */
const begin = (line: Line) => {
  const begun: number[] = [];
  for (let next = line.nextReady(); next !== undefined; next = line.nextReady()) {
    next.state = "flying";
    begun.push(next.followed.seq);
  }
  return begun;
};
const at = (line: Line, seq: number) => {
  const entry = line.entries.find(({ followed }) => followed.seq === seq);
  if (entry === undefined) throw new Error(`there is no ${seq}`);
  return entry;
};
const seqs = (entries: readonly { followed: FollowedRecord }[]) =>
  entries.map(({ followed }) => followed.seq);
const all = () => true;

test("each sender's records begin one after the other, nobody's all at once", () => {
  const line = lineOf("a", "b", "a", "", "", "a", "b");
  expect(begin(line)).toEqual([1, 2, 4, 5]);
  line.over(at(line, 1), "done");
  expect(begin(line)).toEqual([3]);
  line.over(at(line, 2), "done");
  line.over(at(line, 3), "dead");
  expect(begin(line)).toEqual([7, 6]);
});

test("what has been seen to ends before the first that is on its way", () => {
  const line = lineOf("a", "b", "c");
  begin(line);
  line.over(at(line, 1), "done");
  line.over(at(line, 3), "done");
  expect(seqs(line.seenTo(all, 100))).toEqual([1]);
  line.over(at(line, 2), "dead");
  expect(seqs(line.seenTo(all, 100))).toEqual([1, 2, 3]);
});

test("one that fails is put aside with what its sender has behind it, and blocks it until that is gone", () => {
  const line = lineOf("a", "b", "a", "a", "b");
  begin(line);
  at(line, 1).state = "failing";
  line.over(at(line, 2), "done");
  expect(begin(line)).toEqual([5]);
  line.over(at(line, 5), "done");
  expect(seqs(line.seenTo(() => false, 100))).toEqual([]);
  const leaving = line.seenTo(all, 100);
  expect(seqs(leaving)).toEqual([1, 2, 3, 4, 5]);
  for (const entry of leaving) if (entry.state !== "done") entry.state = "leaving";
  line.leave(leaving.length);
  expect([line.length, line.asideOf("a"), line.asideOf("b")]).toEqual([0, 3, 0]);
  line.add(record(6), "a");
  line.add(record(7), "b");
  expect(begin(line)).toEqual([7]);
  expect(seqs(line.seenTo(all, 100))).toEqual([6]);
  line.unblock("a", 3);
  expect(begin(line)).toEqual([6]);
});

test("no more is put aside than there is room for", () => {
  const line = lineOf("a", "a", "a", "b");
  begin(line);
  at(line, 1).state = "failing";
  expect(seqs(line.seenTo(all, 2))).toEqual([1, 2]);
  expect(seqs(line.seenTo(all, 0))).toEqual([]);
});

test("those that failed are due in the order of the log, each at its time", () => {
  const line = lineOf("a", "b", "c");
  begin(line);
  for (const [seq, dueAt] of [
    [1, 300],
    [2, 100],
    [3, 200],
  ] as const)
    Object.assign(at(line, seq), { state: "failing", dueAt });
  expect(line.dueAt).toBe(100);
  expect(line.nextDue(99)).toBeUndefined();
  expect(line.nextDue(100)?.followed.seq).toBe(2);
  expect(line.nextDue(300)?.followed.seq).toBe(1);
});

test("a line that ends leaves up to the last that was handed on, and nothing where none was", () => {
  const line = lineOf("a", "b", "a", "c", "b");
  expect(line.upToLastDone(100)).toEqual([]);
  begin(line);
  at(line, 1).state = "failing";
  at(line, 2).state = "ready";
  line.over(at(line, 4), "done");
  expect(seqs(line.upToLastDone(100))).toEqual([1, 2, 3, 4]);
  expect(line.upToLastDone(2)).toEqual([]);
});
