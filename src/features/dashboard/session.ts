/**
 * `/ui/session`: signing in to the dashboard with the API token, and out. What a session is, and
 * what it may do, is `http/sessions.ts`.
 */
import { Type } from "typebox";
import { DetailAnswer } from "../../core/field-errors.ts";
import { detail, json } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";

/** What the page needs of the sessions; `http` has them. */
interface SessionsOfPage {
  readonly areWanted: boolean;
  readonly begin: (token: string, path: string, isSecure: boolean) => string | undefined;
  readonly end: (headers: Headers, path: string, isSecure: boolean) => string;
  readonly endOf: (headers: Headers) => number | undefined;
}

/** What is longer holds no token. */
const BODY_BYTES_MAX = 8192;
/** What a cookie's `Path` may be: nothing that would begin another attribute. */
const PATH = /^\/(?:[\w.~!$&'()*+,=:@%-]+\/)*$/;

const SignIn = Type.Object({
  token: Type.String({ description: "`API_TOKEN`, or `API_TOKEN_PREVIOUS`.", examples: ["the-api-token"] }),
  path: Type.Optional(
    Type.String({
      description: "Below which path the browser shows its session, where a proxy adds a prefix.",
      default: "/",
    }),
  ),
});

const SessionAnswer = Type.Object(
  {
    state: Type.Enum(["open", "signed_in", "signed_out"], {
      type: "string",
      description: "`open`: no `API_TOKEN` is set, and whoever reaches the service reads everything.",
    }),
    expires_at: Type.Union([Type.String(), Type.Null()], { description: "When the session ends." }),
    version: Type.String(),
  },
  {
    $id: "Session",
    examples: [{ state: "signed_in", expires_at: "2025-11-28T22:00:00.000Z", version: "0.1.0" }],
  },
);

export function sessionRoutes(sessions: SessionsOfPage, version: string): Route[] {
  const shared = { path: "/ui/session", access: "open", listener: "read" } as const;
  return [
    {
      ...shared,
      method: "GET",
      doc: {
        id: "getSession",
        tag: "Dashboard",
        summary: "Whether the dashboard is signed in",
        description: "Of the browser that asks.",
        answers: { 200: { description: "The session.", schema: SessionAnswer } },
      },
      handle: ({ request }) => json(200, shownSession(sessions, request.headers, version)),
    },
    {
      ...shared,
      method: "POST",
      doc: {
        id: "signIn",
        tag: "Dashboard",
        summary: "Sign the dashboard in",
        description:
          "Gives the cookie `postern_session` for 12 hours. It stands for the token on requests of the dashboard's own " +
          "origin; those that change something need `X-Postern-UI: 1` as well. A token that is taken out of the settings " +
          "ends its sessions. A form does too; its answer leads to the dashboard.",
        body: SignIn,
        answers: {
          204: { description: "Signed in.", headers: { "Set-Cookie": "The session." } },
          303: { description: "The same for a form.", headers: { "Set-Cookie": "The session." } },
          401: { description: "It isn't the token.", schema: DetailAnswer },
          409: {
            description: "No token is configured, so there is nothing to sign in to.",
            schema: DetailAnswer,
          },
          422: { description: "The body is none that can be read.", schema: DetailAnswer },
          429: {
            description: "The same as 401, from an address beyond `FAILED_AUTH_PER_MINUTE`.",
            schema: DetailAnswer,
            headers: { "Retry-After": "Seconds to wait." },
          },
        },
      },
      handle: (exchange) => signIn(sessions, exchange),
    },
    {
      ...shared,
      method: "DELETE",
      doc: {
        id: "signOut",
        tag: "Dashboard",
        summary: "Sign the dashboard out",
        description:
          "Takes the session from the browser. Where it is asked, it counts no more from now on, and what streams by it " +
          "ends within seconds; other replicas take it until its twelve hours are over.",
        parameters: Type.Object({
          path: Type.Optional(Type.String({ description: "As when it signed in.", examples: ["/"] })),
        }),
        answers: { 204: { description: "Signed out." } },
      },
      handle: ({ request, query }) => {
        const path = cookiePath(new URLSearchParams(query).get("path") ?? "/");
        return new Response(null, {
          status: 204,
          headers: { "Set-Cookie": sessions.end(request.headers, path, isSecure(request)) },
        });
      },
    },
  ];
}

function shownSession(sessions: SessionsOfPage, headers: Headers, version: string) {
  const until = sessions.endOf(headers);
  const state = !sessions.areWanted ? "open" : until === undefined ? "signed_out" : "signed_in";
  return { state, expires_at: until === undefined ? null : new Date(until).toISOString(), version };
}

async function signIn(sessions: SessionsOfPage, exchange: Exchange): Promise<Response> {
  if (!sessions.areWanted) return detail(409, "API_TOKEN is not set: there is nothing to sign in to");
  exchange.checkDeclaredLength();
  const body = await exchange.readBody();
  const isForm = (exchange.request.headers.get("content-type") ?? "").startsWith(
    "application/x-www-form-urlencoded",
  );
  const given = body.length > BODY_BYTES_MAX ? undefined : readSignIn(new TextDecoder().decode(body), isForm);
  if (given === undefined) return detail(422, 'the body should be {"token":"…"}');
  const cookie = sessions.begin(given.token, cookiePath(given.path), isSecure(exchange.request));
  if (cookie === undefined)
    return exchange.refuse("api", detail(401, "unauthorized"), { reason: "signed in with a wrong token" });
  const headers = { "Set-Cookie": cookie, "Cache-Control": "no-store" };
  return isForm
    ? new Response(null, { status: 303, headers: { ...headers, Location: "./" } })
    : new Response(null, { status: 204, headers });
}

function readSignIn(text: string, isForm: boolean): { token: string; path: string } | undefined {
  try {
    const fields: unknown = isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
    const { token, path = "/" } = fields as { readonly token?: unknown; readonly path?: unknown };
    return typeof token === "string" && typeof path === "string" ? { token, path } : undefined;
  } catch {
    return undefined;
  }
}

function cookiePath(path: string): string {
  return path.length <= 512 && PATH.test(path) ? path : "/";
}

/** The service never sees TLS itself; the page that asks says by its origin how it was reached. */
function isSecure(request: Request): boolean {
  return request.headers.get("origin")?.startsWith("https:") ?? false;
}
