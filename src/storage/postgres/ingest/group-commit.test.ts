/**
 * Which intakes go together, and what each is told. The commits are a stand-in that says what
 * became of a group.
 */
import { expect, test } from "bun:test";
import { message } from "../../../../tests/messages.ts";
import { steeredClock } from "../../../../tests/steered-clock.ts";
import { until } from "../../../../tests/until.ts";
import { IntakeRejected, StorageUnavailable } from "../../../core/errors.ts";
import type { Intake } from "../../../core/store.ts";
import type { Availability } from "../connection/availability.ts";
import type { QueuedIntake } from "./batch.ts";
import type { Commits } from "./commits.ts";
import { GROUPS_AT_ONCE, GroupCommit } from "./group-commit.ts";

type Tried = Awaited<ReturnType<Commits["commit"]>>;
type Try = (ids: readonly string[]) => Tried | Promise<Tried>;

const idsOf = (group: readonly QueuedIntake[]) =>
  group.flatMap(({ intake }) => intake.messages.map(({ message_id }) => message_id));
const written = (ids: readonly string[]): Tried => ({
  written: { outcomes: ids.map(() => ["created"]), messages: ids.length, events: 0, record: "" },
});

/** Tries each group by `attempt`, and takes down which there were. */
function grouping(attempt: Try, { isUsable = true } = {}) {
  const groups: (readonly string[])[] = [];
  const losses: string[] = [];
  const clock = steeredClock();
  const commit = async (group: readonly QueuedIntake[]) => {
    const ids = idsOf(group);
    groups.push(ids);
    return attempt(ids);
  };
  const availability = {
    reason: undefined,
    wait: async () => isUsable,
    lost: (reason: string) => losses.push(reason),
  } as unknown as Availability;
  const subject = new GroupCommit({
    limits: { queueRowsMax: 10_000, queueBytesMax: 1e8 },
    clock,
    availability,
    commits: { commit } as unknown as Commits,
    onWritten: () => undefined,
  });
  const append = (id: string) => subject.append({ messages: [message(id)] } satisfies Intake);
  return { subject, append, groups, losses, clock };
}

const numbered = (length: number) => Array.from({ length }, (_, index) => `m${index}`);

test("what arrives in one turn of the event loop goes together, up to 256 rows", async () => {
  const { append, groups } = grouping(written);
  const outcomes = await Promise.all(numbered(600).map(append));
  expect(outcomes).toEqual(numbered(600).map(() => ["created"]));
  expect(groups.map(({ length }) => length)).toEqual([256, 256, 88]);
  expect(groups.flat()).toEqual(numbered(600));
});

test("beside a transaction another one begins when 32 intakes wait, or 20 ms after it began", async () => {
  const first = Promise.withResolvers<void>();
  const { append, groups, clock } = grouping(async (ids) => {
    if (ids.includes("first")) await first.promise;
    return written(ids);
  });
  const appended = [append("first")];
  await until("the first is under way", () => groups.length === 1);
  appended.push(...numbered(31).map(append));
  await new Promise(setImmediate);
  expect(groups).toHaveLength(1);
  appended.push(append("m31"));
  await until("32 are under way", () => groups.length === 2);
  expect(groups[1]).toHaveLength(32);
  await Promise.all(appended.slice(1));
  clock.advance(21);
  await append("late");
  expect(groups[2]).toEqual(["late"]);
  first.resolve();
  await Promise.all(appended);
});

test("a group that the database refuses is tried in halves until the culprit stands alone", async () => {
  const { append, groups } = grouping((ids) =>
    ids.includes("bad") ? { kind: "data", reason: "23514 a constraint" } : written(ids),
  );
  const ids = ["a", "b", "bad", "c"];
  const results = await Promise.allSettled(ids.map(append));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  const refused = results[2];
  expect(refused?.status === "rejected" && refused.reason).toBeInstanceOf(IntakeRejected);
  expect(groups).toEqual([ids, ["a", "b"], ["bad", "c"], ["bad"], ["c"]]);
});

test("what may succeed at once is tried again, and the database is not taken for lost", async () => {
  let failures = 2;
  const { append, groups, losses } = grouping((ids) =>
    failures-- > 0 ? { kind: "again", reason: "40P01 deadlock" } : written(ids),
  );
  expect(await append("a")).toEqual(["created"]);
  expect(groups).toHaveLength(3);
  expect(losses).toEqual([]);
});

test("a lost connection and a server that can't write are said, and the group is tried again", async () => {
  const failures: Tried[] = [
    { kind: "lost", reason: "closed" },
    { kind: "unavailable", reason: "53100 full" },
  ];
  const { append, losses } = grouping((ids) => failures.shift() ?? written(ids));
  expect(await append("a")).toEqual(["created"]);
  expect(losses).toEqual(["closed", "53100 full"]);
});

test("what became of an undecided commit is not tried again: its own rows would look like somebody else's", async () => {
  const { append, groups } = grouping(() => ({ kind: "undecided", reason: "closed" }));
  await expect(append("a")).rejects.toBeInstanceOf(StorageUnavailable);
  expect(groups).toHaveLength(1);
});

test("what never succeeds is given up after ten attempts", async () => {
  const { append, groups } = grouping(() => ({ kind: "again", reason: "40001" }));
  await expect(append("a")).rejects.toBeInstanceOf(StorageUnavailable);
  expect(groups).toHaveLength(10);
});

test("while the database can't be used nothing is tried, and an attempt after the deadline is none", async () => {
  const away = grouping(written, { isUsable: false });
  await expect(away.append("a")).rejects.toBeInstanceOf(StorageUnavailable);
  expect(away.groups).toEqual([]);
  const slow = grouping(() => {
    slow.clock.advance(5001);
    return { kind: "again", reason: "40001" };
  });
  await expect(slow.append("a")).rejects.toBeInstanceOf(StorageUnavailable);
  expect(slow.groups).toHaveLength(1);
});

test("no more than four transactions are under way at once, and closing waits for all of them", async () => {
  const gate = Promise.withResolvers<void>();
  const { subject, append, groups } = grouping(async (ids) => {
    await gate.promise;
    return written(ids);
  });
  const appended = numbered(256 * (GROUPS_AT_ONCE + 1)).map(append);
  await until("as many as may be are under way", () => groups.length === GROUPS_AT_ONCE);
  await new Promise(setImmediate);
  expect(groups).toHaveLength(GROUPS_AT_ONCE);
  expect(subject.rows).toBe(256 * (GROUPS_AT_ONCE + 1));
  const idle = subject.idle();
  gate.resolve();
  await idle;
  await Promise.all(appended);
  expect(subject.rows).toBe(0);
});
