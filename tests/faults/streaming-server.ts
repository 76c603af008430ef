/**
 * A process that serves streams of its own within its limit of descriptors, as `serve` does: prints
 * its port, then its log.
 */
import { readFileSync } from "node:fs";
import { ConnectionBound, connectionLimit, streamsLimit } from "../../src/http/connection-bound.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { json } from "../../src/lib/response.ts";
import type { Route, StreamAnswer } from "../../src/lib/route.ts";
import { serveRoutes, streamRoute } from "../gate/routes-server.ts";

const PIECE_BYTES = 64 * 1024;
let asked = 0;

const headers = { "Content-Type": "text/event-stream" };
const flood = (): StreamAnswer => ({
  headers,
  next: async () => {
    asked++;
    return new Uint8Array(PIECE_BYTES).fill(120);
  },
  ended: () => ({}),
});

function quiet(): StreamAnswer {
  let first = true;
  return {
    headers,
    next: (signal) => {
      if (!first) return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
      first = false;
      return Promise.resolve(new TextEncoder().encode("first\n"));
    },
    ended: () => ({}),
  };
}

const figures: Route = {
  ...streamRoute(flood, "/figures"),
  handle: () => {
    Bun.gc(true);
    const rssKib = Number(/VmRSS:\s+([0-9]+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
    return json(200, { rssKib, asked, open: server.streams.size, ended: bound?.ended });
  },
};

const limit = connectionLimit(undefined);
let bound: ConnectionBound | undefined;
const server = serveRoutes([streamRoute(flood, "/flood"), streamRoute(quiet, "/quiet"), figures], {
  streamsMax: streamsLimit(1000, limit),
  connections: () => bound?.connections() ?? [],
  logFd: 1,
});
bound =
  limit &&
  new ConnectionBound(limit, [server.port], {
    streams: server.streams,
    log: server.log,
    clock: systemClock,
  });
console.log(JSON.stringify({ port: server.port, streamsMax: streamsLimit(1000, limit) }));
