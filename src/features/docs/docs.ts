/**
 * `GET /openapi.json` and `GET /docs`: the contract for programs and for people, without internet
 * access.
 */
import { json } from "../../lib/response.ts";
import type { Route } from "../../lib/route.ts";
import type { ApiDocument } from "./api-document.ts";
import { renderDocs } from "./page.ts";

/** The document is asked for once, when the first reader comes: it describes these routes too. */
export function docsRoutes(document: () => ApiDocument): Route[] {
  let page: string | undefined;
  return [
    {
      method: "GET",
      path: "/openapi.json",
      access: "open",
      listener: "read",
      doc: {
        id: "getOpenApi",
        summary: "The OpenAPI document",
        description: "OpenAPI 3.1, made from the schemas that validate.",
        answers: { 200: { description: "The document.", type: "application/json" } },
      },
      handle: () => json(200, document()),
    },
    {
      method: "GET",
      path: "/docs",
      access: "open",
      listener: "read",
      doc: {
        id: "getDocs",
        summary: "This page",
        description: "The contract as a page.",
        answers: { 200: { description: "HTML.", type: "text/html" } },
      },
      handle: () => {
        page ??= renderDocs(document());
        return new Response(page, {
          headers: {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy":
              "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
          },
        });
      },
    },
  ];
}
