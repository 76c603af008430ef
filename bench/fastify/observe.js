// One log line and the metrics of every request.

import pino from "pino";
import { Counter, Histogram } from "prom-client";

const flushMs = 50;
const bufferBytes = 4096;

const httpRequests = new Counter({
  name: "http_requests_total",
  help: "Requests by route and status.",
  labelNames: ["method", "path", "status"],
});
const webhookRequests = new Counter({
  name: "webhook_requests_total",
  help: "Webhook requests by result.",
  labelNames: ["result"],
});
const latency = new Histogram({
  name: "request_latency_ms",
  help: "Milliseconds from a request's head to the end of its answer.",
  buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000],
});

const destination = pino.destination({ dest: 1, sync: false, minLength: bufferBytes });
setInterval(() => destination.flush(), flushMs).unref();
const logger = pino(
  {
    level: (process.env.LOG_LEVEL ?? "INFO").toLowerCase(),
    base: null,
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label.toUpperCase() }) },
  },
  destination,
);

/** A hook for Fastify's `onResponse`. `request.notes` is what a webhook request adds to its line. */
export function observe(request, reply, done) {
  const { method, notes } = request;
  const path = request.routeOptions.url ?? "unmatched";
  const latency_ms = reply.elapsedTime;
  httpRequests.inc({ method, path, status: reply.statusCode });
  if (notes !== null) webhookRequests.inc({ result: notes.result });
  latency.observe(latency_ms);
  const { level = "info", ...rest } = notes ?? {};
  const status = reply.statusCode;
  logger[level]({ request_id: request.id, method, path, status, latency_ms, ...rest });
  done();
}

export function flushLog() {
  destination.flushSync();
}
