/**
 * `GET /openapi.json` and `GET /docs`: the contract for programs and for people, without internet
 * access.
 */
import { Type } from "typebox";
import { jsonText } from "../../lib/response.ts";
import type { Route } from "../../lib/route.ts";
import type { ApiDocument } from "./api-document.ts";
import { renderDocs } from "./page.ts";

/** What it holds is OpenAPI's to say. */
const Document = Type.Object({}, { additionalProperties: true });

/** The document is asked for when its first reader comes: it describes these routes too. */
export function docsRoutes(document: () => ApiDocument): Route[] {
  let text: string | undefined;
  let page: string | undefined;
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
