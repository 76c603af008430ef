/** A SQLite database as tests see it from beside Postern: a file in a folder of its own. */
import { Database as File } from "bun:sqlite";
import { join } from "node:path";
import type { Message } from "../../src/core/message.ts";
import { whatDiffers } from "../faults/examination.ts";
import { newFolder } from "../folder.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Database } from "./database.ts";
import { REFUSAL } from "./refusal.ts";

/** Longer than any transaction of Postern's takes. */
const BUSY_TIMEOUT = "pragma busy_timeout = 60000";

export const SQLITE_CAPABILITIES: Capabilities = {
  severalReplicas: false,
  imports: true,
  isMigrationSource: true,
  isMigrationTarget: false,
  examinesIndex: true,
};

export interface SqliteDatabase extends Database {
  readonly path: string;
}

export async function newSqlite(): Promise<SqliteDatabase> {
  const folder = newFolder();
  const path = join(folder.path, "messages.db");
  const read = async <T>(sql: string): Promise<T[]> => {
    using file = new File(path, { readonly: true });
    file.run(BUSY_TIMEOUT);
    return file.query<T, []>(sql).all();
  };
  const write = (sql: string) => {
    using file = new File(path);
    file.run(BUSY_TIMEOUT);
    file.run(sql);
  };
  return {
    path,
    url: `sqlite:///${path}`,
    rows: () =>
      read<Message>(
        `select message_id, from_msisdn as "from", to_msisdn as "to", ts, text from messages order by seq`,
      ),
    sequence: () => read("select seq, message_id from messages order by seq"),
    eventSequence: () => read("select seq, kind, source, event_key from events order by seq"),
    bodies: async () =>
      (
        await read<{ body: string }>("select cast(body as text) as body from deliveries order by delivery")
      ).map(({ body }) => body),
    refuse: async (messageId, how) => {
      write(
        `create trigger refused before insert on messages when new.message_id = '${messageId}'
         begin select raise(${how === "statement" ? "abort" : "rollback"}, '${REFUSAL}'); end`,
      );
      return async () => write("drop trigger refused");
    },
    hold: async () => {
      const file = new File(path);
      file.run(BUSY_TIMEOUT);
      file.run("begin immediate");
      return async () => file.close();
    },
    leaveNumberOut: async () => {
      const [last] = await read<{ row: number; seq: number }>(
        "select max(rowid) as row, max(seq) as seq from messages",
      );
      if (last === undefined) throw new Error("there is no message");
      write(
        `update messages set rowid = rowid + 1, seq = seq + 1, checksum = null where rowid = ${last.row}`,
      );
      return async (messageId) =>
        write(
          `insert into messages (rowid, message_id, from_msisdn, to_msisdn, ts, text, created_at, seq, ts_key)
           select ${last.row}, '${messageId}', from_msisdn, to_msisdn, ts, text, created_at, ${last.seq}, ts_key
           from messages where rowid = ${last.row + 1}`,
        );
    },
    differences: async () => whatDiffers(path),
    drop: async () => folder.remove(),
  };
}
