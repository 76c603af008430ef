/**
 * Connections that die without a word: what is done beside the receiving of messages goes on after
 * a bounded time.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openForTest } from "../contract/open-for-test.ts";
import { message } from "../messages.ts";
import { newPostgresServer, type OwnServer } from "../postgres/own-server.ts";
import { sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { newCuttingProxy } from "./cutting-proxy.ts";

/**
 * Ten seconds for a statement, and what comes on top of them, twice: for our side and for the
 * server's. A busy machine may take as long again.
 */
const BACK_MS_MAX = 60_000;
const LONG_MS = 120_000;

let server: OwnServer;
beforeAll(async () => {
  server = await newPostgresServer();
}, LONG_MS);
afterAll(() => server.remove());

/** They only wait, so they wait at once, each in a database of its own. */
test.concurrent.each([
  ["while it takes the lease", "insert into lease"],
  ["while it holds the row of the counts", "from totals where id = 1 for update"],
  ["while it numbers batches", "update batches set seq"],
  ["while it looks at the figures", "pg_database_size"],
])(
  "folding goes on after its connection died %s",
  async (when, statement) => {
    const name = when.replaceAll(" ", "_");
    const admin = sessionOn(server.url("postgres"));
    await admin.query(`create database ${name}`);
    await admin.close();
    const beside = sessionOn(server.url(name));
    const proxy = await newCuttingProxy(server);
    const url = server.url(name).replace(`:${server.port}/`, `:${proxy.port}/`);
    const store = await openForTest({ engine: "postgres", url });
    try {
      proxy.silence(statement);
      // The figures are looked at each ten seconds.
      const silenced = until("the connection to be silent", () => proxy.silent() === 1);
      expect(await store.append({ messages: [message("m1")] })).toEqual(["created"]);
      await silenced;
      expect(await store.append({ messages: [message("m2")] })).toEqual(["created"]);
      const unfolded = async () => (await beside.query("select 1 from batches where seq is null")).length;
      await until("everything to be folded", async () => (await unfolded()) === 0, BACK_MS_MAX);
      expect((await store.stats()).total_messages).toBe(2);
    } finally {
      await store.close();
      await proxy.close();
      await beside.close();
    }
  },
  LONG_MS,
);
