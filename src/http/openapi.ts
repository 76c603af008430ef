/**
 * The OpenAPI document, made from the routes and the very schemas that validate. It has whatever a
 * route may say, and knows none by name.
 */
import type { TObject } from "typebox";
import { DetailAnswer } from "../core/field-errors.ts";
import { type AnswerDoc, DOCUMENTED_AS, type Route, type RouteDoc, type Tag } from "../lib/route.ts";

/** In the order of the document and of its page. */
const TAGS: Readonly<Record<Tag, string>> = {
  Receive: "Webhooks: where messages come in, each with the proof of who sent it.",
  Read: "Messages and events, by filters, one by one and in numbers.",
  Follow:
    "The log: everything that is stored, in the order in which it was; and consumers, whose positions in it the service keeps.",
  Deliver: "Destinations: whom the service hands records on to, and what could not be.",
  Watch: "How the service is, and what comes in: health, metrics, numbers over time.",
  Operate: "What can be asked of it while it serves: its sources, its configuration, its index.",
  Dashboard: "The page at `/ui/` that shows all this to people, and how it signs in.",
  Documentation: "This contract, for programs and for people.",
};

const NO_HOST: AnswerDoc = {
  description: "The request doesn't name one valid `Host`.",
  schema: DetailAnswer,
};

const TOO_MANY_FAILED: AnswerDoc = {
  description: "The same, from an address beyond `FAILED_AUTH_PER_MINUTE`.",
  schema: DetailAnswer,
  headers: { "Retry-After": "Seconds to wait." },
};

const FOREIGN =
  "`API_TOKEN` is not set, and a browser asks under a name that is no address, not `localhost` and not in `ALLOWED_HOSTS`.";

const CHANGE_REFUSED =
  " Or it isn't set, and `HOST` isn't a loopback address, or a page of another origin asks.";

/** An OpenAPI 3.1 document of the routes. */
export function openApiDocument(routes: readonly Route[], version: string) {
  const operations: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    operations[route.path] = { ...operations[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  const { paths, schemas } = asDocumented(operations);
  const used = new Set(routes.map(({ doc }) => doc.tag));
  const tags = (Object.keys(TAGS) as Tag[]).filter((name) => used.has(name));
  return {
    openapi: "3.1.0",
    info: {
      title: "Postern",
      version,
      description:
        "Receives webhooks, verifies who sent them, keeps each message exactly once, and hands it on. " +
        "Every response carries `X-Request-ID`: the caller's, if it is a sane token, else a new one. " +
        "Paths are matched as they are sent: one with `.` or `..` segments or a backslash is unknown (404). A request has " +
        "one valid `Host` (else 400).",
      license: { name: "MIT", identifier: "MIT" },
    },
    // Relative to where the document is, behind a prefix too.
    servers: [{ url: ".", description: "The service that the document comes from." }],
    tags: tags.map((name) => ({ name, description: TAGS[name] })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        apiToken: { type: "http", scheme: "bearer", description: "Wanted when `API_TOKEN` is configured." },
      },
    },
  };
}

/** With a reference in the place of each schema that has an `$id`, and those schemas by it. */
function asDocumented(operations: object): { readonly paths: object; readonly schemas: object } {
  const texts = new Map<string, string>();
  const show = (_key: string, value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (DOCUMENTED_AS in value) return value[DOCUMENTED_AS];
    const { $id: name, ...schema } = value as { readonly $id?: unknown };
    if (typeof name !== "string") return value;
    const text = JSON.stringify(schema, show);
    if ((texts.get(name) ?? text) !== text) throw new Error(`two schemas have the $id ${name}`);
    texts.set(name, text);
    return { $ref: `#/components/schemas/${name}` };
  };
  const paths = JSON.parse(JSON.stringify(operations, show));
  const byName = [...texts].sort(([one], [other]) => (one < other ? -1 : 1));
  return { paths, schemas: Object.fromEntries(byName.map(([name, text]) => [name, JSON.parse(text)])) };
}

function operation(route: Route) {
  const { doc } = route;
  const parameters = [
    ...parametersOf(doc.path, "path"),
    ...parametersOf(doc.parameters, "query", doc.exampleQuery),
    ...parametersOf(doc.headers, "header"),
  ];
  const answers = Object.entries(doc.answers).map(([status, answer]) => [status, answerOf(answer)]);
  if (!(400 in doc.answers)) answers.push(["400", answerOf(NO_HOST)]);
  if (route.access !== "open") {
    if (!(403 in doc.answers))
      answers.push([
        "403",
        answerOf({ description: `${FOREIGN}${route.changes ? CHANGE_REFUSED : ""}`, schema: DetailAnswer }),
      ]);
    answers.push(["401", answerOf({ description: "The token is missing or wrong.", schema: DetailAnswer })]);
    answers.push(["429", answerOf(TOO_MANY_FAILED)]);
  }
  return {
    operationId: doc.id,
    tags: [doc.tag],
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

function parametersOf(
  schema: TObject | undefined,
  place: "path" | "query" | "header",
  examples: RouteDoc["exampleQuery"] = {},
) {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: schema?.required?.includes(name) ?? false,
    schema: property,
    ...(name in examples && { example: examples[name] }),
  }));
}

function answerOf(answer: AnswerDoc) {
  const { schema = { type: "string" }, type = answer.schema === undefined ? [] : "application/json" } =
    answer;
  const content = [type].flat().map((each) => [each, { schema }]);
  const headers = Object.entries(answer.headers ?? {}).map(([name, description]) => [
    name,
    { description, schema: { type: "string" } },
  ]);
  return {
    description: answer.description,
    ...(headers.length > 0 && { headers: Object.fromEntries(headers) }),
    ...(content.length > 0 && { content: Object.fromEntries(content) }),
  };
}
