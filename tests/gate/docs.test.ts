/** The contract as a document. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Compile } from "typebox/compile";
import { newService, type TestService } from "../http/service.ts";
import { message } from "../messages.ts";

const OPERATIONS = [
  "delete /consumers/{name}",
  "delete /destinations/{name}",
  "delete /destinations/{name}/replays/{id}",
  "delete /ui/session",
  "get /",
  "get /consumers",
  "get /consumers/{name}",
  "get /consumers/{name}/next",
  "get /destinations",
  "get /destinations/{name}",
  "get /destinations/{name}/failures",
  "get /destinations/{name}/replays",
  "get /docs",
  "get /events",
  "get /favicon.ico",
  "get /health/live",
  "get /health/ready",
  "get /log",
  "get /log/stream",
  "get /log/{seq}/request",
  "get /messages",
  "get /messages/{message_id}",
  "get /metrics",
  "get /openapi.json",
  "get /senders",
  "get /sources",
  "get /sources/{name}",
  "get /stats",
  "get /stats/refusals",
  "get /stats/series",
  "get /stats/service",
  "get /stats/sources",
  "get /ui",
  "get /ui/session",
  "get /ui/{asset}",
  "get /webhook/{source}",
  "options /webhook/{source}",
  "post /admin/rebuild-index",
  "post /admin/reload",
  "post /consumers/{name}/ack",
  "post /consumers/{name}/seek",
  "post /destinations/{name}/failures/drop",
  "post /destinations/{name}/failures/retry",
  "post /destinations/{name}/pause",
  "post /destinations/{name}/probe",
  "post /destinations/{name}/replay",
  "post /destinations/{name}/resume",
  "post /sources/{name}/test",
  "post /ui/session",
  "post /webhook",
  "post /webhook/{source}",
  "put /consumers/{name}",
];

type Json = { readonly [key: string]: Json } & readonly Json[] & string;

let service: TestService;
let document: Json;
beforeAll(async () => {
  service = await newService();
  document = (await (await service.get("/openapi.json")).json()) as Json;
});
afterAll(() => service.stop());

const operations = (): { path: string; method: string; operation: Json }[] =>
  Object.entries(document["paths"] ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation as Json })),
  );

describe("/openapi.json", () => {
  test("/openapi.json is OpenAPI 3.1 with every required part", () => {
    expect(document["openapi"]).toMatch(/^3\.1\.\d+$/);
    expect(document["info"]).toMatchObject({ title: expect.any(String), version: expect.any(String) });
    const keys = [
      "openapi",
      "info",
      "jsonSchemaDialect",
      "servers",
      "paths",
      "webhooks",
      "components",
      "security",
      "tags",
      "externalDocs",
    ];
    for (const key of Object.keys(document)) expect(keys).toContain(key);
  });

  test("/openapi.json lists every route with its method", () => {
    expect(
      operations()
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual(OPERATIONS);
  });

  test("/openapi.json describes the parameter of a path that has one", () => {
    for (const { path, operation } of operations()) {
      const named = [...path.matchAll(/\{([a-z_]+)\}/g)].map(([, name]) => name);
      const described = [...(operation["parameters"] ?? [])].filter(({ in: place }) => place === "path");
      expect(described.map(({ name }) => name)).toEqual(named as never);
      for (const { required } of described) expect(required).toBe(true as never);
    }
  });

  test("/openapi.json describes each operation fully and with its own id", () => {
    const ids = operations().map(({ operation }) => String(operation["operationId"]));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operation } of operations()) {
      const keys = [
        "tags",
        "summary",
        "description",
        "operationId",
        "parameters",
        "requestBody",
        "responses",
        "security",
      ];
      for (const key of Object.keys(operation)) expect(keys).toContain(key);
      for (const [status, answer] of Object.entries(operation["responses"] ?? {})) {
        expect(status).toMatch(/^[1-5]\d\d$/);
        expect((answer as Json)["description"]).toBeString();
        for (const content of Object.values((answer as Json)["content"] ?? {}))
          expect(content as Json).toHaveProperty("schema");
      }
      for (const parameter of operation["parameters"] ?? []) {
        const keys = Object.keys(parameter).filter((key) => key !== "example");
        expect(keys.sort()).toEqual(["in", "name", "required", "schema"]);
        expect(["query", "header", "path", "cookie"]).toContain(parameter["in"] ?? "");
      }
      for (const requirement of operation["security"] ?? []) {
        for (const scheme of Object.keys(requirement)) {
          expect((document["components"] as Json)["securitySchemes"]).toHaveProperty(scheme);
        }
      }
    }
  });

  test("/openapi.json names every status that the routes answer with", () => {
    const statuses = (path: string) => {
      const operation = operations().find((each) => each.path === path)?.operation;
      return Object.keys(operation?.["responses"] ?? {}).sort();
    };
    expect(statuses("/webhook")).toContainValues(["200", "401", "408", "413", "422", "429", "503"]);
    expect(statuses("/messages")).toContainValues(["200", "401", "422", "429", "503"]);
    expect(statuses("/stats")).toContainValues(["200", "401", "503"]);
    expect(statuses("/health/ready")).toContainValues(["200", "503"]);
  });

  test("/openapi.json has schemas that are JSON Schema, and real answers and bodies that fit them", async () => {
    const schemaOf = (path: string, status: number): object => {
      const answer = operations().find((each) => each.path === path)?.operation["responses"]?.[
        String(status)
      ];
      const schema = answer?.["content"]?.["application/json"]?.["schema"] as Json;
      return { ...(schema as object), components: document["components"] };
    };
    await service.post(message("m"));
    const answers: [string, Response][] = [
      ["/webhook", await service.post(message("m"))],
      ["/webhook", await service.post({})],
      ["/webhook", await service.post({}, { "X-Signature": "" })],
      ["/messages", await service.get("/messages")],
      ["/messages", await service.get("/messages?limit=x")],
      ["/senders", await service.get("/senders")],
      ["/senders", await service.get("/senders?limit=0")],
      ["/stats", await service.get("/stats")],
      ["/stats/series", await service.get("/stats/series")],
      ["/stats/series", await service.get("/stats/series?step=x")],
      ["/stats/sources", await service.get("/stats/sources")],
      ["/stats/service", await service.get("/stats/service")],
      ["/sources", await service.get("/sources")],
      ["/sources/{name}", await service.get("/sources/native")],
      ["/sources/{name}", await service.get("/sources/none")],
      ["/stats/refusals", await service.get("/stats/refusals")],
      ["/health/live", await service.get("/health/live")],
      ["/health/ready", await service.get("/health/ready")],
    ];
    for (const [path, answer] of answers) {
      const validator = Compile(schemaOf(path, answer.status) as never);
      const body = await answer.json();
      expect([path, answer.status, validator.Check(body)]).toEqual([path, answer.status, true]);
      expect(validator.Check([])).toBe(false);
    }
  });

  test("/openapi.json says the very rules of a message that the webhook checks", () => {
    const webhook = operations().find(({ path }) => path === "/webhook")?.operation;
    const content = webhook?.["requestBody"]?.["content"] as Json;
    expect(content["application/json"]?.["schema"]).toEqual({
      $ref: "#/components/schemas/NewMessage",
    } as never);
    const schema = document["components"]?.["schemas"]?.["NewMessage"] as Json;
    expect(schema["required"]).toEqual(["message_id", "from", "to", "ts"] as never);
    expect(schema["properties"]).toMatchObject({
      message_id: { type: "string", minLength: 1, maxLength: 512 },
      from: { type: "string", pattern: "^\\+[0-9]+$", maxLength: 32 },
      to: { type: "string", pattern: "^\\+[0-9]+$", maxLength: 32 },
      ts: { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$" },
    });
    expect(schema).not.toHaveProperty("additionalProperties");
  });
});
