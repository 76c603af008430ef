/**
 * Answers that go on. A piece is asked for when the client has taken the one before, so that a slow
 * client holds one piece here and the rest in the system's socket buffers, and one that takes
 * nothing is closed. No stream outlives its connection, nor the process's wish to stop, and by
 * some seconds only the session that it was opened by.
 */
import { describe, ShuttingDown, TooManyStreams } from "../core/errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { StreamAnswer } from "../lib/route.ts";
import { type Connection, peerName } from "../lib/sockets.ts";
import type { Log } from "../observe/log.ts";

/** A client that takes nothing for so long is closed. */
const SLOW_MS = 60_000;
/** Within the time that makes a client slow it is looked so often what it takes, and if it may. */
const LOOKS = 12;
/** What is left of an ended stream is sent within so long, or its connection is closed. */
const LEAVE_S = 5;

/** The other end of a connection. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** Bun's server: how long nothing may move on a request's connection; 0 is without end. */
export interface IdleTimeouts {
  readonly timeout: (request: Request, seconds: number) => void;
}

interface StreamsOptions {
  readonly streamsMax: number;
  /** Of this process, as far as the system tells. */
  readonly connections: () => readonly Connection[];
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly clock: Clock;
  readonly slowMs?: number;
}

/** The request that a stream answers. */
interface Origin {
  readonly request: Request;
  readonly requestId: string;
  /** The route's path. */
  readonly pattern: string;
  readonly peer: Peer | undefined;
  readonly server: IdleTimeouts;
  /** Whether its client may still read. */
  readonly isAllowed: () => boolean;
}

interface Opened {
  readonly response: Response;
  /** Resolves when nothing of the stream is under way any more; undefined when it has no body. */
  readonly ended: Promise<void> | undefined;
}

type Cause = "client" | "slow" | "session" | "shutdown" | "end" | "error";

export class Streams {
  readonly #options: StreamsOptions;
  readonly #slowMs: number;
  readonly #open = new Set<OpenStream>();
  #closed = false;
  /** Takes the next look back; there is one while a stream is open. */
  #cancelLook: (() => void) | undefined;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.#slowMs = options.slowMs ?? SLOW_MS;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Throws `TooManyStreams` and `ShuttingDown`; the answer to a HEAD has no body. */
  open(answer: StreamAnswer, origin: Origin): Opened {
    const { headers } = answer;
    if (origin.request.method === "HEAD") {
      answer.ended();
      return { response: new Response(null, { headers }), ended: undefined };
    }
    if (this.#closed || this.size >= this.#options.streamsMax) {
      answer.ended();
      throw this.#closed ? new ShuttingDown("shutting down") : new TooManyStreams("too many streams");
    }
    const { log, clock } = this.#options;
    const stream = new OpenStream(answer, origin, { log, clock, onEnd: () => this.#open.delete(stream) });
    this.#open.add(stream);
    this.#cancelLook ??= this.#lookLater();
    return { response: new Response(stream.body, { headers }), ended: stream.ended };
  }

  /** The connections of open streams, as `Connection.peer` names them. */
  peers(): ReadonlySet<string> {
    return new Set([...this.#open].map(({ peer }) => peer));
  }

  /** Ends all, and opens none any more. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#open) stream.end("shutdown");
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  #lookLater(): () => void {
    return this.#options.clock.after(this.#slowMs / LOOKS, () => this.#look());
  }

  #look(): void {
    for (const stream of this.#open) if (!stream.isAllowed) stream.end("session");
    const full = [...this.#open].filter((stream) => stream.fullMs() >= this.#slowMs / LOOKS);
    if (full.length > 0) {
      const acked = new Map(this.#options.connections().map(({ peer, ackedBytes }) => [peer, ackedBytes]));
      for (const stream of full) {
        stream.noticeAcked(acked.get(stream.peer));
        if (stream.fullMs() >= this.#slowMs) stream.end("slow");
      }
    }
    this.#cancelLook = this.#open.size > 0 ? this.#lookLater() : undefined;
  }
}

interface Surroundings {
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly clock: Clock;
  readonly onEnd: () => void;
}

class OpenStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly peer: string;
  readonly ended: Promise<void>;
  readonly #settle: () => void;
  readonly #answer: StreamAnswer;
  readonly #origin: Origin;
  readonly #surroundings: Surroundings;
  readonly #openedAt: number;
  readonly #unwanted = new AbortController();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** A piece is being made. */
  #making = false;
  #bytes = 0;
  /** Since when a piece waits for the client to take others; undefined while none does. */
  #fullSince: number | undefined;
  /** At the last look. */
  #ackedBytes: number | undefined;

  constructor(answer: StreamAnswer, origin: Origin, surroundings: Surroundings) {
    this.#answer = answer;
    this.#origin = origin;
    this.#surroundings = surroundings;
    this.#openedAt = surroundings.clock.elapsed();
    const { peer, server, request } = origin;
    this.peer = peer === undefined ? "" : peerName(peer.address, peer.port);
    ({ promise: this.ended, resolve: this.#settle } = Promise.withResolvers<void>());
    server.timeout(request, 0);
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.end("client"),
      },
      // Nothing is made before it is wanted.
      { highWaterMark: 0 },
    );
  }

  get isAllowed(): boolean {
    return this.#origin.isAllowed();
  }

  /** For how long the client has taken nothing. */
  fullMs(): number {
    const now = this.#surroundings.clock.elapsed();
    return now - (this.#fullSince ?? now);
  }

  /**
   * A socket says that it has room again only when a third of its buffer is empty, which may be
   * megabytes: so what the client's system has acknowledged since the last look is taken, too.
   */
  noticeAcked(bytes: number | undefined): void {
    if (this.#ackedBytes !== undefined && bytes !== this.#ackedBytes)
      this.#fullSince = this.#surroundings.clock.elapsed();
    this.#ackedBytes = bytes;
  }

  end(cause: Cause, error?: unknown): void {
    const { clock, log, onEnd } = this.#surroundings;
    const { request, requestId, pattern, server } = this.#origin;
    if (this.#unwanted.signal.aborted) return;
    this.#unwanted.abort();
    onEnd();
    if (cause !== "client") this.#controller?.close();
    // Without this the connection would stay open for as long as its client likes.
    server.timeout(request, LEAVE_S);
    const level = cause === "error" ? "error" : cause === "slow" ? "warn" : "info";
    log[level]("stream ended", {
      request_id: requestId,
      path: pattern,
      ended_by: cause,
      duration_ms: Math.round(clock.elapsed() - this.#openedAt),
      bytes: this.#bytes,
      ...this.#answer.ended(),
      error: error === undefined ? undefined : describe(error),
    });
    if (!this.#making) this.#settle();
  }

  async #pull(): Promise<void> {
    const { signal } = this.#unwanted;
    this.#fullSince = undefined;
    this.#making = true;
    try {
      const piece = await this.#answer.next(signal);
      this.#making = false;
      if (signal.aborted) this.#settle();
      else if (piece === undefined) this.end("end");
      else this.#give(piece);
    } catch (error) {
      this.#making = false;
      if (signal.aborted) this.#settle();
      else this.end("error", error);
    }
  }

  #give(piece: Uint8Array): void {
    this.#bytes += piece.length;
    this.#fullSince = this.#surroundings.clock.elapsed();
    this.#controller?.enqueue(piece);
  }
}
