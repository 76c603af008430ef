/**
 * A commit whose answer was lost is asked after. Real connections that are cut:
 * tests/faults/postgres-commit.test.ts.
 */
import { expect, test } from "bun:test";
import { message } from "../../../../tests/messages.ts";
import { sessionOf } from "../../../../tests/postgres/answering-session.ts";
import { systemClock } from "../../../lib/clock.ts";
import { Metrics } from "../../../observe/metrics.ts";
import type { Availability } from "../connection/availability.ts";
import type { Connection, Session } from "../connection/connection.ts";
import { Commits } from "./commits.ts";

const lost = Object.assign(new Error("the connection was closed"), {
  code: "ERR_POSTGRES_CONNECTION_CLOSED",
});
const GROUP = [{ createdAt: "2025-01-15T10:00:00.000Z", intake: { messages: [message("a")] } }];
const GUARDED = [{ fsync: "on" }];

interface Course {
  /** When the connection is lost, if it is. */
  readonly lostAt?: "the begin" | "the commit";
  /**
   * Of the batch, when the database is asked after it: how many it has, or -1 when its name was
   * taken just now.
   */
  readonly rows?: number;
  readonly isBack?: boolean;
}

/** Commits a group in a database that behaves so. */
async function commitOn({ lostAt, rows = 1, isBack = true }: Course) {
  const losses: string[] = [];
  let questions = 0;
  const connection = {
    commit: async (_: string, work: (session: Session, found: readonly object[]) => Promise<string>) => {
      if (lostAt === "the begin") throw lost;
      await work(
        sessionOf(() => [{ message_id: "a" }]),
        [GUARDED],
      );
      if (lostAt === "the commit") throw lost;
    },
    transaction: (_: string, work: (session: Session) => Promise<unknown>) => {
      questions++;
      return work(sessionOf((sql) => (sql.startsWith("select rows") ? [{ rows }] : GUARDED)));
    },
  } as unknown as Connection;
  const availability = {
    lost: (reason: string) => losses.push(reason),
    wait: async () => isBack,
  } as unknown as Availability;
  const metrics = new Metrics({ version: "test", runtime: "test" });
  const newId = () => "01890a5d-ac96-774b-bcce-b302099a8057";
  const commits = new Commits({ connection, availability, clock: systemClock, newId, metrics });
  const tried = await commits.commit(GROUP, systemClock.elapsed() + 5000);
  return { tried, losses: losses.length, questions };
}

test("a commit that was answered is written, and nobody asks again", async () => {
  const { tried, questions } = await commitOn({});
  expect(tried).toMatchObject({ written: { outcomes: [["created"]], messages: 1 } });
  expect(questions).toBe(0);
});

test("a connection that is lost before anything was sent leaves nothing to ask after", async () => {
  const { tried, questions } = await commitOn({ lostAt: "the begin" });
  expect(tried).toMatchObject({ kind: "lost" });
  expect(questions).toBe(0);
});

test("a lost answer is 'written' when the database has the batch, one without rows included", async () => {
  for (const rows of [1, 0]) {
    const { tried, losses } = await commitOn({ lostAt: "the commit", rows });
    expect(tried).toMatchObject({ written: { outcomes: [["created"]] } });
    expect(losses).toBe(1);
  }
});

test("a lost answer is 'again' when the batch isn't there, and its name was taken from it", async () => {
  const { tried } = await commitOn({ lostAt: "the commit", rows: -1 });
  expect(tried).toMatchObject({ kind: "again" });
});

test("a lost answer is 'undecided' when nobody says in time what became of it", async () => {
  const { tried, questions } = await commitOn({ lostAt: "the commit", isBack: false });
  expect(tried).toMatchObject({ kind: "undecided" });
  expect(questions).toBe(0);
});
