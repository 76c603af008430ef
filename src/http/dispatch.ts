/**
 * From a request to its answer: finds the route, checks the token, turns failures into answers, and sees to it
 * that every request is counted and logged once.
 */
import { describe, Failure } from "../core/errors.ts";
import type { NewId } from "../lib/chance.ts";
import type { Clock } from "../lib/clock.ts";
import { detail } from "../lib/response.ts";
import type { Access, Client, Exchange, Listener, Route, RouteLog } from "../lib/route.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Authorize } from "./auth.ts";
import type { BodyReader } from "./body.ts";
import type { BodyShare } from "./body-room.ts";
import type { ClientAddresses } from "./client-address.ts";
import { type Match, RouteTable } from "./route-table.ts";

export interface DispatchParts {
  readonly routes: readonly Route[];
  /** By a route's access, who passes. */
  readonly authorize: Readonly<Record<Access, Authorize>>;
  readonly clients: ClientAddresses;
  readonly bodies: BodyReader;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly newId: NewId;
  /** True once the process is on its way out: answers ask clients to leave. */
  readonly closing: () => boolean;
}

export interface Dispatch {
  /** Answers one request that came in through the given listener from the peer's address; never throws. */
  readonly answer: (
    request: Request,
    listener: Listener | "all",
    peer: string | undefined,
  ) => Response | Promise<Response>;
  /** Requests that have no answer yet. */
  readonly inFlight: () => number;
}

const SANE_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"]);
const UNMATCHED = "unmatched";

export function createDispatch(parts: DispatchParts): Dispatch {
  const tables = {
    all: new RouteTable(parts.routes, "all"),
    public: new RouteTable(parts.routes, "public"),
    read: new RouteTable(parts.routes, "read"),
  };
  let inFlight = 0;

  function answer(
    request: Request,
    listener: Listener | "all",
    peer: string | undefined,
  ): Response | Promise<Response> {
    inFlight++;
    const visit = new Visit(parts, request, peer);
    const table = tables[listener];
    const match = table.find(visit.path);
    let response: Response | Promise<Response>;
    try {
      response = match === undefined ? elsewhere(visit, table) : enter(visit, match);
    } catch (error) {
      response = visit.failed(error);
    }
    if (!(response instanceof Promise)) return leave(visit, response);
    return response.then(
      (settled) => leave(visit, settled),
      (error) => leave(visit, visit.failed(error)),
    );
  }

  function enter(visit: Visit, { entry, parameter }: Match): Response | Promise<Response> {
    const { method, headers } = visit.request;
    const wanted = method === "HEAD" ? "GET" : method;
    visit.pattern = entry.pattern;
    visit.parameter = parameter;
    const route = entry.routes.find((candidate) => candidate.method === wanted);
    if (route === undefined) return detail(405, "Method Not Allowed", { Allow: entry.allow });
    if (!parts.authorize[route.access](headers)) {
      return detail(401, "unauthorized", { "WWW-Authenticate": 'Bearer realm="postern"' });
    }
    return route.handle(visit);
  }

  function leave(visit: Visit, response: Response): Response {
    inFlight--;
    return visit.leave(response);
  }

  return { answer, inFlight: () => inFlight };
}

/** A known constant path plus one slash leads there; everything else is unknown. */
function elsewhere(visit: Visit, table: RouteTable): Response {
  const path = table.withoutSlash(visit.path);
  if (path === undefined) return detail(404, "Not Found");
  const location = visit.query === "" ? path : `${path}?${visit.query}`;
  return new Response(null, { status: 307, headers: { Location: location } });
}

/** One request while it is being answered. */
class Visit implements Exchange {
  readonly path: string;
  readonly query: string;
  readonly readBody: () => Promise<Uint8Array>;
  readonly checkDeclaredLength: () => void;
  pattern = UNMATCHED;
  parameter = "";
  result: string | undefined;
  log: RouteLog | undefined;
  readonly #startedAt: number;
  readonly #requestId: string;
  #error: string | undefined;
  #share: BodyShare | undefined;
  readonly #parts: DispatchParts;
  readonly request: Request;
  readonly client: Client;

  constructor(parts: DispatchParts, request: Request, peer: string | undefined) {
    this.#parts = parts;
    this.request = request;
    this.client = parts.clients.of(peer, request.headers);
    this.#startedAt = parts.clock.elapsed();
    const { url } = request;
    const pathAt = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
    const queryAt = url.indexOf("?", pathAt);
    this.path = queryAt < 0 ? url.slice(pathAt) : url.slice(pathAt, queryAt);
    this.query = queryAt < 0 ? "" : url.slice(queryAt + 1);
    const given = request.headers.get("x-request-id");
    this.#requestId = given !== null && SANE_ID.test(given) ? given : parts.newId();
    this.readBody = () => {
      this.#share ??= parts.bodies.share(this.client.limitKey);
      return parts.bodies.read(request, this.#share);
    };
    this.checkDeclaredLength = () => parts.bodies.checkDeclaredLength(request);
  }

  bodyVerified(): void {
    this.#share?.release();
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

  /** Puts the last headers on the answer, counts it and logs it. */
  leave(response: Response): Response {
    const { metrics, log, clock, closing } = this.#parts;
    const { headers, status } = response;
    this.bodyVerified();
    headers.set("X-Request-ID", this.#requestId);
    if (this.result !== undefined) headers.set("Postern-Result", this.result);
    if (closing()) headers.set("Connection", "close");
    const method = METHODS.has(this.request.method) ? this.request.method : "OTHER";
    const latencyMs = clock.elapsed() - this.#startedAt;
    metrics.countRequest(method, this.pattern, status);
    metrics.latencyMs.observe(latencyMs);
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
