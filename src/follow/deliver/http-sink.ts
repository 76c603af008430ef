/**
 * A destination that takes records by POST, signed by Standard Webhooks
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md). A
 * request goes to the very address that was checked, to no proxy and after no redirect
 * (docs/decisions/0025-deliveries-go-to-the-address-that-was-checked.md).
 */
import type { OriginalRequest } from "../../core/source.ts";
import { checkedSession } from "../../lib/checked-session.ts";
import type { Clock } from "../../lib/clock.ts";
import { isFieldValue } from "../../lib/header-field.ts";
import { fromFirst, openHostAddresses, type Resolve, systemResolve } from "../../lib/host-addresses.ts";
import { outboundHost, outboundUrlMistake, urlsByAddress } from "../../lib/outbound-url.ts";
import { retryAfterMs } from "../../lib/retry-after.ts";
import { signingKey, webhookSignature } from "../../lib/standard-webhooks.ts";
import { type AttemptLimit, AttemptLimits } from "./attempt-limits.ts";
import { excerptOf } from "./excerpt.ts";
import { failureOf } from "./failure.ts";
import { type Attempt, CAUSES, type Cause, type Outcome, type Sink, type Undelivered } from "./sink.ts";

export interface HttpSinkOptions {
  readonly url: URL;
  /** Each signs: while one is being rotated, the receiver may know either. None doesn't sign. */
  readonly secrets: readonly string[];
  /** From the beginning until the head of the answer is there. */
  readonly timeoutMs: number;
  readonly allowPrivate: boolean;
  /** Postern's, for `User-Agent`. */
  readonly version: string;
  readonly clock: Clock;
  readonly resolve?: Resolve;
  /** PEM; certificates of these authorities are accepted instead of the system's. */
  readonly ca?: string;
}

const ANSWER_BYTES_MAX = 16 * 1024;
/** What comes of the answer later than this behind its head isn't waited for. */
const ANSWER_BODY_MS_MAX = 1000;
const NO_CONTENT = 204;
const REQUEST = { method: "POST", redirect: "manual", decompress: false } as const;
/** Receivers close what idles; an attempt that begins at that very moment fails. */
const IDLE_S = 30;
const RETRY_AFTER_MS_MAX = 24 * 60 * 60 * 1000;

export function openHttpSink(options: HttpSinkOptions): Sink {
  const { url, allowPrivate, clock, timeoutMs } = options;
  const host = outboundHost(url);
  const mistake = outboundUrlMistake(url, allowPrivate);
  const addresses = openHostAddresses({
    host,
    allowPrivate,
    clock,
    resolve: options.resolve ?? systemResolve,
  });
  const urlAt = urlsByAddress(url);
  const urlsOf = ({ original }: Attempt) =>
    original?.query === undefined
      ? urlAt
      : (address: string) => `${urlAt(address)}${url.search === "" ? "?" : "&"}${original.query}`;
  const requestOf = requestsTo(options);
  const session = checkedSession(host, { keepAlive: { idleTimeout: IDLE_S }, ca: options.ca });
  const limits = new AttemptLimits(clock);

  /**
   * Throws what `fetch` throws. Where no connection was made nothing was sent, and the next address
   * is tried.
   */
  function answerFrom(
    found: readonly string[],
    to: (address: string) => string,
    request: BunFetchRequestInit,
    limit: AttemptLimit,
  ): Promise<Response> {
    const ask = async (address: string) => {
      const answer = await session.fetch(to(address), { ...request, signal: limit.signal });
      addresses.prefer(address);
      return answer;
    };
    return fromFirst(found, ask, (error, next) => {
      if (limit.why === "stopped") return false;
      addresses.prefer(next);
      return failureOf(error).cause === "refused";
    });
  }

  async function send(attempt: Attempt, limit: AttemptLimit): Promise<Outcome> {
    const startedAt = clock.elapsed();
    const elapsedMs = () => Math.round(clock.elapsed() - startedAt);
    const failure = (cause: Cause, excerpt: string): Outcome => ({
      ...{ isDelivered: false, status: null, cause, excerpt: excerptOf(excerpt), ms: elapsedMs() },
    });
    if (mistake !== undefined) return failure("address", mistake);
    try {
      const found = addresses.fresh() ?? (await limit.wait(addresses.find()));
      if (found === undefined && limit.why === "stopped") return failure("stopped", CAUSES.stopped);
      if (found === undefined) {
        addresses.forget();
        return failure("dns", `${host} isn't resolved within ${timeoutMs} ms`);
      }
      if ("cause" in found) return failure(found.cause, found.excerpt);
      const answer = await answerFrom(found.addresses, urlsOf(attempt), requestOf(attempt), limit);
      const ms = elapsedMs();
      if (answer.status === NO_CONTENT) return { isDelivered: true, status: NO_CONTENT, ms };
      limit.endWithin(ANSWER_BODY_MS_MAX);
      if (answer.ok) {
        await drain(answer);
        return { isDelivered: true, status: answer.status, ms };
      }
      return { ...refusalOf(answer, await startOf(answer), clock.now()), ms };
    } catch (error) {
      if (limit.why === "timeout") return failure("timeout", `no answer within ${timeoutMs} ms`);
      if (limit.why === "stopped") return failure("stopped", CAUSES.stopped);
      const { cause, excerpt } = failureOf(error);
      return failure(cause, excerpt);
    }
  }

  return {
    send: (attempt, signal) => limits.within(timeoutMs, signal, (limit) => send(attempt, limit)),
    close: () => {
      limits.close();
      session.close();
    },
  };
}

/** What is the same in all requests of a sink is made once. */
function requestsTo({
  url,
  secrets,
  clock,
  version,
}: HttpSinkOptions): (attempt: Attempt) => BunFetchRequestInit {
  // What is no key is refused where it is configured.
  const keys = secrets.map((secret) => signingKey(secret) ?? Buffer.from(secret));
  const common = {
    Host: url.host,
    "Content-Type": "application/json",
    "User-Agent": `Postern/${version}`,
    ...((url.username !== "" || url.password !== "") && { Authorization: basicAuthorization(url) }),
  };
  const once = ({ number, isReplay }: Attempt) => ({
    "postern-attempt": String(number),
    ...(isReplay && { "postern-replay": "true" }),
  });
  return (attempt) => {
    const { id, body, original } = attempt;
    if (original !== undefined) {
      const headers = { ...common, "webhook-id": id, ...once(attempt) };
      return { ...REQUEST, headers: originalHeaders(headers, original), body: original.body };
    }
    const timestamp = Math.floor(clock.now() / 1000);
    return {
      ...REQUEST,
      headers: {
        ...common,
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        ...(keys.length > 0 && {
          "webhook-signature": keys.map((key) => webhookSignature(key, id, timestamp, body)).join(" "),
        }),
        ...once(attempt),
      },
      body,
    };
  };
}

/**
 * The provider's own win; of text the bytes are UTF-8, as they were. What no header can carry is
 * left out.
 */
function originalHeaders(ours: Readonly<Record<string, string>>, { headers }: OriginalRequest): Headers {
  const all = new Headers(ours);
  all.delete("content-type");
  for (const [name, value] of Object.entries(headers)) {
    const bytes = Buffer.from(value).toString("latin1");
    if (isFieldValue(bytes)) all.set(name, bytes);
  }
  return all;
}

/** RFC 7617. */
function basicAuthorization({ username, password }: URL): string {
  const plain = (text: string) =>
    text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString());
  return `Basic ${Buffer.from(`${plain(username)}:${plain(password)}`).toString("base64")}`;
}

/**
 * Reads the answer to its end, so that its connection can be used again, but no more than 16 KiB
 * and not beyond the limit of the attempt: then it is left, and its connection closed. Gives what
 * has come; that the rest fails changes nothing, as the status tells the outcome.
 */
export async function startOf(answer: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    const reader = answer.body?.getReader();
    while (bytes <= ANSWER_BYTES_MAX) {
      const next = await reader?.read();
      if (next === undefined || next.done) return Buffer.concat(chunks);
      chunks.push(next.value);
      bytes += next.value.length;
    }
    await reader?.cancel();
  } catch {}
  return Buffer.concat(chunks);
}

/** The same where nothing is kept: without a reader an attempt costs a tenth less. */
async function drain(answer: Response): Promise<void> {
  if (!(Number(answer.headers.get("content-length") ?? Number.NaN) <= ANSWER_BYTES_MAX)) {
    await startOf(answer);
    return;
  }
  try {
    await answer.bytes();
  } catch {}
}

function refusalOf(answer: Response, start: Uint8Array, now: number): Omit<Undelivered, "ms"> {
  const { status, headers } = answer;
  const isRedirect = status >= 300 && status < 400;
  const isEncoded = headers.has("content-encoding");
  const said = isRedirect
    ? `to ${headers.get("location") ?? "nowhere"}`
    : isEncoded
      ? ""
      : new TextDecoder().decode(start);
  const excerpt = excerptOf(said);
  const waitMs = retryAfterMs(headers.get("retry-after"), now, RETRY_AFTER_MS_MAX);
  return {
    isDelivered: false,
    status,
    cause: isRedirect ? "redirect" : "status",
    excerpt: excerpt === "" ? null : excerpt,
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  };
}
