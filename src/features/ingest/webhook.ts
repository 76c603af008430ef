/**
 * `POST /webhook`: verify, store, answer, in this order. No 2xx is ever made before the store says
 * that the intake is on stable storage, and nothing is parsed before its signature holds.
 */
import { type Static, Type } from "typebox";
import { ShuttingDown } from "../../core/errors.ts";
import { DetailAnswer, InvalidAnswer } from "../../core/field-errors.ts";
import { NativeMessage } from "../../core/message.ts";
import { INLINE_BYTES_MAX, type Source } from "../../core/source.ts";
import { detail, json, jsonText } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";
import {
  type IngestOptions,
  keep,
  note,
  noteFailure,
  noteKept,
  noteUnproven,
  RESULT_HEADER,
  TOO_MANY_FAILED,
} from "./accounting.ts";
import type { CountedSource } from "./sources.ts";

const SignatureHeader = Type.Object({
  "X-Signature": Type.String({
    pattern: "^[0-9a-f]{64}$",
    description: "Lower-case hexadecimal HMAC-SHA256 of the raw body, keyed with the webhook secret.",
    examples: ["b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"],
  }),
});

const Accepted = Type.Object({ status: Type.Literal("ok") });
const ACCEPTED = JSON.stringify({ status: "ok" } satisfies Static<typeof Accepted>);

export function webhookRoute(counted: CountedSource<Source>, options: IngestOptions): Route {
  return {
    method: "POST",
    path: "/webhook",
    access: "open",
    listener: "public",
    doc: {
      id: "receiveMessage",
      tag: "Receive",
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
          description: "The body is larger than `BODY_BYTES_MAX`, or comes in too many small chunks.",
          schema: DetailAnswer,
          headers: RESULT_HEADER,
        },
        429: TOO_MANY_FAILED,
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
    handle: (exchange) => receiveNative(counted, options, exchange),
  };
}

export async function receiveNative(
  counted: CountedSource<Source>,
  options: IngestOptions,
  exchange: Exchange,
): Promise<Response> {
  const { source } = counted;
  try {
    if (options.closing()) throw new ShuttingDown("shutting down");
    exchange.checkDeclaredLength();
    const proof = source.proof(exchange.request.headers);
    if (proof === undefined) return unproven(counted, exchange);
    const given = await exchange.readBody();
    const { normalised, body } =
      given.length <= INLINE_BYTES_MAX
        ? { normalised: source.verify(proof, given) ? source.normalise(given) : undefined, body: given }
        : await options.inspector.native(source, proof, given);
    exchange.bodyVerified();
    if (normalised === undefined) return unproven(counted, exchange);
    if ("errors" in normalised) {
      note(counted, exchange, "validation_error", "INFO", { duplicate: false });
      return json(422, { detail: normalised.errors });
    }
    const { intake } = normalised;
    noteKept(counted, exchange, intake, await keep(options, counted, intake, body));
    return jsonText(200, ACCEPTED);
  } catch (error) {
    noteFailure(counted, exchange, error);
    throw error;
  }
}

function unproven(counted: CountedSource<Source>, exchange: Exchange): Response {
  const reason = counted.source.whyRefused(exchange.request.headers);
  return noteUnproven(counted, exchange, detail(401, "invalid signature"), { reason });
}
