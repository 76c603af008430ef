import { expect, test } from "bun:test";
import { sessionOf } from "../../../../tests/postgres/answering-session.ts";
import { StartRefused } from "../../../core/errors.ts";
import { type MigrationMark, refuseUnfinished } from "./migration-mark.ts";

const withMark = (mark?: MigrationMark) =>
  sessionOf(() => (mark === undefined ? [] : [{ value: JSON.stringify(mark) }]));

test("a database that is no migration's target may be served, and so may one whose migration is finished", async () => {
  await refuseUnfinished(withMark());
  await refuseUnfinished(withMark({ log: "a", seq: 7, finished: true }));
});

test("a start on a migration's target is refused until the migration is finished", async () => {
  const refused = refuseUnfinished(withMark({ log: "a", seq: 7, finished: false }));
  await expect(refused).rejects.toBeInstanceOf(StartRefused);
  await expect(refused).rejects.toThrow("run postern migrate until");
});
