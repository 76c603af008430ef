/**
 * What a pooler must not cut, because it takes long or can't be in a transaction: it has a
 * connection of its own, to the server itself where a URL for that is given. Nothing is done there
 * before that is known to be the same database.
 */
import { StartRefused } from "../../../core/errors.ts";
import type { NewId } from "../../../lib/chance.ts";
import type { Log } from "../../../observe/log.ts";
import { Connection, SNAPSHOT } from "./connection.ts";
import { failureOf } from "./failures.ts";

const CONNECT_TIMEOUT_S = 5;
const ANSWER_MS_MAX = 3500;
/** The direct server's connection and its answer, and the pooler's own. */
const CHECK_MS_MAX = 3 * CONNECT_TIMEOUT_S * 1000;

interface DirectOptions {
  /** Undefined where the others' connection does. */
  readonly url: string | undefined;
  /** What everything else goes through. */
  readonly others: Connection;
  readonly newId: NewId;
  readonly log: Log;
}

export class Direct {
  readonly #options: DirectOptions;
  readonly #open = new Set<Connection>();

  constructor(options: DirectOptions) {
    this.#options = options;
  }

  /** Throws `StartRefused` when it is another database. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const { url, others } = this.#options;
    if (url === undefined) return work(others);
    const connection = new Connection(url, { connectionsMax: 1, connectTimeoutS: CONNECT_TIMEOUT_S });
    this.#open.add(connection);
    try {
      await this.#refuseAnother(connection);
      return await work(connection);
    } finally {
      this.#open.delete(connection);
      await connection.close();
    }
  }

  /**
   * Throws `StartRefused` when it is another database; one that can't be asked is only said to be
   * so.
   */
  async check(): Promise<void> {
    try {
      await this.use(async () => undefined);
    } catch (error) {
      if (error instanceof StartRefused) throw error;
      const { reason } = failureOf(error);
      this.#options.log.warn("DATABASE_DIRECT_URL can't be used: migrations and indexes would wait for it", {
        reason,
      });
    }
  }

  async close(timeoutS: number): Promise<void> {
    await Promise.all([...this.#open].map((connection) => connection.close(timeoutS)));
  }

  /**
   * A lock that a transaction of the others holds is taken there, and nowhere else: not in a copy
   * of the database, nor on a standby. It needs no table.
   */
  async #refuseAnother(connection: Connection): Promise<void> {
    const { others, newId } = this.#options;
    const name = newId();
    const isFree = await others.transaction(
      SNAPSHOT,
      async (session) => {
        await session.run("select pg_advisory_xact_lock(hashtextextended($1, 0))", [name]);
        return connection.transaction(
          SNAPSHOT,
          async (beside) => {
            const [row] = await beside.run<{ free: boolean }>(
              "select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as free",
              [name],
            );
            return row?.free !== false;
          },
          ANSWER_MS_MAX,
        );
      },
      CHECK_MS_MAX,
    );
    if (isFree) throw new StartRefused("DATABASE_DIRECT_URL leads to another database than DATABASE_URL");
  }
}
