/**
 * `/webhook/{source}` by POST, GET, HEAD and OPTIONS: a configured source's webhook. Verify,
 * store, answer, in this order; whatever was verified is stored, so that no shape of it is ever
 * refused.
 */
import { Type } from "typebox";
import { KeysUnavailable, ShuttingDown } from "../../core/errors.ts";
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
  type IngestOptions,
  keep,
  note,
  noteFailure,
  noteKept,
  noteUnproven,
  RESULT_HEADER,
  TOO_MANY_FAILED,
} from "./accounting.ts";
import { loggedUrl } from "./logged-url.ts";
import type { CountedSource, Sources } from "./sources.ts";

const PATH = "/webhook/{source}";
const SourceName = Type.Object({
  source: Type.String({ description: "The source's name, as configured.", examples: ["wa"] }),
});
const NO_BODY = new Uint8Array();
/** As if OPTIONS were no method of this path. */
const notAllowed = () => detail(405, "Method Not Allowed", { Allow: "POST, GET, HEAD" });
const UNSIGNED_QUERY: Refusal = {
  proven: false,
  why: "it came by GET, and this source's scheme doesn't sign the query",
};

const refusal = (description: string): AnswerDoc => ({
  description,
  schema: DetailAnswer,
  headers: RESULT_HEADER,
});
const ANSWERS = {
  401: refusal("The request doesn't prove its origin (403 where the provider expects that)."),
  403: refusal("The same, or a handshake's verify token is wrong."),
  404: { description: "There is no such source.", schema: DetailAnswer },
  429: TOO_MANY_FAILED,
  413: refusal("The body is larger than `BODY_BYTES_MAX`, or comes in too many small chunks."),
  503: {
    ...refusal("Overloaded, shutting down, or the disk fails; try again."),
    headers: { ...RESULT_HEADER, "Retry-After": "Seconds to wait." },
  },
} satisfies Route["doc"]["answers"];

export function providerWebhookRoutes(sources: Sources, options: IngestOptions): readonly Route[] {
  const receiving = (exchange: Exchange) => {
    const counted = sources.get(exchange.parameter);
    if (counted !== undefined) return receiveFromProvider(counted, options, exchange);
    return exchange.request.method === "OPTIONS" ? notAllowed() : detail(404, "Not Found");
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
        tag: "Receive",
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
        tag: "Receive",
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
    {
      method: "OPTIONS",
      path: PATH,
      slashServed: true,
      access: "open",
      listener: "public",
      doc: {
        id: "answerProviderByHeaders",
        tag: "Receive",
        summary: "Answer a provider's handshake by OPTIONS",
        description:
          "CloudEvents and Azure Event Grid ask by `WebHook-Request-Origin` whether they may send. Only a source whose " +
          "`handshakes` say an answer to OPTIONS has one.",
        path: SourceName,
        answers: {
          200: { description: "The handshake's answer.", headers: RESULT_HEADER },
          405: { description: "This source answers no such handshake.", schema: DetailAnswer },
          503: ANSWERS[503],
        },
      },
      handle: receiving,
    },
  ];
}

export async function receiveFromProvider(
  counted: CountedSource<ProviderSource>,
  options: IngestOptions,
  exchange: Exchange,
): Promise<Response> {
  const { source } = counted;
  const { headers, method } = exchange.request;
  try {
    if (options.closing()) throw new ShuttingDown("shutting down");
    exchange.checkDeclaredLength();
    const isPost = method === "POST";
    const url = source.signedUrl(exchange.path, exchange.query);
    const head = { method, headers, url, client: exchange.client.address };
    const asked = isPost ? undefined : source.handshake({ ...head, body: NO_BODY });
    if (asked?.signed === false) return greeted(counted, exchange, asked.answer);
    if (method === "OPTIONS") return notAllowed();
    // Some ask by HEAD whether the address is there before they save it; it brings nothing.
    if (method === "HEAD") {
      const far = source.refusalOf(head.client);
      return far === undefined
        ? greeted(counted, exchange, source.accepted)
        : refused(counted, exchange, far);
    }
    const now = options.clock.now();
    const begun = source.begin(head, now);
    if (typeof begun !== "function") return refused(counted, exchange, begun);
    if (!isPost && !source.takesGet) return refused(counted, exchange, UNSIGNED_QUERY);
    const given = isPost ? await exchange.readBody() : NO_BODY;
    const isSmall = given.length <= INLINE_BYTES_MAX;
    if (isSmall && source.prepare !== undefined) await source.prepare({ ...head, body: given }, now);
    const { inspected, body } = isSmall
      ? { inspected: begun(given), body: given }
      : await options.inspector.provider(source, head, given, now);
    exchange.bodyVerified();
    if ("refusal" in inspected) return refused(counted, exchange, inspected.refusal);
    if (!("intake" in inspected)) return greeted(counted, exchange, inspected.answer);
    if (source.confirm !== undefined) await source.confirm({ ...head, body });
    const { intake, keptWhole, unreadTimes, answer: greeting } = inspected;
    const sent = intake.post?.body ?? body;
    const outcomes = await keep(options, counted, intake, sent);
    noteKept(counted, exchange, intake, outcomes, {
      keptWhole,
      unreadTimes,
      handshake: greeting !== undefined,
    });
    return answer(greeting ?? source.accepted);
  } catch (error) {
    if (error instanceof KeysUnavailable) return undecided(counted, exchange, error);
    noteFailure(counted, exchange, error);
    throw error;
  }
}

/** The answer to a handshake: nothing is stored. */
function greeted(counted: CountedSource, exchange: Exchange, given: ProviderAnswer): Response {
  if (given.status >= 400) {
    const reason = "the verify token is wrong, or none is configured";
    return noteUnproven(counted, exchange, answer(given), { handshake: true, reason });
  }
  note(counted, exchange, "ok", "INFO", { duplicate: false, handshake: true });
  return answer(given);
}

/** The operator reads why; the sender doesn't. */
function refused(counted: CountedSource<ProviderSource>, exchange: Exchange, { why }: Refusal): Response {
  const { source } = counted;
  const url = source.signsUrl ? loggedUrl(source.signedUrl(exchange.path, exchange.query)) : undefined;
  const refusal = detail(source.refusedStatus, "invalid signature");
  return noteUnproven(counted, exchange, refusal, { reason: why, url });
}

/** It may be right: its sender is asked to come again, and counts as one that proved nothing. */
function undecided(
  { source, tally }: CountedSource,
  exchange: Exchange,
  { status, detail: words, retryAfterS, cause }: KeysUnavailable,
): Response {
  tally.requests.overloaded++;
  exchange.result = "overloaded";
  const answered = detail(status, words, { "Retry-After": String(retryAfterS) });
  return exchange.refuse("webhook", answered, {
    source: source.name,
    duplicate: false,
    reason: String(cause),
  });
}

function answer({ status, type, headers, body }: ProviderAnswer): Response {
  return new Response(body === "" ? null : body, {
    status,
    headers: { ...headers, ...(type !== undefined && { "Content-Type": type }) },
  });
}
