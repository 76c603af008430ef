/** SQLite as the contract's suite wants an engine: a file in a folder of its own. */
import { Database } from "bun:sqlite";
import { openSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { Log } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { openStore } from "../../src/storage/open.ts";
import type { IndexLimits } from "../../src/storage/sqlite/index/follower.ts";
import { newFolder } from "../folder.ts";
import type { TestDatabase } from "./store-contract.ts";

const DEVICE_NULL = openSync("/dev/null", "w");

export interface Seams {
  readonly followerLagRowsMax?: number;
  readonly indexLimits?: IndexLimits;
}

/** With tiny limits every seam between log, tail and index is crossed all the time. */
export function sqliteDatabase({ followerLagRowsMax = 65_536, indexLimits }: Seams = {}): TestDatabase {
  const folder = newFolder();
  const path = join(folder.path, "messages.db");
  return {
    open: ({ queueRowsMax = 20_000, queueBytesMax = 1e8, queryTimeoutMs = 5000 } = {}) =>
      openStore(
        { engine: "sqlite", path },
        {
          queueRowsMax,
          queueBytesMax,
          queryTimeoutMs,
          readThreads: 2,
          followerLagRowsMax,
          ...(indexLimits !== undefined && { indexLimits }),
          clock: systemClock,
          log: new Log({ level: "ERROR", bufferBytesMax: 1e6, clock: systemClock, fd: DEVICE_NULL }),
          metrics: new Metrics({ version: "test", runtime: "test" }),
          onFatal: (reason) => {
            throw new Error(reason);
          },
        },
      ),
    refuse: async (messageId, how) => {
      using file = new Database(path, { strict: true });
      file.run("pragma busy_timeout = 5000");
      file.run(
        `create trigger refused before insert on messages when new.message_id = '${messageId}'
         begin select raise(${how === "statement" ? "abort" : "rollback"}, 'refused by a trigger'); end`,
      );
    },
    sequence: async () => {
      using file = new Database(path, { readonly: true });
      const sql = "select seq, message_id from messages order by seq";
      return file.query<{ seq: number; message_id: string }, []>(sql).all();
    },
    bodies: async () => {
      using file = new Database(path, { readonly: true });
      const sql = "select cast(body as text) as body from deliveries order by delivery";
      return file
        .query<{ body: string }, []>(sql)
        .all()
        .map(({ body }) => body);
    },
    drop: async () => folder.remove(),
  };
}
