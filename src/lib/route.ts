/**
 * What a route is: features give them, `http` serves them. Only the platform's own Request and
 * Response.
 */
import type { TObject, TSchema } from "typebox";

/** Who sent a request. */
export interface Client {
  /** For people. */
  readonly address: string;
  /**
   * What limits by address count under: the address, or the network of an IPv6 one. Undefined for
   * one that may stand for everybody (a private or loopback peer that is no trusted proxy), which
   * has no limit of its own.
   */
  readonly limitKey: string | undefined;
}

/** One request on its way, as a route sees it. */
export interface Exchange {
  readonly request: Request;
  readonly client: Client;
  /** As received, up to the query. */
  readonly path: string;
  /** What stands in the place of the path's first parameter, decoded; empty when it has none. */
  readonly parameter: string;
  /** The same of all, by their names. */
  readonly parameters: Readonly<Record<string, string>>;
  /** As received, without its `?`. */
  readonly query: string;
  /**
   * Reads the body once, within the limits; throws `BodyTooLarge`, `BodyTimeout`, `BodyIncomplete`,
   * `Overloaded`.
   */
  readonly readBody: () => Promise<Uint8Array>;
  /**
   * The body is proven or refused, and counts no longer as a stranger's; at the latest the answer
   * says so. Idempotent.
   */
  readonly bodyVerified: () => void;
  /** Throws `BodyTooLarge` when the declared length alone is over the limit. */
  readonly checkDeclaredLength: () => void;
  /**
   * For a request whose proof failed: counts that for its client, and logs it at `WARN` with the
   * client's address and these fields. Returns the answer, or in its place a 429 when the client is
   * beyond its limit.
   */
  readonly refuse: (proof: ProofKind, answer: Response, fields: RouteLog["fields"]) => Response;
  /**
   * Answers by a stream. Throws `TooManyStreams` beyond `STREAMS_MAX` and `ShuttingDown` while the
   * process stops. A HEAD gets the headers alone; in all three cases the answer is ended at once.
   */
  readonly stream: (answer: StreamAnswer) => Response;
  /** The answer may come so many seconds late: until then the connection isn't idle. */
  readonly mayTakeS: (seconds: number) => void;
  /** A webhook's result: the answer's `Postern-Result` and a field of the log line. */
  result: string | undefined;
  /** What the route adds to the request's log line. */
  log: RouteLog | undefined;
}

/** An answer that goes on: pieces come as the client takes them. */
export interface StreamAnswer {
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The next piece, asked for once the client has taken the one before; undefined ends the stream.
   * The first one takes the head with it, so it comes at once. A piece of up to 64 KiB is what a
   * client that takes nothing costs. `signal` is aborted when nobody wants the piece any more
   * (client gone, shutdown, too slow): then it settles soon, with anything.
   */
  readonly next: (signal: AbortSignal) => Promise<Uint8Array | undefined>;
  /**
   * Told once, whatever ended it, and at once: a piece may still be under way. Adds to the line
   * that is logged at the end.
   */
  readonly ended: () => RouteLog["fields"];
}

/**
 * What a request tried to prove: that a source sent it (a signature, a verify token), or that a
 * reader may read.
 */
export type ProofKind = "webhook" | "api";

/** Fields of a log line; never a secret, a signature, a query string or a message's text. */
export interface RouteLog {
  readonly level?: "INFO" | "WARN" | "ERROR";
  readonly fields: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** Who may call: everyone, holders of the API token, or whoever may read metrics. */
export type Access = "open" | "token" | "metrics";

/** Where it is served when a second listener is configured. */
export type Listener = "public" | "read";

/** What belongs together in the OpenAPI document and on its page. */
export type Tag =
  | "Receive"
  | "Read"
  | "Follow"
  | "Deliver"
  | "Watch"
  | "Operate"
  | "Dashboard"
  | "Documentation";

/**
 * The keyword of a schema that validates the text of something else: holds the schema which the
 * document shows in its place. A query string's number is checked as text and shown as an integer.
 */
export const DOCUMENTED_AS = "documentedAs";

export interface AnswerDoc {
  readonly description: string;
  /** One media type or several; `application/json` when it is missing and there is a schema. */
  readonly type?: string | readonly string[];
  /** Of the body; of a stream, of one piece: a line, or the data of an event. */
  readonly schema?: TSchema;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The route's part of the OpenAPI document. A schema with an `$id` is a component by that name,
 * and what stands wherever it is used, inside other schemas too, is a reference to it. So a name
 * that clients see is given where the schema is made, and nowhere else.
 */
export interface RouteDoc {
  /** A client's name for the operation. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description: string;
  /** The path's parameter. */
  readonly path?: TObject;
  /** Of the query. */
  readonly parameters?: TObject;
  /** What the example of a request asks for; required parameters have examples of their own. */
  readonly exampleQuery?: Readonly<Record<string, string | number>>;
  readonly headers?: TObject;
  readonly body?: TSchema;
  readonly answers: Readonly<Record<number, AnswerDoc>>;
}

export interface Route {
  /** `OPTIONS` isn't told by `Allow`: what answers it by itself asks for more than a method. */
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "OPTIONS";
  /**
   * A constant path, or one with parameters in braces, each a whole segment:
   * `/messages/{message_id}`, `/consumers/{name}/next`. It is the `path` label of the metrics too.
   * Constant paths count first.
   */
  readonly path: string;
  /** Served with one slash behind the parameter too, as without it. */
  readonly slashServed?: true;
  /** Served with one slash behind it; without it, it leads there. */
  readonly slashWanted?: true;
  readonly access: Access;
  /**
   * It changes something: without `API_TOKEN` that is for programs of the same machine alone, so it
   * answers 403 unless `HOST` is loopback, and to what a page of another origin sends.
   */
  readonly changes?: true;
  readonly listener: Listener;
  readonly doc: RouteDoc;
  readonly handle: (exchange: Exchange) => Response | Promise<Response>;
}
