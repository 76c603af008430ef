/**
 * `GET /openapi.json` and `GET /docs`: the contract for programs and for people, without internet
 * access.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Type } from "typebox";
import { takesCoding } from "../../lib/content-coding.ts";
import { jsonText } from "../../lib/response.ts";
import type { Route } from "../../lib/route.ts";
import type { ApiDocument } from "./api-document.ts";
import { PAGE_BASE, renderDocs, WEBHOOK_BASE } from "./page.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** What it holds is OpenAPI's to say. */
const Document = Type.Object(
  {},
  {
    additionalProperties: true,
    examples: [{ openapi: "3.1.0", info: { title: "Postern", version: "0.1.0" }, paths: {} }],
  },
);

/** Its own style and script, by their hashes, its icon, and nothing else. */
const POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(SCRIPT)}`,
  `style-src ${hashOf(STYLE)}`,
  ...["img-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join("; ");
/** What else a `Host` may hold is no name that anybody gave a service. */
const PLAIN_HOST = /^(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** In a thread of its own: the one that answers isn't held up. */
const compressed = promisify(gzip);

interface DocsOptions {
  /** Asked for when its first reader comes: it describes these routes too. */
  readonly document: () => ApiDocument;
  /** Whether a token is configured. */
  readonly guarded: boolean;
  readonly routes: () => readonly Route[];
  /** Where webhooks come in, if that isn't where this is read; known once it listens. */
  readonly publicPort: (() => number) | undefined;
}

export function docsRoutes({ document, guarded, routes, publicPort }: DocsOptions): Route[] {
  let text: string | undefined;
  let page: string | undefined;
  let zipped: { readonly text: string; readonly bytes: ReturnType<typeof compressed> } | undefined;
  const elsewhere = () =>
    publicPort === undefined ? [] : routes().filter(({ listener }) => listener === "public");
  return [
    {
      method: "GET",
      path: "/openapi.json",
      access: "open",
      listener: "read",
      doc: {
        id: "getOpenApi",
        tag: "Documentation",
        summary: "The OpenAPI document",
        description: "OpenAPI 3.1, made from the schemas that validate.",
        answers: { 200: { description: "The document.", schema: Document } },
      },
      handle: () => {
        text ??= JSON.stringify(document());
        return jsonText(200, text);
      },
    },
    {
      method: "GET",
      path: "/docs",
      access: "open",
      listener: "read",
      doc: {
        id: "getDocs",
        tag: "Documentation",
        summary: "This page",
        description: "The contract as a page.",
        answers: { 200: { description: "HTML.", type: "text/html" } },
      },
      handle: async ({ request }) => {
        page ??= renderDocs(document(), {
          isGuarded: guarded,
          elsewhere: new Set(elsewhere().map(({ path }) => path)),
        });
        const given = request.headers.get("host") ?? "";
        const host = PLAIN_HOST.test(given) ? given : "localhost";
        const webhooks = `${host.replace(/:\d+$/, "")}:${publicPort?.()}`;
        const text = page
          .replaceAll(PAGE_BASE, `http://${host}`)
          .replaceAll(WEBHOOK_BASE, `http://${webhooks}`);
        const headers = {
          "Content-Type": "text/html; charset=utf-8",
          "Content-Security-Policy": POLICY,
          "Referrer-Policy": "no-referrer",
          Vary: "Accept-Encoding",
        };
        if (!takesCoding(request.headers.get("accept-encoding") ?? "", "gzip"))
          return new Response(text, { headers });
        // Most ask by the same name.
        if (zipped?.text !== text) zipped = { text, bytes: compressed(text) };
        return new Response(await zipped.bytes, {
          headers: { ...headers, "Content-Encoding": "gzip" },
        });
      },
    },
  ];
}

function hashOf(text: string): string {
  return `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
}
