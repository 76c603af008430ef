/**
 * Failures that a client gets to see. Each carries its status and `detail`, and apart from them
 * what only the log may know.
 */
import { withPort } from "../lib/host-name.ts";

export abstract class Failure extends Error {
  abstract readonly status: number;
  /** Seconds after which a retry makes sense. */
  readonly retryAfterS: number | undefined = undefined;
  /** Whether the rest of the request would cost more than a new connection. */
  readonly closesConnection: boolean = false;

  readonly detail: string;

  /** `detail` is for the client; `cause` (an error or a sentence) goes to the log alone. */
  constructor(detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.detail = detail;
    this.name = new.target.name;
  }
}

/** More work than the limits allow waits already. */
export class Overloaded extends Failure {
  readonly status = 503;
  override readonly retryAfterS = 1;
}

/** As many streams as may be are open. */
export class TooManyStreams extends Failure {
  readonly status = 503;
  override readonly retryAfterS = 5;
}

/** The process is on its way out; another one, or this one restarted, will answer. */
export class ShuttingDown extends Failure {
  readonly status = 503;
  override readonly retryAfterS = 1;
}

/** The engine can't write now, and does not know whether the intake was stored. */
export class StorageUnavailable extends Failure {
  readonly status = 503;
  override readonly retryAfterS = 2;
}

/** A file of the store is damaged where this would be; the log names it and the remedy. */
export class StoreDamaged extends Failure {
  readonly status = 503;
  override readonly retryAfterS = 5;
}

/** A key that would tell whether a request proves its origin can't be had now. */
export class KeysUnavailable extends Failure {
  readonly status = 503;
  override readonly retryAfterS = 5;

  /** `why` goes to the log alone. */
  constructor(why: string) {
    super("the origin can't be verified now", why);
  }
}

/** A read did not finish in `QUERY_TIMEOUT_MS`. */
export class QueryTimeout extends Failure {
  readonly status = 503;
  override readonly retryAfterS = 5;
}

/** The engine refused this intake's data while it took others: a defect of ours or of the file. */
export class IntakeRejected extends Failure {
  readonly status = 500;
}

export class BodyTooLarge extends Failure {
  readonly status = 413;
}

/** The body comes in so many small chunks that reading it costs far more than its size. */
export class BodyFragmented extends BodyTooLarge {
  override readonly closesConnection = true;
}

/** The body did not arrive in time. */
export class BodyTimeout extends Failure {
  readonly status = 408;
  override readonly closesConnection = true;
}

/** The connection broke before the body was complete; nobody reads the answer. */
export class BodyIncomplete extends Failure {
  readonly status = 400;
}

/** A start that can't go on, said in one line that tells the operator what to do. */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
}

/** Another program listens there; `variable` is the setting that named the port. */
export class PortInUse extends StartRefused {
  readonly host: string;
  readonly variable: string;
  readonly port: number;

  constructor(host: string, variable: string, port: number, why = "the port is in use") {
    const other = port < 65535 ? port + 1 : port - 1;
    super(
      `can't listen on ${withPort(host, port)}: ${why}. Set ${variable} to another one, such as ${variable}=${other}`,
    );
    this.host = host;
    this.variable = variable;
    this.port = port;
  }
}

/** Another process has the database, and lets nobody beside it write. */
export class DatabaseInUse extends StartRefused {}

/** An error with all its causes, for the log; a client never sees it. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message === "" ? error.name : `${error.name}: ${error.message}`;
  return error.cause === undefined ? text : `${text} (${describe(error.cause)})`;
}
