/**
 * Connections to a PostgreSQL server, in the few words that the engine needs. Nothing here outlives
 * a transaction, so it all works through a pooler that gives each transaction another session.
 * Numbers of 64 bits would come as text: statements cast what they give to `float8`.
 */
import { SQL } from "bun";
import { inTime } from "../../../lib/in-time.ts";

export type Value = string | number | boolean | null | Uint8Array;

/** Statements of one transaction. */
export interface Session {
  run<T extends object>(sql: string, values?: readonly Value[]): Promise<readonly T[]>;
  /** Several statements without values. */
  script(sql: string): Promise<void>;
}

export type Mode = "read write" | "isolation level repeatable read" | typeof SNAPSHOT;

/** For reads that belong together. */
export const SNAPSHOT = "isolation level repeatable read read only";

/** Waits beyond what the server limits by itself: the other end is gone. */
export const HANG_MS = 1500;

export interface ConnectionOptions {
  readonly connectionsMax: number;
  /** Seconds for a new connection. */
  readonly connectTimeoutS: number;
}

/**
 * A commit that waits for a standby looks like a session that hangs; giving it up would only make
 * another one wait.
 */
const STANDBY_IS_AWAITED = "select 1 from pg_stat_activity where wait_event = 'SyncRep' limit 1";

export class Connection implements Session {
  readonly #url: string;
  readonly #options: ConnectionOptions;
  #sql: SQL;
  #closing = false;

  constructor(url: string, options: ConnectionOptions) {
    this.#url = url;
    this.#options = options;
    this.#sql = this.#open(options.connectionsMax);
  }

  run<T extends object>(sql: string, values: readonly Value[] = []): Promise<readonly T[]> {
    return runOn(this.#sql, sql, values);
  }

  async script(sql: string): Promise<void> {
    await this.#sql.unsafe(sql).simple();
  }

  /**
   * Commits what the work did, or takes it back when the work throws. When no answer comes for
   * `hangMs`, its session is taken for one whose other end is gone without a word: all sessions are
   * given up, and what they do fails as with a lost connection.
   */
  transaction<T>(mode: Mode, work: (session: Session) => Promise<T>, hangMs?: number): Promise<T> {
    return this.#watched(
      hangMs,
      async (sql, answered) => (await sql.begin(mode, (begun) => work(sessionOn(begun, answered)))) as T,
    );
  }

  /**
   * A transaction in as few turns as there can be: `first`, statements without values, goes to the
   * server with its begin, and what the work makes of the rows that each of them gives, such
   * statements too, with its commit. `hangMs` as above.
   */
  commit(
    first: string,
    work: (session: Session, found: readonly (readonly object[])[]) => Promise<string>,
    hangMs: number,
  ): Promise<void> {
    return this.#watched(hangMs, async (sql, answered) => {
      const reserved = await sql.reserve();
      try {
        const [, ...found] = await reserved.unsafe(`begin read write; ${first}`).simple();
        answered();
        const last = await work(sessionOn(reserved, answered), found);
        await reserved.unsafe(`${last}; commit`).simple();
      } catch (error) {
        await takeBack(reserved);
        throw error;
      } finally {
        reserved.release();
      }
    });
  }

  /**
   * A transaction in a single turn: statements without values, each of which sees what was
   * committed before it. What each of them gives; `hangMs` as above.
   */
  once(script: string, hangMs: number): Promise<readonly (readonly object[])[]> {
    return this.#watched(hangMs, async (sql) => {
      const [, ...found] = await sql.unsafe(`set transaction read write; ${script}`).simple();
      return found as (readonly object[])[];
    });
  }

  /** Reads from one snapshot, for as long as the generator is used. */
  async *reading<T>(work: (session: Session) => AsyncGenerator<T>): AsyncGenerator<T> {
    const sql = await this.#sql.reserve();
    try {
      await sql.unsafe(`begin ${SNAPSHOT}`).simple();
      yield* work(sessionOn(sql));
    } finally {
      // There is nothing to keep.
      await takeBack(sql);
      sql.release();
    }
  }

  /** Waits for what is under way, so many seconds; `HANG_MS` more for a runtime that is silent. */
  async close(timeoutS = 5): Promise<void> {
    this.#closing = true;
    await end(this.#sql, timeoutS);
  }

  #open(connectionsMax: number): SQL {
    return new SQL(this.#url, {
      max: connectionsMax,
      connectionTimeout: this.#options.connectTimeoutS,
      idleTimeout: 0,
      // A pooler may give the next transaction to a session that has not prepared anything.
      prepare: false,
    });
  }

  /**
   * Gives the sessions up when the work has had no answer for so long, again and again where a
   * standby is waited for. Nobody waits for what the runtime then makes of the work.
   */
  async #watched<T>(
    hangMs: number | undefined,
    work: (sql: SQL, answered: () => void) => Promise<T>,
  ): Promise<T> {
    const sql = this.#sql;
    let isOver = false;
    const answered = () => {
      if (!isOver) hangs?.refresh();
    };
    const givenUp = Promise.withResolvers<never>();
    const giveUp = async () => {
      if (await this.#giveUp(sql)) givenUp.reject(lostConnection());
      else answered();
    };
    const hangs = hangMs === undefined ? undefined : setTimeout(() => void giveUp(), hangMs);
    try {
      return await Promise.race([work(sql, answered), givenUp.promise]);
    } finally {
      isOver = true;
      clearTimeout(hangs);
    }
  }

  /** Whether these sessions are given up; not when a standby is waited for. */
  async #giveUp(sql: SQL): Promise<boolean> {
    const asking = this.#open(1);
    const limitMs = this.#options.connectTimeoutS * 1000;
    const answer = inTime(runOn(asking, STANDBY_IS_AWAITED, []), limitMs, lostConnection());
    const awaited = await answer.catch(() => []);
    void end(asking, 0);
    if (this.#sql !== sql || this.#closing) return true;
    if (awaited.length > 0) return false;
    this.#sql = this.#open(this.#options.connectionsMax);
    void end(sql, 0);
    return true;
  }
}

/** The runtime's promise may stay pending, as may those of statements that it has lost. */
async function end(sql: SQL, timeoutS: number): Promise<void> {
  await inTime(sql.close({ timeout: timeoutS }), timeoutS * 1000 + HANG_MS, lostConnection()).catch(
    () => undefined,
  );
}

/** As the runtime says it. */
function lostConnection(): Error {
  return Object.assign(new Error("no answer came in time"), { code: "ERR_POSTGRES_CONNECTION_CLOSED" });
}

/** A connection that is lost has no transaction any more. */
async function takeBack(sql: Pick<SQL, "unsafe">): Promise<void> {
  await sql
    .unsafe("rollback")
    .simple()
    .catch(() => undefined);
}

/** `answered` is told of each statement's end. */
function sessionOn(sql: Pick<SQL, "unsafe">, answered: () => void = () => undefined): Session {
  return {
    run: async <T extends object>(text: string, values: readonly Value[] = []) => {
      const rows = await runOn<T>(sql, text, values);
      answered();
      return rows;
    },
    script: async (text) => {
      await sql.unsafe(text).simple();
      answered();
    },
  };
}

async function runOn<T extends object>(
  sql: Pick<SQL, "unsafe">,
  text: string,
  values: readonly Value[],
): Promise<readonly T[]> {
  return [...((await sql.unsafe(text, [...values])) as T[])];
}

/** The text for a statement without values, whatever it holds. */
export function literal(text: string): string {
  return `convert_from(decode('${Buffer.from(text).toString("base64")}', 'base64'), 'UTF8')`;
}

/** By the shape of a row: the longest text that was asked for, and where each of its rows ends. */
const made = new Map<string, { text: string; readonly ends: number[] }>();

/**
 * Rows of `$1, $2, …` for a statement with several rows, `columns` of them its own. What all rows
 * have in common is the `first` values, whose places come first in each row.
 */
export function placeholders(rows: number, columns: number, first = 0): string {
  const shape = `${columns} ${first}`;
  const known = made.get(shape) ?? { text: "", ends: [] };
  made.set(shape, known);
  const { ends } = known;
  if (ends.length < rows) {
    const shared = Array.from({ length: first }, (_, column) => `$${column + 1}`);
    const pieces = [known.text];
    let length = known.text.length;
    for (let row = ends.length; row < rows; row++) {
      const own = Array.from({ length: columns }, (_, column) => `$${first + row * columns + column + 1}`);
      const piece = `${row === 0 ? "" : ", "}(${[...shared, ...own].join(", ")})`;
      length += piece.length;
      ends.push(length);
      pieces.push(piece);
    }
    known.text = pieces.join("");
  }
  return known.text.slice(0, ends[rows - 1] ?? 0);
}
