/**
 * What a failover would lose, told from what the server shows. Real standbys:
 * tests/faults/postgres-standby-report.test.ts.
 */
import { expect, test } from "bun:test";
import { connectionOf, sessionOf } from "../../../../tests/postgres/answering-session.ts";
import type { Log } from "../../../observe/log.ts";
import { StandbyReport } from "./standby-report.ts";

interface Shown {
  readonly names: string;
  readonly connected: number;
  readonly synchronous: number;
  /** Whose state this role may not see. */
  readonly hidden: number;
}

/** The lines for what the server shows at one look after the other. */
async function linesFor(...looks: readonly Shown[]) {
  const lines: { level: string; message: string; fields: unknown }[] = [];
  const write = (level: string) => (message: string, fields: unknown) => {
    lines.push({ level, message, fields });
  };
  const report = new StandbyReport({ info: write("info"), warn: write("warn") } as unknown as Log);
  for (const shown of looks)
    await report.look(connectionOf(sessionOf((sql) => (sql.includes("pg_stat_replication") ? [shown] : []))));
  return lines;
}

const NONE: Shown = { names: "", connected: 1, synchronous: 0, hidden: 0 };
const AWAY: Shown = { names: "ANY 1 (a, b)", connected: 1, synchronous: 0, hidden: 0 };
const THERE: Shown = { names: "ANY 1 (a, b)", connected: 2, synchronous: 1, hidden: 0 };

test("without synchronous standbys it warns of what a failover loses, whatever is connected", async () => {
  expect(await linesFor(NONE)).toEqual([
    { level: "warn", message: expect.stringContaining("a failover loses"), fields: { standbys: 1 } },
  ]);
});

test("when none of the named standbys is connected it warns that commits wait", async () => {
  expect(await linesFor(AWAY)).toEqual([
    {
      level: "warn",
      message: expect.stringContaining("commits wait until one is"),
      fields: { synchronous_standby_names: "ANY 1 (a, b)", standbys: 1 },
    },
  ]);
});

test("one that is synchronous is good news, and so is one whose state the role may not see", async () => {
  for (const shown of [THERE, { ...THERE, synchronous: 0, hidden: 2 }])
    expect(await linesFor(shown)).toEqual([
      { level: "info", message: expect.stringContaining("loses nothing"), fields: expect.anything() },
    ]);
});

test("the same is said once, and again after something else", async () => {
  const lines = await linesFor(THERE, THERE, AWAY, AWAY, THERE);
  expect(lines.map(({ level }) => level)).toEqual(["info", "warn", "info"]);
});
