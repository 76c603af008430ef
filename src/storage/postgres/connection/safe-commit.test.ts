import { expect, test } from "bun:test";
import { sessionOf } from "../../../../tests/postgres/answering-session.ts";
import { failureOf } from "./failures.ts";
import { checkSynced, commitSafely, guard, guarding, limit } from "./safe-commit.ts";

test("a server that doesn't sync is refused as one that can't write, and so is one that doesn't say", () => {
  expect(() => checkSynced([{ fsync: "on" }])).not.toThrow();
  for (const found of [[{ fsync: "off" }], [{}], []]) {
    let thrown: unknown;
    try {
      checkSynced(found);
    } catch (error) {
      thrown = error;
    }
    expect(failureOf(thrown)).toMatchObject({ kind: "unavailable", isLasting: false });
  }
});

test("a guarded transaction fails before its work on a server that doesn't sync", async () => {
  await expect(
    guard(
      sessionOf(() => [{ fsync: "off" }]),
      1000,
    ),
  ).rejects.toThrow("fsync=off");
});

test.each([
  [1500, "1500"],
  [1500.2, "1501"],
  [0.3, "1"],
  [0, "1"],
  [-20, "1"],
])("a time limit of %d ms is %s whole ones: 0 would be none at all", (ms, whole) => {
  expect(guarding(ms)).toContain(`set_config('statement_timeout', '${whole}', true)`);
});

test("every setting ends with its transaction, so that a pooler may give the session to somebody else", async () => {
  const session = sessionOf(() => [{ fsync: "on" }]);
  await commitSafely(session);
  await guard(session, 10);
  await limit(session, 10);
  const calls = session.asked.flatMap((sql) => sql.match(/set_config\(/g) ?? []);
  const local = session.asked.flatMap((sql) => sql.match(/, true\)/g) ?? []);
  expect(calls).toHaveLength(6);
  expect(local).toHaveLength(6);
});
