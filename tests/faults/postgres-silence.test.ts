/** Connections that die without a word: what is done beside the receiving of messages goes on after a bounded time. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Store } from "../../src/core/store.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { message } from "../messages.ts";
import { newPostgresServer, type OwnServer } from "../postgres/own-server.ts";
import { empty, type Session, sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { type CuttingProxy, newCuttingProxy } from "./cutting-proxy.ts";

/** Ten seconds for a statement, and what comes on top of them, twice: for our side and for the server's. */
const BACK_MS_MAX = 25_000;
const LONG_MS = 120_000;

let server: OwnServer;
let beside: Session;
let proxy: CuttingProxy;
let store: Store;
beforeAll(async () => {
  server = await newPostgresServer();
  beside = sessionOn(server.url("postgres"));
}, LONG_MS);
afterAll(async () => {
  await beside.close();
  await server.remove();
});
beforeEach(async () => {
  await empty(beside);
  proxy = await newCuttingProxy(server);
  const url = server.url("postgres").replace(`:${server.port}/`, `:${proxy.port}/`);
  store = await openForTest({ engine: "postgres", url });
});
afterEach(async () => {
  await store.close();
  await proxy.close();
});

const unnumbered = async () => (await beside.query("select 1 from batches where seq is null")).length;

test.each([
  ["while it takes the lease", "insert into lease"],
  ["while it holds the row of the counts", "from totals where id = 1 for update"],
  ["while it numbers batches", "update batches set seq"],
  ["while it looks at the figures", "pg_database_size"],
])(
  "folding goes on after its connection died %s",
  async (_, statement) => {
    proxy.silence(statement);
    // The figures are looked at each ten seconds.
    const silenced = until("the connection to be silent", () => proxy.silent() === 1, 15_000);
    expect(await store.append({ messages: [message("m1")] })).toEqual(["created"]);
    await silenced;
    expect(await store.append({ messages: [message("m2")] })).toEqual(["created"]);
    await until("everything to be folded", async () => (await unnumbered()) === 0, BACK_MS_MAX);
    expect((await store.stats()).total_messages).toBe(2);
  },
  LONG_MS,
);
