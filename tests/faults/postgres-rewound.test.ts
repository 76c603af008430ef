/**
 * What becomes of positions when the server under a log is another one: whoever is behind the point
 * that it goes on from goes on, whoever has passed it is told, and nobody is stuck or passes over a
 * record.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chownSync } from "node:fs";
import type { Changes } from "../../src/core/changes.ts";
import { Failure } from "../../src/core/errors.ts";
import { parsePosition, startOf } from "../../src/core/position.ts";
import type { Store } from "../../src/core/store.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { type Folder, newFolder } from "../folder.ts";
import { message } from "../messages.ts";
import { UNPRIVILEGED } from "../postgres/kept-process.ts";
import { newPgbouncer, PGBOUNCER } from "../postgres/own-pgbouncer.ts";
import {
  copyFiles,
  newPostgresServer,
  newServerOn,
  newStandby,
  type OwnServer,
} from "../postgres/own-server.ts";
import { sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { newCuttingProxy } from "./cutting-proxy.ts";

const LONG_MS = 120_000;
/** Many times what a look at the log takes. */
const WOKEN_MS_MAX = 5000;
const DATABASE = "log";

const open = (url: string, options: Parameters<typeof openForTest>[1] = {}) =>
  openForTest({ engine: "postgres", url }, options);

async function once<T>(url: string, statement: string): Promise<readonly T[]> {
  const { query, close } = sessionOn(url);
  try {
    return await query<T>(statement);
  } finally {
    await close();
  }
}

function after(store: Store, position: string): Promise<Changes> {
  const { seq = Number.NaN, mark = "" } = parsePosition(position) ?? {};
  return store.changes({ after: seq, mark, limit: 100 });
}

const keys = ({ records }: Changes) => records.map((record) => record.message_id);

/** Stores them one after the other; the position behind each. */
async function append(store: Store, ...ids: string[]): Promise<string[]> {
  const positions: string[] = [];
  for (const id of ids) {
    await store.append({ messages: [message(id)] });
    positions.push(await store.positionAt("now"));
  }
  return positions;
}

async function expectLost(store: Store, position = ""): Promise<void> {
  const page = await after(store, position);
  expect(page).toMatchObject({ isLost: true, records: [], more: false, position: startOf(page.log) });
  const { seq = 0, mark = "" } = parsePosition(position) ?? {};
  expect(await store.lag({ after: seq, mark })).toBeUndefined();
}

async function expectNext(store: Store, position = "", ...ids: string[]): Promise<void> {
  const page = await after(store, position);
  expect([page.isLost, keys(page)]).toEqual([false, ids]);
}

describe("a log that is restored", () => {
  let server: OwnServer;
  let archive: Folder;
  beforeAll(async () => {
    archive = newFolder();
    if (UNPRIVILEGED.uid !== undefined) chownSync(archive.path, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
    server = await newPostgresServer({ archive_mode: "on", archive_command: `cp %p ${archive.path}/%f` });
  }, LONG_MS);
  afterAll(async () => {
    await server.remove();
    archive.remove();
  });

  interface Restored {
    readonly url: string;
    readonly remove: () => Promise<void>;
  }
  /** Both run while no store is open; the first at the moment that the log is restored to. */
  type Way = () => Promise<() => Promise<Restored>>;

  const dump: Way = async () => {
    await once(server.url("postgres"), `create database restored template ${DATABASE}`);
    const remove = async () => {
      await once(server.url("postgres"), "drop database restored with (force)");
    };
    return async () => ({ url: server.url("restored"), remove });
  };

  const copyOfFiles: Way = async () => {
    const files = await copyFiles(server);
    return async () => {
      const other = await newServerOn(files);
      files.remove();
      return { url: other.url(DATABASE), remove: other.remove };
    };
  };

  const pointInTime: Way = async () => {
    const files = await copyFiles(server);
    await once(server.url("postgres"), "select pg_create_restore_point('here')");
    return async () => {
      await once(server.url("postgres"), "select pg_switch_wal()");
      const settings = {
        restore_command: `cp ${archive.path}/%f %p`,
        recovery_target_name: "here",
        recovery_target_action: "promote",
      };
      const other = await newServerOn(files, settings, "recovery.signal");
      files.remove();
      const url = other.url(DATABASE);
      const isThere = async () =>
        (await once<{ there: boolean }>(url, "select not pg_is_in_recovery() as there"))[0]?.there;
      await until("the recovery's end", isThere);
      return { url, remove: other.remove };
    };
  };

  test.each<readonly [how: string, way: Way]>([
    ["elsewhere by its rows", dump],
    ["from a copy of the server's files", copyOfFiles],
    ["to a point in time", pointInTime],
  ])(
    "%s goes on for whoever is behind that point, and tells those who have passed it",
    async (_, way) => {
      await once(server.url("postgres"), `create database ${DATABASE}`);
      const url = server.url(DATABASE);
      let store = await open(url);
      const [first = "", , third = ""] = await append(store, "m1", "m2", "m3");
      await store.consumers.create({ name: "c", filter: { kinds: ["message"] }, position: first });
      await store.close();
      const restore = await way();
      store = await open(url);
      const [fourth = "", , sixth = ""] = await append(store, "m4", "m5", "m6");
      await store.consumers.acknowledge("c", fourth, "2026-01-01T00:00:00.000Z");
      await store.close();
      const restored = await restore();
      store = await open(restored.url);
      try {
        await expectNext(store, first, "m2", "m3");
        await expectNext(store, third);
        for (const lost of [fourth, sixth]) await expectLost(store, lost);
        await append(store, "n4", "n5", "n6", "n7");
        for (const lost of [fourth, sixth]) await expectLost(store, lost);
        await expectNext(store, third, "n4", "n5", "n6", "n7");
        const consumer = await store.consumers.find("c");
        expect(consumer).toMatchObject({ position: first, acknowledgedAt: null });
        await expectNext(store, consumer?.position, "m2", "m3", "n4", "n5", "n6", "n7");
      } finally {
        await store.close();
        await restored.remove();
        await once(server.url("postgres"), `drop database ${DATABASE} with (force)`);
      }
    },
    LONG_MS,
  );
});

const WAYS = ["directly", "through PgBouncer"] as const;

describe.each(WAYS)("a follower that waits, %s", (way) => {
  /**
   * A store whose URL leads to the primary, until it is told to lead to its asynchronous standby,
   * once that is promoted; and a follower that waits.
   */
  async function newPair() {
    const primary = await newPostgresServer();
    const standby = await newStandby(primary, "standby1");
    const to = { host: "127.0.0.1", port: primary.port };
    const proxy = await newCuttingProxy(to);
    const past = (port: number) => primary.url("postgres").replace(`:${primary.port}/`, `:${port}/`);
    const pooler =
      way === "directly" ? undefined : await newPgbouncer(past(proxy.port), { server_login_retry: "1" });
    const store = await open(past(pooler?.port ?? proxy.port));
    const follower = new Waiting(store);
    return {
      ...{ primary, standby, store, follower },
      hasAll: () =>
        until("the standby to have it all", async () => {
          const [there] = await once<{ end: string }>(
            primary.url("postgres"),
            "select pg_current_wal_lsn() as end",
          );
          const [row] = await once<{ has: boolean }>(
            standby.url("postgres"),
            `select pg_last_wal_replay_lsn() >= '${there?.end}' as has`,
          );
          return row?.has;
        }),
      takeOver: async () => {
        await once(standby.url("postgres"), "select pg_promote()");
        to.port = standby.port;
      },
      shut: proxy.shut,
      letIn: proxy.open,
      remove: async () => {
        follower.stop();
        await store.close();
        await pooler?.remove();
        await proxy.close();
        await Promise.all([primary.remove(), standby.remove()]);
      },
    };
  }

  const testOne = test.skipIf(way === "through PgBouncer" && PGBOUNCER === undefined);

  testOne(
    "is told when a standby has taken over that is behind it, and goes on from behind that point",
    async () => {
      const pair = await newPair();
      const { primary, standby, store, follower } = pair;
      try {
        const [, second = ""] = await append(store, "m1", "m2");
        await pair.hasAll();
        await standby.stop("fast");
        const [third = ""] = await append(store, "m3", "m4");
        await until("the follower to have it all", () => follower.seen.length === 4);
        await primary.stop("immediate");
        await standby.start();
        await pair.takeOver();
        pair.shut();
        pair.letIn();
        await until("the follower to begin anew", () => follower.seen.length === 7, LONG_MS);
        expect(follower.seen).toEqual(["m1", "m2", "m3", "m4", "reset", "m1", "m2"]);
        await expectLost(store, third);
        await expectNext(store, second);
        await append(store, "n3", "n4", "n5");
        await expectLost(store, third);
        await expectNext(store, second, "n3", "n4", "n5");
        await until("the follower to have it all", () => follower.seen.at(-1) === "n5", WOKEN_MS_MAX);
        expect(follower.seen.slice(5)).toEqual(["m1", "m2", "n3", "n4", "n5"]);
      } finally {
        await pair.remove();
      }
    },
    LONG_MS,
  );

  testOne(
    "goes on after a planned switchover, in which nothing is lost",
    async () => {
      const pair = await newPair();
      const { primary, store, follower } = pair;
      try {
        await append(store, "m1", "m2");
        await until("the follower to have it all", () => follower.seen.length === 2);
        await pair.hasAll();
        // A clean stop gives the standby everything.
        await primary.stop("fast");
        await pair.takeOver();
        const append3 = () => append(store, "m3");
        const position = await until("the standby to take messages", append3);
        await until("the follower to have it all", () => follower.seen.length === 3, WOKEN_MS_MAX);
        expect([follower.seen, follower.resets]).toEqual([["m1", "m2", "m3"], 0]);
        await expectNext(store, position.at(-1));
      } finally {
        await pair.remove();
      }
    },
    LONG_MS,
  );
});

test(
  "what a consumer has acknowledged outlasts a crash of a server that waits for its disk only when it is told to",
  async () => {
    const server = await newPostgresServer({ synchronous_commit: "off", wal_writer_delay: "10s" });
    // So long it is asked while the server is gone.
    const store = await open(server.url("postgres"), { queryTimeoutMs: 3000 });
    try {
      const [first = "", second = ""] = await append(store, "m1", "m2");
      const consumer = { name: "c", filter: { kinds: ["message"] as const }, position: first };
      const at = "2026-01-01T00:00:00.000Z";
      await store.consumers.create(consumer);
      await server.stop("immediate");
      await expect(store.consumers.acknowledge("c", second, at)).rejects.toBeInstanceOf(Failure);
      await server.start();
      const acknowledged = () => store.consumers.acknowledge("c", second, at);
      expect(await until("the server to be back", acknowledged)).toMatchObject({ position: second });
      await server.stop("immediate");
      await server.start();
      const found = () => store.consumers.find("c");
      expect(await until("the server to be back", found)).toEqual({
        ...consumer,
        position: second,
        acknowledgedAt: at,
      });
    } finally {
      await store.close();
      await server.remove();
    }
  },
  LONG_MS,
);

/** Reads on when it is woken, and never by itself; where it is told, it begins anew. */
class Waiting {
  readonly seen: string[] = [];
  resets = 0;
  readonly #store: Store;
  readonly stop: () => void;
  #position: string | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
    const read = () => {
      this.#reading = this.#reading.then(() => this.#read());
    };
    this.stop = store.onChanges(read);
    read();
  }

  async #read(): Promise<void> {
    try {
      this.#position ??= await this.#store.positionAt("start");
      for (let more = true; more; ) {
        const page = await after(this.#store, this.#position);
        if (page.isLost) {
          this.resets++;
          this.seen.push("reset");
        }
        this.seen.push(...keys(page).map(String));
        this.#position = page.position;
        more = page.more || page.isLost;
      }
    } catch {
      // The next call asks again.
    }
  }
}
