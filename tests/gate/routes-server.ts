/**
 * Routes of a test's own behind the real dispatch and a real listener, without a store. What a
 * client of theirs would see is all there: limits, headers, metrics, the log.
 */
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bearerAuth } from "../../src/http/auth.ts";
import { BodyReader } from "../../src/http/body.ts";
import { ClientAddresses } from "../../src/http/client-address.ts";
import { createDispatch } from "../../src/http/dispatch.ts";
import { FailedAuth } from "../../src/http/failed-auth.ts";
import { changeRefusal } from "../../src/http/host.ts";
import { listen } from "../../src/http/server.ts";
import { Streams } from "../../src/http/streams.ts";
import { randomId } from "../../src/lib/chance.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import type { Route, StreamAnswer } from "../../src/lib/route.ts";
import { type Connection, openSockets } from "../../src/lib/sockets.ts";
import { Log } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { newFolder } from "../folder.ts";
import type { LogLine } from "../http/service.ts";
import { until } from "../until.ts";

interface RoutesServerOptions {
  readonly streamsMax?: number;
  /** Of the streams alone. */
  readonly clock?: Clock;
  readonly connections?: () => readonly Connection[];
  readonly logFd?: number;
  readonly idleTimeoutS?: number;
  /** Whether a token is configured, as far as changes ask. */
  readonly guarded?: boolean;
  /** The setting `HOST`, as far as changes ask. */
  readonly host?: string;
}

export type RoutesServer = ReturnType<typeof serveRoutes>;

export function serveRoutes(routes: readonly Route[], options: RoutesServerOptions = {}) {
  const folder = newFolder();
  const logPath = join(folder.path, "log");
  const fd = options.logFd ?? openSync(logPath, "a");
  const log = new Log({ level: "INFO", bufferBytesMax: 1 << 20, clock: systemClock, fd });
  const metrics = new Metrics({ version: "0", runtime: "test" });
  const limits = { bodyBytesMax: 1 << 20, bodyBytesInflightMax: 1 << 24, bodyTimeoutMs: 10_000 };
  const bodies = new BodyReader({ ...limits, bodyBytesInflightPerClientMax: undefined }, systemClock);
  const failedAuth = new FailedAuth({ perMinute: 600, seed: 1, clock: systemClock, log });
  const sockets = openSockets();
  const { connections = () => sockets?.connectionsTo([listening.port], 16_384) ?? [] } = options;
  const { streamsMax = 1000, clock = systemClock } = options;
  const streams = new Streams({ streamsMax, connections, log, clock });
  metrics.watchStreams(() => streams.size);
  const open = bearerAuth([]);
  const dispatch = createDispatch({
    routes,
    authorize: { open, token: open, metrics: open },
    isForeign: { open: () => false, token: () => false, metrics: () => false },
    changeRefusal: changeRefusal(options.guarded ?? false, options.host ?? "127.0.0.1"),
    clients: new ClientAddresses({ has: () => false }, () => undefined),
    ...{ failedAuth, bodies, streams, log, metrics },
    clock: systemClock,
    newId: randomId,
    closing: () => false,
  });
  const listening = listen(dispatch, "127.0.0.1", 0, "all", options.idleTimeoutS);
  const logLines = () =>
    readFileSync(logPath, "utf8")
      .split("\n")
      // The last one may not be whole yet.
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  return {
    port: listening.port,
    url: `http://127.0.0.1:${listening.port}`,
    dispatch,
    streams,
    metrics,
    logLines,
    log,
    /** The line that says how a stream ended, once it is there. */
    endOfStream: () =>
      until("the end of a stream is logged", () =>
        logLines().find(({ message }) => message === "stream ended"),
      ),
    stop: async () => {
      streams.close();
      await listening.close();
      bodies.close();
      failedAuth.close();
      await log.flush(500);
      if (options.logFd === undefined) closeSync(fd);
      folder.remove();
    },
  };
}

/** `GET /stream`, or another path, which answers by what is made for each request. */
export function streamRoute(make: () => StreamAnswer, path = "/stream"): Route {
  return {
    method: "GET",
    path,
    access: "token",
    listener: "read",
    doc: { id: "stream", tag: "Operate", summary: "", description: "", answers: {} },
    handle: (exchange) => exchange.stream(make()),
  };
}
