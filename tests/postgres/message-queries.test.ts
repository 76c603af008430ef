/** What a read of messages costs the server, by its statements. */
import { expect, test } from "bun:test";
import { Connection, SNAPSHOT } from "../../src/storage/postgres/connection/connection.ts";
import { listMessages } from "../../src/storage/postgres/reads/message-queries.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { message } from "../messages.ts";
import { recorded } from "./recorded-session.ts";
import { newPostgresDatabase } from "./server.ts";

const START_MS = 120_000;
const ROWS = 1100;

test(
  "a page at a deep offset asks once for what is not counted yet, for its total and for the hours that it skips",
  async () => {
    const database = await newPostgresDatabase();
    const store = await openForTest({ engine: "postgres", url: database.url });
    await Promise.all(
      Array.from({ length: ROWS }, (_, index) => store.append({ messages: [message(`m${index}`)] })),
    );
    const connection = new Connection(database.url, { connectionsMax: 1, connectTimeoutS: 5 });
    const { page, tails } = await connection.transaction(SNAPSHOT, async (begun) => {
      const session = recorded(begun);
      const read = await listMessages(session, { limit: 10, offset: ROWS - 5 });
      return { page: read, tails: session.texts.filter((text) => text.includes("from batches")).length };
    });
    await connection.close();
    await store.close();
    await database.drop();
    expect([page.data.length, page.total]).toEqual([5, ROWS]);
    expect(tails).toBe(1);
  },
  START_MS,
);
