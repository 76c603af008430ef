/**
 * `POST /webhook`: verify, store, answer, in this order. No 2xx is ever made before the store says that the
 * delivery is on stable storage, and nothing is parsed before its signature holds.
 */
import { type Static, Type } from "typebox";
import {
  BodyIncomplete,
  BodyTimeout,
  BodyTooLarge,
  Failure,
  Overloaded,
  ShuttingDown,
} from "../../core/errors.ts";
import { DetailAnswer, InvalidAnswer } from "../../core/field-errors.ts";
import { NativeMessage } from "../../core/message.ts";
import type { Source } from "../../core/source.ts";
import type { Delivery, Outcome, Store } from "../../core/store.ts";
import { detail, json, jsonText } from "../../lib/response.ts";
import type { Exchange, Route, RouteLog } from "../../lib/route.ts";
import type { Metrics, Result } from "../../observe/metrics.ts";

const SignatureHeader = Type.Object({
  "X-Signature": Type.String({
    pattern: "^[0-9a-f]{64}$",
    description: "Lower-case hexadecimal HMAC-SHA256 of the raw body, keyed with the webhook secret.",
  }),
});

const Accepted = Type.Object({ status: Type.Literal("ok") });
const ACCEPTED = JSON.stringify({ status: "ok" } satisfies Static<typeof Accepted>);

const RESULT_HEADER = {
  "Postern-Result": "What it counted as in `webhook_requests_total`: tells new from duplicate.",
};

export interface WebhookParts {
  readonly source: Source;
  readonly store: Store;
  readonly metrics: Metrics;
  /** True once the process is on its way out: what comes now is refused. */
  readonly closing: () => boolean;
}

export function webhookRoute(parts: WebhookParts): Route {
  return {
    method: "POST",
    path: "/webhook",
    access: "open",
    listener: "public",
    doc: {
      id: "receiveMessage",
      summary: "Receive a message",
      description:
        "Checked in this order: size, signature, JSON, schema. A 200 means that the message is on stable storage, " +
        "exactly once: new and duplicate alike (`Postern-Result` tells which). The first write of a `message_id` " +
        "wins. A 503 promises nothing; a retry is always safe.",
      headers: SignatureHeader,
      body: NativeMessage,
      answers: {
        200: { description: "Stored, now or before.", schema: Accepted, headers: RESULT_HEADER },
        401: {
          description: "The signature is missing, malformed or wrong.",
          schema: DetailAnswer,
          headers: RESULT_HEADER,
        },
        408: {
          description: "The body did not arrive in time.",
          schema: DetailAnswer,
          headers: RESULT_HEADER,
        },
        413: {
          description: "The body is larger than `BODY_BYTES_MAX`.",
          schema: DetailAnswer,
          headers: RESULT_HEADER,
        },
        422: {
          description: "The body is no JSON or breaks a rule of the schema.",
          schema: InvalidAnswer,
          headers: RESULT_HEADER,
        },
        503: {
          description: "Overloaded, shutting down, or the disk fails; try again.",
          schema: DetailAnswer,
          headers: { ...RESULT_HEADER, "Retry-After": "Seconds to wait." },
        },
      },
    },
    handle: (exchange) => receive(parts, exchange),
  };
}

async function receive(parts: WebhookParts, exchange: Exchange): Promise<Response> {
  const { source } = parts;
  try {
    if (parts.closing()) throw new ShuttingDown("shutting down");
    exchange.checkDeclaredLength();
    const proof = source.proof(exchange.request.headers);
    if (proof === undefined) return unproven(parts, exchange);
    const body = await exchange.readBody();
    if (!source.verify(proof, body)) return unproven(parts, exchange);
    const normalised = source.normalise(body);
    if ("errors" in normalised) {
      note(parts, exchange, "validation_error", "INFO", { duplicate: false });
      return json(422, { detail: normalised.errors });
    }
    return stored(parts, exchange, normalised.delivery, await parts.store.append(normalised.delivery));
  } catch (error) {
    const level = error instanceof Failure && error.status < 500 ? "INFO" : "ERROR";
    note(parts, exchange, resultOf(error), level, { duplicate: false });
    throw error;
  }
}

/** The answer to a delivery that is durable; it counts as new when any of its messages is. */
function stored(
  parts: WebhookParts,
  exchange: Exchange,
  delivery: Delivery,
  outcomes: readonly Outcome[],
): Response {
  const duplicate = !outcomes.includes("created");
  const differs = outcomes.includes("differs");
  for (const outcome of outcomes) if (outcome === "differs") parts.metrics.duplicatesDiffering++;
  note(parts, exchange, duplicate ? "duplicate" : "ok", differs ? "WARN" : "INFO", {
    message_id: delivery.messages[0]?.message_id,
    duplicate,
    differs: differs || undefined,
  });
  return jsonText(200, ACCEPTED);
}

function unproven(parts: WebhookParts, exchange: Exchange): Response {
  note(parts, exchange, "invalid_signature", "ERROR", { duplicate: false });
  return detail(401, "invalid signature");
}

function resultOf(error: unknown): Result {
  if (error instanceof BodyTooLarge || error instanceof BodyTimeout || error instanceof BodyIncomplete) {
    return "validation_error";
  }
  return error instanceof Overloaded || error instanceof ShuttingDown ? "overloaded" : "error";
}

function note(
  parts: WebhookParts,
  exchange: Exchange,
  result: Result,
  level: "INFO" | "WARN" | "ERROR",
  fields: RouteLog["fields"],
): void {
  parts.metrics.countWebhook(result);
  exchange.result = result;
  exchange.log = { level, fields: { source: parts.source.name, ...fields } };
}
