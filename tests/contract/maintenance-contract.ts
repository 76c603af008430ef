/**
 * The promise of what can be done with a database beside serving it, as one suite. Every engine
 * runs it; what an engine doesn't offer is skipped by the name of the capability.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { parseRecord } from "../../src/cli/import-record.ts";
import { DatabaseInUse, StartRefused } from "../../src/core/errors.ts";
import type { LogRecord } from "../../src/core/log-record.ts";
import type { Import, Maintenance, Task } from "../../src/core/maintenance.ts";
import { type Capabilities, testWith } from "../databases/capabilities.ts";
import { message } from "../messages.ts";
import { until } from "../until.ts";
import { event, post } from "./posts-contract.ts";
import type { TestDatabase } from "./store-contract.ts";

const CREATED_AT = "2025-01-15T10:00:01.000Z";
const BODY = Buffer.from("a body of two parts");

/** A log with a gap in its numbers, as another database may have exported it. */
const LOG: readonly LogRecord[] = [
  { seq: 1, ...message("m1"), created_at: CREATED_AT },
  { delivery: 2, body_base64: BODY.toString("base64"), headers: { "x-a": "Gr\u00fc\u00dfe", "x-b": "" } },
  {
    ...{ seq: 2, ...message("wa:1", { text: null }), created_at: CREATED_AT },
    ...{ source: "wa", type: "image", delivery: 2, start: 0, stop: 6 },
  },
  {
    ...{ seq: 3, source: "wa", kind: "status", type: "read", event_key: "e1", message_id: "wa:1" },
    ...{ ts: "2025-01-15T10:00:00Z", created_at: CREATED_AT, delivery: 2, start: 7, stop: 19 },
  },
  { seq: 70, ...message("m2", { from: "+1" }), created_at: CREATED_AT },
];
const LAST = 70;
const A_LOG = "0b5e8f0c-6f0e-4a59-9a4e-6e1f6b0a7d01";
const ANOTHER_LOG = "5d0f3a52-2c9b-4c58-8d0a-1c7f1f2f9e02";

export function maintenanceContract(
  name: string,
  newDatabase: () => Promise<TestDatabase>,
  capabilities: Capabilities,
): void {
  describe(`${name} keeps the contract of maintenance`, () => {
    const databases: TestDatabase[] = [];
    let database: TestDatabase;
    let maintenance: Maintenance;

    const another = async (): Promise<TestDatabase> => {
      const made = await newDatabase();
      databases.push(made);
      return made;
    };

    beforeEach(async () => {
      database = await another();
      maintenance = database.maintain();
    });

    afterEach(async () => {
      for (const each of databases.splice(0)) await each.drop();
    });

    /** Stores native messages and POSTs, closes, and resolves with the number of messages. */
    const fill = async (): Promise<number> => {
      const store = await database.open();
      await store.append({ messages: [message("m1"), message("m2", { text: null })] });
      await store.append(post("wa", [message("wa:1"), message("wa:2")], [event("e1"), event("e2")]));
      await store.append(post("sms", [], [event("e1")]));
      await store.append({ messages: [message("m3")] });
      await store.close();
      return 5;
    };

    test("what it offers is what its capabilities say, and nothing else", () => {
      const { openImport, openMigrationSource, openMigrationTarget, index } = maintenance;
      expect({
        imports: openImport !== undefined,
        isMigrationSource: openMigrationSource !== undefined,
        isMigrationTarget: openMigrationTarget !== undefined,
        examinesIndex: index !== undefined,
      }).toEqual({
        imports: capabilities.imports,
        isMigrationSource: capabilities.isMigrationSource,
        isMigrationTarget: capabilities.isMigrationTarget,
        examinesIndex: capabilities.examinesIndex,
      });
    });

    describe("an export", () => {
      test("has everything in the order of the log, a POST's bytes right before its parts", async () => {
        await fill();
        const damages: string[] = [];
        const onDamage = (damage: string) => damages.push(damage);
        const records = await exported(maintenance, 1, { onDamage });
        expect(damages).toEqual([]);
        const keys = records.map((record) => {
          if ("body_base64" in record) return Buffer.from(record.body_base64, "base64").toString();
          return "event_key" in record ? `${record.source} ${record.event_key}` : record.message_id;
        });
        expect(keys).toEqual([
          ...["m1", "m2", "wa:1wa:2e1e2", "wa:1", "wa:2", "wa e1", "wa e2"],
          ...["e1", "sms e1", "m3"],
        ]);
        const seqs = records.flatMap((record) => ("seq" in record ? [record.seq] : []));
        expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
        expect(partsOf(records)).toEqual(["wa:1", "wa:2", "e1", "e2", "e1"]);
      });

      test("that begins with a seq has what comes from there on, whole POSTs' bytes included", async () => {
        await fill();
        const all = await exported(maintenance);
        const last = Math.max(...all.map((record) => ("seq" in record ? record.seq : 0)));
        for (let since = 0; since <= last + 1; since++) {
          const rest = all.filter((record) => "seq" in record && record.seq >= since);
          const used = new Set(rest.flatMap((record) => ("delivery" in record ? [record.delivery] : [])));
          const expected = all.filter((record) =>
            "body_base64" in record ? used.has(record.delivery) : record.seq >= since,
          );
          expect(await exported(maintenance, since)).toEqual(expected);
        }
      });

      test("beside a store has what was answered before it began", async () => {
        const store = await database.open();
        try {
          for (let count = 1; count <= 5; count++) {
            await store.append({ messages: [message(`m${count}`)] });
            expect(await exported(maintenance)).toHaveLength(count);
          }
        } finally {
          await store.close();
        }
      });

      test("of an empty database is empty", async () => {
        await (await database.open()).close();
        expect(await exported(maintenance)).toEqual([]);
      });
    });

    describe("an import", () => {
      const testImport = testWith(capabilities, "imports");

      const openImport = async (of: Maintenance): Promise<Import> => {
        if (of.openImport === undefined) throw new Error("no import");
        return of.openImport();
      };
      const importAll = async (of: Maintenance, records: readonly LogRecord[]) => {
        const taken = await openImport(of);
        try {
          for (const record of records) await taken.append(parsed(record));
          await taken.commit();
          for await (const _ of taken.follow());
          return taken.committed;
        } finally {
          await taken.close();
        }
      };

      testImport("of an export gives the same log, and a second one adds nothing", async () => {
        await fill();
        const records = await exported(maintenance);
        const copy = (await another()).maintain();
        const counts = { created: 0, duplicate: 0, differs: 0, conflict: 0 };
        expect(await importAll(copy, records)).toEqual({
          messages: { ...counts, created: 5 },
          events: { ...counts, created: 3 },
        });
        expect(await exported(copy)).toEqual(records);
        expect(await importAll(copy, records)).toEqual({
          messages: { ...counts, duplicate: 5 },
          events: { ...counts, duplicate: 3 },
        });
        expect(await exported(copy)).toEqual(records);
      });

      testImport("of an export from before events had types has events without one", async () => {
        const untyped = LOG.map((record) => {
          if (!("event_key" in record)) return record;
          const { type: _, ...older } = record;
          return older as LogRecord;
        });
        await importAll(maintenance, untyped);
        const nulled = LOG.map((record) => ("event_key" in record ? { ...record, type: null } : record));
        expect(await exported(maintenance)).toEqual(nulled);
      });

      testImport("into a log with other content under its events' keys keeps both, and once", async () => {
        const records = (body: string, key = "e"): LogRecord[] => [
          { delivery: 1, body_base64: Buffer.from(body).toString("base64") },
          {
            seq: 1,
            source: "wa",
            kind: "status",
            type: null,
            event_key: key,
            message_id: null,
            ts: "2025-01-15T10:00:00Z",
            created_at: "2025-01-15T10:00:00.000Z",
            delivery: 1,
            start: 0,
            stop: body.length,
          },
        ];
        const events = async (...given: Parameters<typeof records>) =>
          (await importAll(maintenance, records(...given))).events;
        const counts = { created: 0, duplicate: 0, differs: 0, conflict: 0 };
        expect(await events("ours")).toEqual({ ...counts, created: 1 });
        for (const key of ["e", "e#2"]) {
          expect(await events(`theirs under ${key}`, key)).toEqual({ ...counts, differs: 1 });
          expect(await events(`theirs under ${key}`, key)).toEqual({ ...counts, duplicate: 1 });
        }
        const kept = (await exported(maintenance)).flatMap((record) =>
          "event_key" in record ? [record.event_key] : [],
        );
        expect(kept).toEqual(["e", "e#2", "e#2#2"]);
      });

      testImport("keeps the numbers of a log that has gaps, and a store goes on behind them", async () => {
        await importAll(maintenance, LOG);
        expect(await exported(maintenance)).toEqual([...LOG]);
        const store = await database.open();
        expect(await store.append({ messages: [message("m1"), message("m3")] })).toEqual([
          "duplicate",
          "created",
        ]);
        await store.close();
        expect((await exported(maintenance)).at(-1)).toMatchObject({ seq: LAST + 1, message_id: "m3" });
      });

      testImport("takes back what was not committed, and counts what was alone", async () => {
        const taken = await openImport(maintenance);
        expect(await taken.append({ message: message("m1") })).toBe("created");
        await taken.commit();
        expect(await taken.append({ message: message("m2") })).toBe("created");
        expect(taken.committed.messages.created).toBe(1);
        await taken.close();
        expect(await exported(maintenance)).toEqual([expect.objectContaining({ message_id: "m1" })]);
      });

      testImport("is refused while a store has the database, and a store while it runs", async () => {
        const store = await database.open();
        await expect(openImport(maintenance)).rejects.toBeInstanceOf(DatabaseInUse);
        await store.close();
        const taken = await openImport(maintenance);
        await expect(database.open()).rejects.toBeInstanceOf(DatabaseInUse);
        await taken.close();
        await (await database.open()).close();
      });
    });

    describe("a migration's source", () => {
      const testSource = testWith(capabilities, "isMigrationSource");

      testSource(
        "has one name and the end of its log, and nobody writes to it once it is still",
        async () => {
          const { openMigrationSource } = maintenance;
          if (openMigrationSource === undefined) throw new Error("no source");
          await fill();
          const store = await database.open();
          const first = await openMigrationSource();
          expect(first.isStill).toBe(false);
          await first.close();
          await store.append({ messages: [message("m4")] });
          await store.close();
          const second = await openMigrationSource();
          const last = (await exported(maintenance)).at(-1);
          expect(second).toMatchObject({
            log: first.log,
            isStill: true,
            seq: last && "seq" in last && last.seq,
          });
          expect(second.log).not.toBe("");
          await expect(database.open()).rejects.toBeInstanceOf(DatabaseInUse);
          await second.close();
          await (await database.open()).close();
        },
      );
    });

    describe("a migration's target", () => {
      const testTarget = testWith(capabilities, "isMigrationTarget");

      const openTarget = async (log: string) => {
        if (maintenance.openMigrationTarget === undefined) throw new Error("no target");
        return maintenance.openMigrationTarget(log);
      };
      const take = async (records: readonly LogRecord[], last = false) => {
        const target = await openTarget(A_LOG);
        try {
          const before = target.seq;
          for (const record of records) await target.append(record);
          await target.flush();
          await target.index();
          if (last) await target.finish();
          return { before, seq: target.seq, counts: await target.counts() };
        } finally {
          await target.close();
        }
      };

      testTarget("takes a log over with its numbers, and a store goes on behind them", async () => {
        expect(await take(LOG, true)).toEqual({ before: 0, seq: LAST, counts: { messages: 3, events: 1 } });
        expect(await exported(maintenance)).toEqual([...LOG]);
        const store = await database.open();
        expect(await store.append({ messages: [message("m1"), message("m3")] })).toEqual([
          "duplicate",
          "created",
        ]);
        expect((await store.stats()).total_messages).toBe(4);
        await store.close();
        expect((await exported(maintenance)).at(-1)).toMatchObject({ seq: LAST + 1, message_id: "m3" });
        expect(await database.differences()).toEqual([]);
      });

      testTarget("goes on where it was, with the same log alone", async () => {
        expect(await take(LOG.slice(0, 4))).toMatchObject({ before: 0, seq: 3 });
        await expect(openTarget(ANOTHER_LOG)).rejects.toBeInstanceOf(StartRefused);
        expect(await take(LOG.slice(4))).toMatchObject({ before: 3, seq: LAST });
        expect(await exported(maintenance)).toEqual([...LOG]);
      });

      testTarget(
        "lets no store in before it is finished, and takes nothing after one has written",
        async () => {
          await take(LOG);
          await expect(database.open()).rejects.toBeInstanceOf(StartRefused);
          await take([], true);
          const store = await database.open();
          await store.append({ messages: [message("own")] });
          await store.close();
          await expect(openTarget(A_LOG)).rejects.toBeInstanceOf(StartRefused);
        },
      );
    });

    describe("an index", () => {
      const testIndex = testWith(capabilities, "examinesIndex");
      const indexOf = ({ index }: Maintenance) => {
        if (index === undefined) throw new Error("no index");
        return index;
      };

      testIndex("of what a store leaves is sound, and so is one that is made anew", async () => {
        const messages = await fill();
        const index = indexOf(maintenance);
        const sound = async () => {
          const { index: name, parts, remedy } = await done(await index.examine());
          expect(await index.names()).toContain(name ?? "");
          expect(parts.filter(({ findings }) => findings.length > 0)).toEqual([]);
          expect(parts).toContainEqual({ part: "log", rows: expect.any(Number), findings: [] });
          expect(remedy).toBeUndefined();
        };
        await sound();
        const before = await index.names();
        const rebuild = await index.rebuild();
        expect(rebuild.rows).toBe(messages);
        await done(rebuild);
        expect((await index.names()).filter((name) => before.includes(name))).toEqual([]);
        await sound();
      });

      testIndex("is made anew by the store that has the database, and by nobody else then", async () => {
        await fill();
        const index = indexOf(maintenance);
        const store = await database.open();
        try {
          const before = await index.names();
          expect(before).not.toEqual([]);
          await expect(index.rebuild().then(done)).rejects.toBeInstanceOf(DatabaseInUse);
          expect(await index.names()).toEqual(before);
          await store.rebuildIndex();
          await until("the old names to be gone", async () =>
            (await index.names()).every((name) => !before.includes(name)),
          );
        } finally {
          await store.close();
        }
      });
    });
  });
}

async function exported(
  { exportLog }: Maintenance,
  ...given: [since?: number, options?: Parameters<Maintenance["exportLog"]>[1]]
): Promise<LogRecord[]> {
  const [since = 1, options] = given;
  return (await Array.fromAsync(exportLog(since, options))).flat();
}

/** As the line of an export that it is. */
function parsed(record: LogRecord) {
  const result = parseRecord(Buffer.from(JSON.stringify(record)));
  if (typeof result === "string") throw new Error(result);
  return result;
}

/** Those parts of POSTs' bytes that records say they are. */
function partsOf(records: readonly LogRecord[]): string[] {
  let body = Buffer.alloc(0);
  return records.flatMap((record) => {
    if ("body_base64" in record) body = Buffer.from(record.body_base64, "base64");
    return "start" in record ? [body.toString("utf8", record.start, record.stop)] : [];
  });
}

/** What came of it; its steps say more and more. */
async function done<T>({ steps }: Task<T>): Promise<T> {
  let rows = 0;
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return step.value;
    expect(step.value).toBeGreaterThanOrEqual(rows);
    rows = step.value;
  }
}
