/**
 * The hot standby that answers reads, if one is configured: whether it may answer now, and how far
 * it is behind. It answers nothing while it is away, or once it follows nobody, and never when it
 * holds another database.
 */
import { StartRefused } from "../../../core/errors.ts";
import { inTime } from "../../../lib/in-time.ts";
import type { Log } from "../../../observe/log.ts";
import { Connection, type ConnectionOptions, type Session, SNAPSHOT } from "./connection.ts";
import { failureOf } from "./failures.ts";
import { SCHEMA_VERSION, versionOf } from "./schema.ts";

const LOOK_EVERY_MS = 1000;
const LOOK_MS_MAX = 2000;
/** A copy of a server's files has its number, and a database in it its place. */
const IDENTITY = `(select system_identifier::text from pg_control_system()) || '/' ||
  (select oid::text from pg_database where datname = current_database())`;
/** Null before the first commit that it has replayed since its start. */
const LAG_S = "greatest(0, extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()))::float8";

interface StandbyOptions {
  readonly url: string;
  /** Of the connections for reads. */
  readonly connection: ConnectionOptions;
  readonly primary: Connection;
  readonly log: Log;
}

export class Standby {
  /** For reads, while it is usable. */
  readonly connection: Connection;
  readonly #options: StandbyOptions;
  /** Of its own: reads may have all the others. */
  readonly #looks: Connection;
  /** Why it may not answer. */
  #reason: string | undefined = "it has not been looked at yet";
  /** The last reason that was logged. */
  #said: string | undefined;
  #primary: string | undefined;
  #lagS = Number.NaN;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: StandbyOptions) {
    const { url, connection } = options;
    this.#options = options;
    this.connection = new Connection(url, connection);
    this.#looks = new Connection(url, { ...connection, connectionsMax: 1 });
  }

  get isUsable(): boolean {
    return this.#reason === undefined;
  }

  /**
   * How long ago it was that the primary was as the standby shows it; 0 while the primary answers.
   */
  get lagSeconds(): number {
    return this.isUsable ? this.#lagS : 0;
  }

  /**
   * Throws `StartRefused` when it holds another database; whatever else is wrong is looked at
   * again.
   */
  async begin(): Promise<void> {
    await this.#look();
    this.#later();
  }

  /** From now on it may not answer, until a look finds that it may. */
  lost(reason: string, isLasting = false): void {
    const isNew = this.#said === undefined || (isLasting && reason !== this.#said);
    this.#reason = reason;
    if (!isNew || this.#closed) return;
    this.#said = reason;
    this.#options.log[isLasting ? "error" : "warn"](
      "the server of DATABASE_READ_URL can't answer reads: the primary does until it can",
      { reason },
    );
  }

  async close(timeoutS: number): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all([this.connection.close(timeoutS), this.#looks.close(timeoutS)]);
  }

  #later(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      void this.#look()
        // It was another one at the start, or was not there.
        .catch((error) => this.lost(failureOf(error).reason, true))
        .finally(() => this.#later());
    }, LOOK_EVERY_MS);
  }

  async #look(): Promise<void> {
    const { primary } = this.#options;
    // A server that hangs is away before its session is given up.
    const late = new Error("it doesn't answer");
    try {
      const [ofPrimary, seen] = await Promise.all([
        inTime(primary.transaction(SNAPSHOT, identify, LOOK_MS_MAX), LOOK_MS_MAX, late).catch(
          () => this.#primary,
        ),
        inTime(this.#looks.transaction(SNAPSHOT, lookAt, LOOK_MS_MAX), LOOK_MS_MAX, late),
      ]);
      this.#primary = ofPrimary;
      if (ofPrimary === undefined) return this.lost("the primary has not been seen yet");
      if (seen.identity !== ofPrimary)
        throw new StartRefused(
          "DATABASE_READ_URL leads to another database than DATABASE_URL: it takes a hot standby of the same server",
        );
      if (!seen.follows) return this.lost("it follows no other server");
      if (seen.version < SCHEMA_VERSION) return this.lost("Postern's tables have not come to it yet");
      this.#lagS = seen.lagS;
      this.#found();
    } catch (error) {
      if (error instanceof StartRefused) throw error;
      const { reason, isLasting } = failureOf(error);
      this.lost(reason, isLasting);
    }
  }

  #found(): void {
    if (this.#reason !== undefined && !this.#closed)
      this.#options.log.info("the server of DATABASE_READ_URL answers reads", { lag_seconds: this.#lagS });
    this.#reason = undefined;
    this.#said = undefined;
  }
}

interface Seen {
  readonly identity: string;
  readonly follows: boolean;
  readonly version: number;
  readonly lagS: number;
}

async function identify(session: Session): Promise<string> {
  const [row] = await session.run<{ identity: string }>(`select ${IDENTITY} as identity`);
  return row?.identity ?? "";
}

async function lookAt(session: Session): Promise<Seen> {
  const [row] = await session.run<{ follows: boolean; lag: number | null }>(
    `select pg_is_in_recovery() as follows, ${LAG_S} as lag`,
  );
  return {
    identity: await identify(session),
    follows: row?.follows === true,
    version: await versionOf(session),
    lagS: row?.lag ?? Number.NaN,
  };
}
