/**
 * Several replicas on one database: each row is one replica's, and no order of rows keeps them from
 * one another.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Outcome } from "../../src/core/store.ts";
import { openForTest } from "../contract/open-for-test.ts";
import { post } from "../contract/posts-contract.ts";
import { message } from "../messages.ts";
import { newPostgresServer, type OwnServer } from "../postgres/own-server.ts";
import { type Session, sessionOn } from "../postgres/server.ts";
import { until } from "../until.ts";
import { killLeftovers, refusedStart } from "./postern-process.ts";
import { send, startReplica } from "./replicas.ts";

const IDS = Number(process.env["POSTERN_REPLICA_IDS"] ?? 3000);
const CONNECTIONS = 64;
const REPLICAS = 3;
const LONG_MS = 600_000;

let server: OwnServer;
let admin: Session;
beforeAll(async () => {
  server = await newPostgresServer();
  admin = sessionOn(server.url("postgres"));
}, LONG_MS);
afterAll(async () => {
  await admin.close();
  await server.remove();
});
afterEach(killLeftovers);

let made = 0;
async function newDatabase(): Promise<Session & { readonly url: string }> {
  const name = `replicas_${++made}`;
  await admin.query(`create database ${name}`);
  const url = server.url(name);
  return { url, ...sessionOn(url) };
}

test(
  `of ${IDS} ids that ${REPLICAS} replicas get at once each is stored once, and one replica says so`,
  async () => {
    const { url, query, close } = await newDatabase();
    const replicas = await Promise.all(Array.from({ length: REPLICAS }, () => startReplica(url)));
    const told = { ok: 0, duplicate: 0 };
    const other: unknown[] = [];
    let next = 0;
    const client = async () => {
      for (let id = next++; id < IDS; id = next++) {
        const answers = await Promise.all(replicas.map((replica) => send(replica.url, `id-${id}`)));
        const results = answers.map((answer) => answer?.result ?? "none");
        if (results.filter((result) => result === "ok").length === 1) told.ok++;
        else other.push(answers);
        told.duplicate += results.filter((result) => result === "duplicate").length;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, client));
    expect(other).toEqual([]);
    expect(told).toEqual({ ok: IDS, duplicate: IDS * (REPLICAS - 1) });
    expect(
      await query("select count(*)::int as rows, count(distinct message_id)::int as ids from messages"),
    ).toEqual([{ rows: IDS, ids: IDS }]);
    for (const replica of replicas) {
      const stats = (await (await fetch(`${replica.url}/stats`)).json()) as { total_messages: number };
      expect(stats.total_messages).toBe(IDS);
      replica.kill("SIGTERM");
      expect(await replica.exited).toBe(0);
    }
    await close();
  },
  LONG_MS,
);

test(
  "engines that write the same ids in other orders don't fail, and never wait for each other in a circle",
  async () => {
    const { url, query, close } = await newDatabase();
    const engines = await Promise.all(
      Array.from({ length: REPLICAS }, () => openForTest({ engine: "postgres", url })),
    );
    const ids = Array.from({ length: 40 }, (_, index) => `m${index}`);
    const rounds = 25;
    let created = 0;
    for (let round = 0; round < rounds; round++) {
      const append = (engine: number): Promise<readonly Outcome[]>[] => {
        // Forwards, backwards and from the middle.
        const order =
          engine === 0 ? ids : engine === 1 ? [...ids].reverse() : [...ids.slice(20), ...ids.slice(0, 20)];
        return order.map((id) => {
          const key = `${round}-${id}`;
          const event = {
            kind: "status",
            type: null,
            key,
            messageId: null,
            ts: "2025-01-15T10:00:00Z",
          } as const;
          const span = { start: 0, end: 0 };
          const intake = post("wa", [message(`wa:${key}`), message(`wa:${key}-b`)], [{ ...event, span }]);
          return engines[engine]?.append(intake) ?? Promise.reject(new Error("no engine"));
        });
      };
      const outcomes = (await Promise.all([0, 1, 2].flatMap(append))).flat();
      created += outcomes.filter((outcome) => outcome === "created").length;
      expect(new Set(outcomes)).toEqual(new Set<Outcome>(["created", "duplicate"]));
    }
    expect(created).toBe(3 * ids.length * rounds);
    expect(await query("select count(*)::int as n from messages")).toEqual([{ n: 2 * ids.length * rounds }]);
    expect(server.log()).not.toContain("deadlock detected");
    await Promise.all(engines.map((engine) => engine.close()));
    await close();
  },
  LONG_MS,
);

test(
  "ten engines that open an empty database at once make its tables once",
  async () => {
    const { url, query, close } = await newDatabase();
    const engines = await Promise.all(
      Array.from({ length: 10 }, () => openForTest({ engine: "postgres", url })),
    );
    // A busy machine takes longer for that than an engine's start waits.
    for (const engine of engines) await until("it can be used", () => engine.ping().then(() => true));
    const outcomes = await Promise.all(engines.map((engine) => engine.append({ messages: [message("m1")] })));
    expect(outcomes.flat().sort()).toEqual([
      "created",
      ...Array.from({ length: 9 }, () => "duplicate" as const),
    ]);
    expect(await query("select count(*)::int as n from postern_schema")).toEqual([{ n: 1 }]);
    expect(
      await query("select indisvalid from pg_index where indexrelid = 'messages_folded'::regclass"),
    ).toEqual([{ indisvalid: true }]);
    expect(server.log()).not.toContain("deadlock detected");
    await Promise.all(engines.map((engine) => engine.close()));
    await close();
  },
  LONG_MS,
);

test(
  "a schema that is newer is refused with one line",
  async () => {
    const { url, query, close } = await newDatabase();
    await (await openForTest({ engine: "postgres", url })).close();
    await query("insert into postern_schema values (99)");
    const refused = await refusedStart({ database: "", env: { DATABASE_URL: url } });
    expect(refused.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(refused.stderr).toMatch(/schema version 99.*run the newer Postern/);
    expect(refused.code).toBe(1);
    await close();
  },
  LONG_MS,
);

test(
  "an index for searches that was left half made is made anew",
  async () => {
    const { url, query, close } = await newDatabase();
    await (await openForTest({ engine: "postgres", url })).close();
    await query("update pg_index set indisvalid = false where indexrelid = 'messages_folded'::regclass");
    const engine = await openForTest({ engine: "postgres", url });
    await until("a whole index", async () => {
      const [row] = await query<{ indisvalid: boolean }>(
        "select indisvalid from pg_index where indexrelid = 'messages_folded'::regclass",
      );
      return row?.indisvalid;
    });
    await engine.close();
    await close();
  },
  LONG_MS,
);
