/**
 * From a request to its answer: gives Bun's router the routes, checks host and token, turns
 * failures into answers, and sees to it that every request is counted and logged once.
 */
import { describe, Failure } from "../core/errors.ts";
import type { NewId } from "../lib/chance.ts";
import type { Clock } from "../lib/clock.ts";
import { detail } from "../lib/response.ts";
import type {
  Access,
  Client,
  Exchange,
  Listener,
  ProofKind,
  Route,
  RouteLog,
  StreamAnswer,
} from "../lib/route.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Authorize } from "./auth.ts";
import type { BodyReader } from "./body.ts";
import type { BodyShare } from "./body-room.ts";
import type { ClientAddresses } from "./client-address.ts";
import type { FailedAuth } from "./failed-auth.ts";
import { isHost } from "./host.ts";
import { parametersOf, sentPath, type Target, targetsOf, UNKNOWN } from "./route-table.ts";
import { hasSessionCookie } from "./sessions.ts";
import type { IdleTimeouts, Peer, Streams } from "./streams.ts";

interface DispatchOptions {
  readonly routes: readonly Route[];
  /** By a route's access, who passes. */
  readonly authorize: Readonly<Record<Access, Authorize>>;
  /** By a route's access, whether a page of a foreign name may be behind the request. */
  readonly isForeign: Readonly<Record<Access, (headers: Headers) => boolean>>;
  /** Why a request may change nothing; undefined when it may. */
  readonly changeRefusal: (headers: Headers) => string | undefined;
  readonly clients: ClientAddresses;
  readonly failedAuth: FailedAuth;
  readonly bodies: BodyReader;
  readonly streams: Streams;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly newId: NewId;
  /** True once the process is on its way out: answers ask clients to leave. */
  readonly closing: () => boolean;
}

/** A request that Bun's router matched. */
type Routed = Request & { readonly params?: Readonly<Record<string, string>> };

/** Answers one request that came in from the peer by the server; never throws. */
export type Answer = (
  request: Routed,
  peer: Peer | undefined,
  server: IdleTimeouts,
) => Response | Promise<Response>;

interface Answers {
  /** By what Bun's router matches. */
  readonly routes: Readonly<Record<string, Answer>>;
  /** For every other request. */
  readonly otherwise: Answer;
}

export interface Dispatch {
  /** How requests are answered that come in through the listener. */
  readonly answers: (listener: Listener | "all") => Answers;
  /** Requests that have no answer yet, or one that goes on. */
  readonly inFlight: () => number;
}

/** A connection on which nothing moves for so long is closed. */
export const IDLE_TIMEOUT_S = 30;
const SANE_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"]);
const CACHED_METHODS = new Set(["GET", "HEAD"]);
const UNMATCHED = "unmatched";
const FOREIGN =
  "asked by a browser under a name that may be anybody's: set ALLOWED_HOSTS to the names of this service, or API_TOKEN";

export function createDispatch(options: DispatchOptions): Dispatch {
  let inFlight = 0;

  function answers(listener: Listener | "all"): Answers {
    const unknown = UNKNOWN.map((match) => [match, answerBy((exchange) => nowhere(exchange, match))]);
    const served = targetsOf(options.routes, listener).map((target) => [
      target.match,
      answerBy((exchange) => enter(exchange, target)),
    ]);
    return { routes: Object.fromEntries([...unknown, ...served]), otherwise: answerBy(nowhere) };
  }

  function answerBy(way: (exchange: HttpExchange) => Response | Promise<Response>): Answer {
    return (request, peer, server) => {
      inFlight++;
      const exchange = new HttpExchange(options, request, peer, server);
      let response: Response | Promise<Response>;
      try {
        response = isHost(request.headers.get("host"))
          ? way(exchange)
          : detail(400, "the request must name one valid Host");
      } catch (error) {
        response = exchange.failed(error);
      }
      if (!(response instanceof Promise)) return leave(exchange, response);
      return response.then(
        (settled) => leave(exchange, settled),
        (error) => leave(exchange, exchange.failed(error)),
      );
    };
  }

  function enter(exchange: HttpExchange, target: Target): Response | Promise<Response> {
    const { match, entry, hasParameters } = target;
    const { method, headers } = exchange.request;
    if (hasParameters) {
      const found = parametersOf(exchange.path, entry.pattern, exchange.request.params ?? {});
      if (found === undefined) return nowhere(exchange, match);
      exchange.parameters = found;
      exchange.parameter = Object.values(found)[0] ?? "";
    }
    if (target.redirects) return redirected(exchange, target);
    const wanted = method === "HEAD" ? "GET" : method;
    exchange.pattern = entry.pattern;
    const route = entry.routes.find((candidate) => candidate.method === wanted);
    if (route === undefined) return detail(405, "Method Not Allowed", { Allow: entry.allow });
    if (options.isForeign[route.access](headers)) return detail(403, FOREIGN);
    if (!options.authorize[route.access](headers, method)) {
      const refusal = detail(401, "unauthorized", { "WWW-Authenticate": 'Bearer realm="postern"' });
      return exchange.refuse("api", refusal, { reason: whyNoToken(headers) });
    }
    exchange.isAllowed = () => options.authorize[route.access](headers, method);
    const refusal = route.changes && options.changeRefusal(headers);
    if (refusal !== undefined) return detail(403, refusal);
    return route.handle(exchange);
  }

  function leave(exchange: HttpExchange, response: Response): Response {
    if (exchange.streamed === undefined) inFlight--;
    else void exchange.streamed.then(() => inFlight--);
    return options.bodies.withBodyThrownAway(exchange.request, exchange.leave(response));
  }

  return { answers, inFlight: () => inFlight };
}

function whyNoToken(headers: Headers): string {
  if (headers.has("authorization")) return "the header Authorization holds no token that is configured";
  return hasSessionCookie(headers)
    ? "the dashboard's session is over, or another page asks"
    : "the header Authorization is missing";
}

/**
 * To the spelling that is served, from one with a slash too many or too few. The reference is
 * relative (RFC 3986, 5.2), so that it stays behind a proxy's prefix; the last segment is constant.
 */
function redirected({ query }: HttpExchange, { entry, match }: Target): Response {
  const last = entry.pattern.slice(entry.pattern.lastIndexOf("/") + 1);
  const path = match.endsWith("/") ? `../${last}` : `${last}/`;
  const location = query === "" ? path : `${path}?${query}`;
  return new Response(null, { status: 307, headers: { Location: location } });
}

/** `match` is the router's; without one it knows nothing that `Request.url` doesn't. */
function nowhere(exchange: HttpExchange, match?: string): Response {
  if (match !== undefined) exchange.path = sentPath(exchange.path, match, exchange.request.params ?? {});
  return detail(404, "Not Found");
}

/** One request while it is being answered. */
class HttpExchange implements Exchange {
  path: string;
  readonly query: string;
  readonly readBody: () => Promise<Uint8Array>;
  readonly checkDeclaredLength: () => void;
  pattern = UNMATCHED;
  /** Whether it would still be let in. */
  isAllowed = () => true;
  parameter = "";
  parameters: Readonly<Record<string, string>> = {};
  result: string | undefined;
  log: RouteLog | undefined;
  /** Resolves when the stream that answers has ended; undefined without one. */
  streamed: Promise<void> | undefined;
  /** Otherwise it is in a line that sums up many. */
  #hasLine = true;
  readonly #startedAt: number;
  readonly #requestId: string;
  #error: string | undefined;
  #share: BodyShare | undefined;
  readonly #options: DispatchOptions;
  readonly request: Routed;
  readonly client: Client;
  readonly #peer: Peer | undefined;
  readonly #server: IdleTimeouts;

  constructor(options: DispatchOptions, request: Routed, peer: Peer | undefined, server: IdleTimeouts) {
    this.#options = options;
    this.request = request;
    this.#peer = peer;
    this.#server = server;
    this.client = options.clients.of(peer?.address, request.headers);
    this.#startedAt = options.clock.elapsed();
    const { url } = request;
    const pathAt = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
    const queryAt = url.indexOf("?", pathAt);
    this.path = queryAt < 0 ? url.slice(pathAt) : url.slice(pathAt, queryAt);
    this.query = queryAt < 0 ? "" : url.slice(queryAt + 1);
    const given = request.headers.get("x-request-id");
    this.#requestId = given !== null && SANE_ID.test(given) ? given : options.newId();
    this.readBody = () => {
      this.#share ??= options.bodies.share(this.client.limitKey);
      return options.bodies.read(request, this.#share);
    };
    this.checkDeclaredLength = () => options.bodies.checkDeclaredLength(request);
  }

  bodyVerified(): void {
    this.#share?.release();
  }

  mayTakeS(seconds: number): void {
    this.#server.timeout(this.request, seconds + IDLE_TIMEOUT_S);
  }

  stream(answer: StreamAnswer): Response {
    const { request } = this;
    const { response, ended } = this.#options.streams.open(answer, {
      ...{ request, requestId: this.#requestId, pattern: this.pattern },
      ...{ peer: this.#peer, server: this.#server, isAllowed: this.isAllowed },
    });
    this.streamed = ended;
    this.log = {
      ...this.log,
      fields: { ...this.log?.fields, stream: true, client: this.client.address },
    };
    return response;
  }

  /** The answer to a failure; what the client may not know goes to the log line. */
  failed(error: unknown): Response {
    this.#error = describe(error);
    if (!(error instanceof Failure)) return detail(500, "internal error");
    const headers: Record<string, string> = {};
    if (error.retryAfterS !== undefined) headers["Retry-After"] = String(error.retryAfterS);
    if (error.closesConnection) headers["Connection"] = "close";
    return detail(error.status, error.detail, headers);
  }

  refuse(proof: ProofKind, answer: Response, fields: RouteLog["fields"]): Response {
    const { metrics, failedAuth } = this.#options;
    const { retryAfterS, logged } = failedAuth.add(this.client);
    metrics.failedAuth[proof]++;
    if (proof === "webhook" && fields["handshake"] !== true)
      metrics.refusals.add({
        source: String(fields["source"]),
        at: new Date(this.#options.clock.now()).toISOString(),
        client: this.client.address,
        reason: String(fields["reason"]),
        method: this.request.method,
        path: this.path,
      });
    this.#hasLine = logged;
    this.log = { level: "WARN", fields: { ...fields, client: this.client.address } };
    if (retryAfterS === undefined) return answer;
    metrics.failedAuthLimited[proof]++;
    return detail(429, "too many failed attempts", { "Retry-After": String(retryAfterS) });
  }

  /** Puts the last headers on the answer, counts it and logs it. */
  leave(response: Response): Response {
    const { metrics, log, clock, closing } = this.#options;
    const { headers, status } = response;
    const { method: sent } = this.request;
    this.bodyVerified();
    headers.set("X-Request-ID", this.#requestId);
    headers.set("X-Content-Type-Options", "nosniff");
    // Caches keep other methods' answers only where these say so.
    if (CACHED_METHODS.has(sent) && !headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
    if (this.result !== undefined) headers.set("Postern-Result", this.result);
    if (closing()) headers.set("Connection", "close");
    const method = METHODS.has(sent) ? sent : "OTHER";
    const latencyMs = clock.elapsed() - this.#startedAt;
    metrics.requests.count(method, this.pattern, status, latencyMs);
    if (!this.#hasLine) return response;
    log.request({
      level: this.log?.level ?? (status >= 500 ? "ERROR" : "INFO"),
      requestId: this.#requestId,
      method,
      path: this.path,
      status,
      latencyMs,
      result: this.result,
      fields: this.log?.fields,
      error: this.#error,
    });
    return response;
  }
}
