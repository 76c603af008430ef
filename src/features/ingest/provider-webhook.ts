/**
 * `POST /webhook/{source}` and `GET /webhook/{source}`: a configured source's webhook. Verify, store, answer, in this
 * order; whatever was verified is stored, so that no shape of it is ever refused.
 */
import { Type } from "typebox";
import { ShuttingDown } from "../../core/errors.ts";
import { DetailAnswer } from "../../core/field-errors.ts";
import {
  INLINE_BYTES_MAX,
  type ProviderAnswer,
  type ProviderSource,
  type Refusal,
} from "../../core/source.ts";
import { detail } from "../../lib/response.ts";
import type { AnswerDoc, Exchange, Route } from "../../lib/route.ts";
import {
  type IngestParts,
  keep,
  note,
  noteFailure,
  noteKept,
  noteUnproven,
  RESULT_HEADER,
  TOO_MANY_FAILED,
} from "./accounting.ts";
import { loggedUrl } from "./logged-url.ts";
import type { Entrance, Sources } from "./sources.ts";

const PATH = "/webhook/{source}";
const SourceName = Type.Object({ source: Type.String({ description: "The source's name, as configured." }) });
const NO_BODY = new Uint8Array();
const UNSIGNED_QUERY: Refusal = {
  proven: false,
  why: "it came by GET, and this source's scheme doesn't sign the query",
};

const refusal = (description: string): AnswerDoc => ({
  description,
  schema: DetailAnswer,
  headers: RESULT_HEADER,
});
const ANSWERS: Route["doc"]["answers"] = {
  401: refusal("The request doesn't prove its origin (403 where the provider expects that)."),
  403: refusal("The same, or a handshake's verify token is wrong."),
  404: { description: "There is no such source.", schema: DetailAnswer },
  429: TOO_MANY_FAILED,
  413: refusal("The body is larger than `BODY_BYTES_MAX`, or comes in too many small chunks."),
  503: {
    ...refusal("Overloaded, shutting down, or the disk fails; try again."),
    headers: { ...RESULT_HEADER, "Retry-After": "Seconds to wait." },
  },
};

export function providerWebhookRoutes(sources: Sources, parts: IngestParts): readonly Route[] {
  const receiving = (exchange: Exchange) => {
    const entrance = sources.get(exchange.parameter);
    return entrance === undefined ? detail(404, "Not Found") : receive(entrance, parts, exchange);
  };
  return [
    {
      method: "POST",
      path: PATH,
      slashServed: true,
      access: "open",
      listener: "public",
      doc: {
        id: "receiveFromProvider",
        summary: "Receive a provider's webhook",
        description:
          "The body is what the provider sends, signed the way it signs. Once that holds, everything in it is kept: " +
          "messages, under `SOURCE:ID`, and whatever else happened as events. A 200 means that all of it is on stable " +
          "storage, new and duplicate alike. A 503 promises nothing; a retry is always safe.",
        path: SourceName,
        answers: {
          200: {
            description:
              "Stored, now or before, or a handshake's answer; in the form that the provider expects.",
            headers: RESULT_HEADER,
          },
          ...ANSWERS,
          408: refusal("The body did not arrive in time."),
        },
      },
      handle: receiving,
    },
    {
      method: "GET",
      path: PATH,
      slashServed: true,
      access: "open",
      listener: "public",
      doc: {
        id: "answerProvider",
        summary: "Answer a provider's handshake",
        description:
          "Some providers ask once whether this address is the operator's, and some sign and deliver by GET. Anything " +
          "else is refused like a wrong signature.",
        path: SourceName,
        answers: {
          200: { description: "The handshake's answer, or stored.", headers: RESULT_HEADER },
          ...ANSWERS,
        },
      },
      handle: receiving,
    },
  ];
}

async function receive(
  entrance: Entrance<ProviderSource>,
  parts: IngestParts,
  exchange: Exchange,
): Promise<Response> {
  const { source } = entrance;
  const { headers, method } = exchange.request;
  try {
    if (parts.closing()) throw new ShuttingDown("shutting down");
    exchange.checkDeclaredLength();
    const isPost = method === "POST";
    const greeting = isPost ? undefined : source.handshake(exchange.query);
    if (greeting !== undefined) return greeted(entrance, exchange, greeting);
    // Some ask by HEAD whether the address is there before they save it; it brings nothing.
    if (method === "HEAD") return greeted(entrance, exchange, source.accepted);
    const now = parts.clock.now();
    const head = { headers, url: source.signedUrl(exchange.path, exchange.query) };
    const begun = source.begin(head, now);
    if (typeof begun !== "function") return refused(entrance, exchange, begun);
    if (!isPost && !source.deliversByGet) return refused(entrance, exchange, UNSIGNED_QUERY);
    const given = isPost ? await exchange.readBody() : NO_BODY;
    const { inspected, body } =
      given.length <= INLINE_BYTES_MAX
        ? { inspected: begun(given), body: given }
        : await parts.inspector.provider(source, head, given, now);
    exchange.bodyVerified();
    if ("refusal" in inspected) return refused(entrance, exchange, inspected.refusal);
    if ("answer" in inspected) return greeted(entrance, exchange, inspected.answer);
    const { delivery, keptWhole } = inspected;
    const sent = delivery.post?.body ?? body;
    noteKept(entrance, exchange, delivery, await keep(parts, entrance, delivery, sent), keptWhole);
    return answer(source.accepted);
  } catch (error) {
    noteFailure(entrance, exchange, error);
    throw error;
  }
}

/** The answer to a handshake: nothing is stored. */
function greeted(entrance: Entrance, exchange: Exchange, given: ProviderAnswer): Response {
  if (given.status >= 400) {
    const reason = "the verify token is wrong, or none is configured";
    return noteUnproven(entrance, exchange, answer(given), { handshake: true, reason });
  }
  note(entrance, exchange, "ok", "INFO", { duplicate: false, handshake: true });
  return answer(given);
}

/** The operator reads why; the sender doesn't. */
function refused(entrance: Entrance<ProviderSource>, exchange: Exchange, { why }: Refusal): Response {
  const { source } = entrance;
  const url = source.signsUrl ? loggedUrl(source.signedUrl(exchange.path, exchange.query)) : undefined;
  const refusal = detail(source.refusedStatus, "invalid signature");
  return noteUnproven(entrance, exchange, refusal, { reason: why, url });
}

function answer({ status, type, body }: ProviderAnswer): Response {
  return new Response(body, { status, headers: { "Content-Type": type } });
}
