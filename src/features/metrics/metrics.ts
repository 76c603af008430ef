/** `GET /metrics`: the process's figures for Prometheus. */
import type { Route } from "../../lib/route.ts";
import type { Metrics } from "../../observe/metrics.ts";

export function metricsRoute(metrics: Metrics): Route {
  return {
    method: "GET",
    path: "/metrics",
    access: "metrics",
    listener: "read",
    doc: {
      id: "getMetrics",
      tag: "Watch",
      summary: "Metrics for Prometheus",
      description: "Text format 0.0.4. A scrape never scans a table.",
      answers: { 200: { description: "The metrics.", type: "text/plain" } },
    },
    handle: async () =>
      new Response(await metrics.expose(), { headers: { "Content-Type": metrics.contentType } }),
  };
}
