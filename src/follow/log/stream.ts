/**
 * `GET /log/stream`: the log as it grows, as Server-Sent Events or a line of JSON a record. It is
 * read on as the client takes it, so that a slow one costs no memory.
 */
import { Type } from "typebox";
import { DetailAnswer, fieldError, InvalidAnswer } from "../../core/field-errors.ts";
import { parsePosition } from "../../core/position.ts";
import { json } from "../../lib/response.ts";
import type { Exchange, Route, StreamAnswer } from "../../lib/route.ts";
import type { Metrics } from "../../observe/metrics.ts";
import { LogRecord } from "../followed-record.ts";
import { type FollowedPage, Follower } from "../follower.ts";
import type { Following } from "../following.ts";
import { FOLLOW_PARAMETERS, followParameters } from "../parameters.ts";
import { EVENT_STREAM, type Framing, JSON_LINES } from "./framing.ts";

/** Shorter than what proxies wait for. */
const HEARTBEAT_MS = 15_000;
/** A piece ends with the record that reaches it. */
const PIECE_CHARS = 32_768;
const PIECE_RECORDS = 100;
/** Fewer where each has its body, which may be long. */
const PIECE_RECORDS_WITH_BODIES = 10;

const Parameters = Type.Object(FOLLOW_PARAMETERS);
const readParameters = followParameters(Parameters);
const Headers = Type.Object({
  "Last-Event-ID": Type.Optional(
    Type.String({
      description: "A position; counts before `after`. Browsers send it when they connect again.",
      examples: ["5f0c1d9a03bb71c2.1204"],
    }),
  ),
});

interface StreamOptions {
  readonly following: Following;
  readonly metrics: Pick<Metrics, "streamRecords">;
}

export function logStreamRoute(options: StreamOptions): Route {
  return {
    method: "GET",
    path: "/log/stream",
    access: "token",
    listener: "read",
    doc: {
      id: "streamLog",
      tag: "Follow",
      summary: "Follow the log as it grows",
      description:
        "Every record after `after`, then each new one as it is stored. As Server-Sent Events: `id` is the position, `event` " +
        "`message` or `event`, `data` the record on one line; every 15 s a comment, and an `id` alone where the position has " +
        "moved past what the filters left out. For a position that doesn't hold there is `event: reset` with " +
        '`{"start":"POSITION"}`, then everything from there. With `Accept: application/x-ndjson` a record is a line, ' +
        'an empty line the heartbeat, and `{"reset":{"start":"POSITION"}}` the reset. A client that takes nothing for 60 s ' +
        "is closed. At least once: what wasn't taken when a connection was lost comes again from the last `id`.",
      parameters: Parameters,
      exampleQuery: { after: "now" },
      headers: Headers,
      answers: {
        200: {
          description: "The stream; it ends when the client leaves or the service stops.",
          type: ["text/event-stream", "application/x-ndjson"],
          schema: LogRecord,
        },
        422: { description: "A parameter or `Last-Event-ID` can't be read.", schema: InvalidAnswer },
        503: { description: "There are `STREAMS_MAX` streams already.", schema: DetailAnswer },
      },
    },
    handle: (exchange) => open(options, exchange),
  };
}

async function open({ following, metrics }: StreamOptions, exchange: Exchange): Promise<Response> {
  const { start, filter, bodies, errors } = readParameters(exchange.query);
  const { headers } = exchange.request;
  const last = headers.get("last-event-id") || undefined;
  const found = [...errors];
  if (last !== undefined && parsePosition(last) === undefined) {
    const msg = "It takes a position that Postern gave";
    found.push(fieldError("header", "Last-Event-ID", "position_invalid", msg, last));
  }
  if (found.length > 0) return json(422, { detail: found });
  const given = last === undefined ? start : { position: last };
  const position = await following.positionOf(given);
  const framing = /\bapplication\/x-ndjson\b/i.test(headers.get("accept") ?? "") ? JSON_LINES : EVENT_STREAM;
  const follower = new Follower({ ...following, filter, bodies, position });
  const isKnown = "position" in given;
  return exchange.stream(new LogStream({ follower, framing, bodies, isKnown, following, metrics }));
}

interface LogStreamOptions extends StreamOptions {
  readonly follower: Follower;
  readonly framing: Framing;
  readonly bodies: boolean;
  /** Whether the client gave the position itself. */
  readonly isKnown: boolean;
}

class LogStream implements StreamAnswer {
  readonly headers: StreamAnswer["headers"];
  readonly #follower: Follower;
  readonly #framing: Framing;
  readonly #recordsMax: number;
  readonly #following: Following;
  readonly #metrics: StreamOptions["metrics"];
  #isBegun = false;
  #records = 0;
  /** The position that the client knows, if it knows one. */
  #told: string | undefined;
  #heardAt: number;

  constructor({ follower, framing, bodies, isKnown, following, metrics }: LogStreamOptions) {
    this.#follower = follower;
    this.#framing = framing;
    this.#recordsMax = bodies ? PIECE_RECORDS_WITH_BODIES : PIECE_RECORDS;
    this.#following = following;
    this.#metrics = metrics;
    this.#told = isKnown ? follower.position : undefined;
    this.#heardAt = following.clock.elapsed();
    // A proxy that gathers what it passes on would keep records back.
    this.headers = {
      "Content-Type": framing.type,
      "Cache-Control": "no-store",
      "X-Accel-Buffering": "no",
    };
  }

  async next(signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (!this.#isBegun) {
      this.#isBegun = true;
      const { position } = this.#follower;
      const begin = this.#framing.begin(this.#told === position ? undefined : position);
      this.#told = position;
      return Buffer.from(begin);
    }
    const beat = new AbortController();
    const { clock } = this.#following;
    const leftMs = () => this.#heardAt + HEARTBEAT_MS - clock.elapsed();
    const cancel = clock.after(Math.max(0, leftMs()), () => beat.abort());
    try {
      const either = AbortSignal.any([signal, beat.signal]);
      for (;;) {
        const page = await this.#follower.next(this.#recordsMax, either);
        if (signal.aborted) return undefined;
        const piece = this.#piece(page, leftMs() <= 0 || beat.signal.aborted);
        if (piece === undefined) continue;
        this.#heardAt = clock.elapsed();
        return Buffer.from(piece);
      }
    } finally {
      cancel();
    }
  }

  ended() {
    return { records: this.#records };
  }

  /** Undefined where there is nothing to say. */
  #piece({ records, isLost, position }: FollowedPage, isBeat: boolean): string | undefined {
    if (isLost) {
      this.#follower.moveTo(position);
      this.#told = position;
      return this.#framing.reset(position);
    }
    if (records.length === 0) {
      if (!isBeat) return undefined;
      const moved = position === this.#told ? undefined : position;
      this.#told = position;
      return this.#framing.heartbeat(moved);
    }
    let piece = "";
    let last: string | undefined;
    for (const followed of records) {
      piece += this.#framing.record(followed);
      last = followed.position;
      this.#records++;
      this.#metrics.streamRecords++;
      // What has no room is read again: kept, it would be memory that a slow client costs.
      if (piece.length >= PIECE_CHARS && followed !== records.at(-1)) {
        this.#follower.moveTo(last);
        break;
      }
    }
    this.#told = last ?? this.#told;
    return piece;
  }
}
