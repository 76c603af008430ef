/**
 * A database of the engine that a run is about, as seen from beside Postern:
 * `POSTERN_TEST_ENGINE=postgres` runs the same tests on PostgreSQL. Tests that use it say nothing
 * of files or servers, so each of them holds for every engine.
 */
import type { Message } from "../../src/core/message.ts";
import { newPostgres } from "./postgres.ts";
import { newSqlite } from "./sqlite.ts";

export interface Database {
  readonly url: string;
  /** Every row as stored, in the log's order. */
  readonly rows: () => Promise<readonly Message[]>;
  /** What the log's order is. */
  readonly sequence: () => Promise<readonly { readonly seq: number; readonly message_id: string }[]>;
  /** The same of events, which share the messages' numbers. */
  readonly eventSequence: () => Promise<
    readonly {
      readonly seq: number;
      readonly kind: string;
      readonly source: string;
      readonly event_key: string;
    }[]
  >;
  /** The bodies of POSTs that are kept, as text, in the order in which they came. */
  readonly bodies: () => Promise<readonly string[]>;
  /**
   * From now on the engine itself refuses the message, with `REFUSAL`: its statement alone fails,
   * or takes the whole transaction with it. Resolves with what takes that back.
   */
  readonly refuse: (messageId: string, how: "statement" | "transaction") => Promise<() => Promise<void>>;
  /**
   * From now on nobody can commit, while everybody can read. Resolves with what takes that back.
   */
  readonly hold: () => Promise<() => Promise<void>>;
  /**
   * What an engine must never do, while no Postern runs: the last record, which is a message by
   * itself, moves on by one number. Resolves with what puts another message where it was, likewise.
   */
  readonly leaveNumberOut: () => Promise<(messageId: string) => Promise<void>>;
  /**
   * Where what is derived from the log says something else than the log, while no Postern runs on
   * it.
   */
  readonly differences: () => Promise<readonly string[]>;
  readonly drop: () => Promise<void>;
}

/** An empty one. */
export function newDatabase(): Promise<Database> {
  const engine = process.env["POSTERN_TEST_ENGINE"] || "sqlite";
  if (engine === "sqlite") return newSqlite();
  if (engine === "postgres") return newPostgres();
  throw new Error(`POSTERN_TEST_ENGINE is ${engine}: it takes sqlite or postgres`);
}
