/**
 * What a failover of the server would lose, as far as the server shows it to this role: a line in
 * the log.
 */
import type { Log } from "../../../observe/log.ts";
import { boundedTransaction } from "./bounded-transaction.ts";
import { type Connection, type Session, SNAPSHOT } from "./connection.ts";

interface Report {
  readonly level: "info" | "warn";
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

/**
 * Who lacks `pg_monitor` sees that standbys are connected, and not which of them are synchronous.
 */
const STANDBYS = `
  select current_setting('synchronous_standby_names') as names, count(*)::float8 as connected,
    (count(*) filter (where sync_state in ('sync', 'quorum')))::float8 as synchronous,
    (count(*) filter (where sync_state is null))::float8 as hidden
  from pg_stat_replication`;

export class StandbyReport {
  readonly #log: Log;
  #said: string | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Logs it once, and again when it has changed. */
  async look(connection: Connection): Promise<void> {
    const report = await boundedTransaction(connection, SNAPSHOT, reportOf);
    const { level, message, fields } = report;
    if (message === this.#said) return;
    this.#said = message;
    this.#log[level](message, fields);
  }
}

async function reportOf(session: Session): Promise<Report> {
  const [row] = await session.run<{ names: string; connected: number; synchronous: number; hidden: number }>(
    STANDBYS,
  );
  const { names = "", connected = 0, synchronous = 0, hidden = 0 } = row ?? {};
  if (names === "")
    return {
      level: "warn",
      message:
        "no synchronous standby: a failover loses what was acknowledged within the replication lag, and a lost disk what is in no backup",
      fields: { standbys: connected },
    };
  const fields = { synchronous_standby_names: names, standbys: connected };
  if (synchronous + hidden === 0)
    return {
      level: "warn",
      message: "no standby of synchronous_standby_names is connected: commits wait until one is",
      fields,
    };
  return {
    level: "info",
    message: "commits wait for a synchronous standby: a failover to it loses nothing that was acknowledged",
    fields,
  };
}
