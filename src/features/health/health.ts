/**
 * `GET /health/live` and `/health/ready`. Live says that the process answers; ready says that it
 * can commit.
 */
import { Type } from "typebox";
import { Failure } from "../../core/errors.ts";
import { DetailAnswer } from "../../core/field-errors.ts";
import type { Store } from "../../core/store.ts";
import { detail, json } from "../../lib/response.ts";
import type { Route } from "../../lib/route.ts";

const Status = (status: string) => Type.Object({ status: Type.Literal(status) });

export function liveRoute(): Route {
  return {
    method: "GET",
    path: "/health/live",
    access: "open",
    listener: "public",
    doc: {
      id: "getLiveness",
      tag: "Watch",
      summary: "Is the process alive?",
      description: "Answers without touching the store.",
      answers: { 200: { description: "It is.", schema: Status("alive") } },
    },
    handle: () => json(200, { status: "alive" }),
  };
}

export function readyRoute(store: Store, closing: () => boolean): Route {
  return {
    method: "GET",
    path: "/health/ready",
    access: "open",
    listener: "public",
    doc: {
      id: "getReadiness",
      tag: "Watch",
      summary: "Can messages be stored?",
      description:
        "Yes when a commit succeeded in the last five seconds, else after a probe write (one a second at most).",
      answers: {
        200: { description: "They can.", schema: Status("ready") },
        503: { description: "They can't, or the process is shutting down.", schema: DetailAnswer },
      },
    },
    handle: async (exchange) => {
      if (closing()) return detail(503, "shutting down");
      try {
        await store.ping();
        return json(200, { status: "ready" });
      } catch (error) {
        exchange.log = { level: "ERROR", fields: { error: String(error) } };
        return detail(503, error instanceof Failure ? error.detail : "the store can't commit");
      }
    },
  };
}
