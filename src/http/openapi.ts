/** The OpenAPI document, made from the routes and the very schemas that validate. */
import type { TObject } from "typebox";
import { DetailAnswer } from "../core/field-errors.ts";
import type { AnswerDoc, Route } from "../lib/route.ts";

const TOO_MANY_FAILED: AnswerDoc = {
  description: "The same, from an address beyond `FAILED_AUTH_PER_MINUTE`.",
  schema: DetailAnswer,
  headers: { "Retry-After": "Seconds to wait." },
};

const FOREIGN =
  "`API_TOKEN` is not set, and a browser asks under a name that is no address, not `localhost` and not in `ALLOWED_HOSTS`.";

/** An OpenAPI 3.1 document of the routes. */
export function openApiDocument(routes: readonly Route[], version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Postern",
      version,
      description:
        "Receives messages by webhook, lets in only what proves its origin, and keeps each exactly once. " +
        "Every response carries `X-Request-ID`: the caller's, if it is a sane token, else a new one. " +
        "Paths are matched as they are sent: one with `.` or `..` segments or a backslash is unknown (404). A request has " +
        "one valid `Host` (else 400).",
      license: { name: "MIT", identifier: "MIT" },
    },
    paths,
    components: {
      securitySchemes: {
        apiToken: { type: "http", scheme: "bearer", description: "Wanted when `API_TOKEN` is configured." },
      },
    },
  };
}

function operation(route: Route) {
  const { doc } = route;
  const parameters = [
    ...parametersOf(doc.path, "path"),
    ...parametersOf(doc.parameters, "query"),
    ...parametersOf(doc.headers, "header"),
  ];
  const answers = Object.entries(doc.answers).map(([status, answer]) => [status, answerOf(answer)]);
  if (route.access !== "open") {
    if (!(403 in doc.answers))
      answers.push(["403", answerOf({ description: FOREIGN, schema: DetailAnswer })]);
    answers.push(["401", answerOf({ description: "The token is missing or wrong.", schema: DetailAnswer })]);
    answers.push(["429", answerOf(TOO_MANY_FAILED)]);
  }
  return {
    operationId: doc.id,
    summary: doc.summary,
    description: doc.description,
    ...(parameters.length > 0 && { parameters }),
    ...(doc.body !== undefined && {
      requestBody: { required: true, content: { "application/json": { schema: doc.body } } },
    }),
    responses: Object.fromEntries(answers),
    security: route.access === "open" ? [] : [{}, { apiToken: [] }],
  };
}

function parametersOf(schema: TObject | undefined, place: "path" | "query" | "header") {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: schema?.required?.includes(name) ?? false,
    schema: property,
  }));
}

function answerOf(answer: AnswerDoc) {
  const headers = Object.entries(answer.headers ?? {}).map(([name, description]) => [
    name,
    { description, schema: { type: "string" } },
  ]);
  return {
    description: answer.description,
    ...(headers.length > 0 && { headers: Object.fromEntries(headers) }),
    ...(answer.schema !== undefined && { content: { "application/json": { schema: answer.schema } } }),
    ...(answer.type !== undefined && { content: { [answer.type]: { schema: { type: "string" } } } }),
  };
}
