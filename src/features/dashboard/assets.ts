/**
 * `GET /ui` and its files: the dashboard, a page that reads the API and is served from memory. All
 * its references are relative, so that it works behind a path prefix.
 */
import { Type } from "typebox";
import { DetailAnswer } from "../../core/field-errors.ts";
import { takesCoding } from "../../lib/content-coding.ts";
import { detail } from "../../lib/response.ts";
import type { Exchange, Route } from "../../lib/route.ts";
import { ICON } from "../icon.ts";
import { type Bundle, readBundle } from "./bundle.ts";

const PAGE = "index.html";
const NOT_MADE =
  "The dashboard isn't built here: run `make run`, or `bun scripts/build-ui.ts`, and start again.\n";
/** Nothing inline, nothing from elsewhere, no frame around it. */
const POLICY = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"],
  ...["font-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"],
].join("; ");
const FOREVER = "public, max-age=31536000, immutable";

/** `read` is asked once. */
export function dashboardRoutes(read: () => Promise<Bundle | undefined> = readBundle): Route[] {
  let reading: Promise<Bundle | undefined> | undefined;
  const bundle = () => (reading ??= read());
  return [
    {
      method: "GET",
      path: "/",
      access: "open",
      listener: "read",
      doc: {
        id: "getRoot",
        tag: "Dashboard",
        summary: "Leads to the dashboard",
        description: "For people who open the service's address in a browser.",
        answers: {
          200: { description: "HTML, for a client that follows.", type: "text/html" },
          307: { description: "To the dashboard, by a relative reference." },
        },
      },
      handle: () => new Response(null, { status: 307, headers: { Location: "ui/" } }),
    },
    {
      method: "GET",
      path: "/favicon.ico",
      access: "open",
      listener: "read",
      doc: {
        id: "getIcon",
        tag: "Dashboard",
        summary: "The icon",
        description: "Browsers ask for it by themselves.",
        answers: { 200: { description: "As SVG.", type: "image/svg+xml" } },
      },
      handle: () =>
        new Response(ICON, {
          headers: { "Content-Type": "image/svg+xml", "Cache-Control": "public, max-age=86400" },
        }),
    },
    {
      method: "GET",
      path: "/ui",
      slashWanted: true,
      access: "open",
      listener: "read",
      doc: {
        id: "getDashboard",
        tag: "Dashboard",
        summary: "The dashboard",
        description:
          "A page for people that shows what this document describes, live. It is at `/ui/`; without the slash a 307 leads there.",
        answers: {
          200: { description: "HTML.", type: "text/html" },
          503: {
            description: "It is a checkout of the sources in which nobody built it.",
            type: "text/plain",
          },
        },
      },
      handle: async (exchange) => {
        const page = (await bundle())?.[PAGE];
        const text = "text/plain; charset=utf-8";
        if (page === undefined)
          return new Response(NOT_MADE, { status: 503, headers: { "Content-Type": text } });
        return file(exchange, page, {
          "Cache-Control": "no-cache",
          "Content-Security-Policy": POLICY,
          "Referrer-Policy": "no-referrer",
          "Cross-Origin-Opener-Policy": "same-origin",
        });
      },
    },
    {
      method: "GET",
      path: "/ui/{asset}",
      access: "open",
      listener: "read",
      doc: {
        id: "getDashboardFile",
        tag: "Dashboard",
        summary: "A file of the dashboard",
        description: "Scripts, styles and pictures; the content's hash is in the name.",
        path: Type.Object({
          asset: Type.String({ description: "As the page names it.", examples: ["main-0a1b2c3d.js"] }),
        }),
        answers: {
          200: { description: "The file.", type: ["text/javascript", "text/css", "image/svg+xml"] },
          404: { description: "This version of the dashboard has no such file.", schema: DetailAnswer },
        },
      },
      handle: async (exchange) => {
        const files = await bundle();
        const found =
          files !== undefined && Object.hasOwn(files, exchange.parameter)
            ? files[exchange.parameter]
            : undefined;
        if (found === undefined || exchange.parameter === PAGE) return detail(404, "Not Found");
        return file(exchange, found, { "Cache-Control": FOREVER });
      },
    },
  ];
}

/** In the smallest form that the client takes. */
function file(
  { request }: Exchange,
  { type, etag, codings }: Bundle[string],
  given: Record<string, string>,
): Response {
  const headers: Record<string, string> = {
    ...given,
    ETag: etag,
    Vary: "Accept-Encoding",
    "Content-Type": type,
  };
  if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers });
  const accepted = request.headers.get("accept-encoding") ?? "";
  for (const coding of ["br", "gzip"] as const) {
    const coded = codings[coding];
    if (coded === undefined || !takesCoding(accepted, coding)) continue;
    return new Response(Buffer.from(coded, "base64"), {
      headers: { ...headers, "Content-Encoding": coding },
    });
  }
  return new Response(Buffer.from(codings.identity, "base64"), { headers });
}
