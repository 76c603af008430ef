/** Examples of the OpenAPI document: each is one of its schema, and every JSON body has one. */
import { expect, test } from "bun:test";
import { Compile } from "typebox/compile";
import { type ApiDocument, withReferencesFollowed } from "../../src/features/docs/api-document.ts";
import { exampleOf } from "../../src/features/docs/examples.ts";
import { describeService } from "../../src/serve.ts";

const document = JSON.parse(JSON.stringify(describeService())) as ApiDocument;
const followed = withReferencesFollowed(document);
const operations = Object.values(followed.paths).flatMap((methods) => Object.values(methods));

const isExample = (schema: object, value: unknown) => Compile(schema as never).Check(value);

/** By where it stands. */
const bodies = operations.flatMap(({ operationId, requestBody, responses }) => [
  ...Object.entries(requestBody?.content ?? {}).map(([, { schema }]) => [operationId, schema] as const),
  ...Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content)
      .filter(([type]) => type === "application/json" || type === "application/x-ndjson")
      .map(([, { schema }]) => [`${operationId} ${status}`, schema] as const),
  ),
]);
const parameters = operations.flatMap(({ operationId, parameters = [] }) =>
  parameters.map((parameter) => ({ operationId, ...parameter })),
);

test("every JSON body has an example, which its schema lets through", () => {
  const wrong = bodies.filter(([, schema]) => !isExample(schema, exampleOf(schema))).map(([where]) => where);
  expect(wrong).toEqual([]);
  expect(bodies.length).toBeGreaterThan(200);
});

test("every parameter that is required has an example, and an example of a request asks by its schema", () => {
  const wrong = parameters
    .filter(({ required, schema, example }) => {
      const asked = example ?? exampleOf(schema);
      return asked === undefined ? required : !isExample(schema, asked);
    })
    .map(({ operationId, name }) => `${operationId}: ${name}`);
  expect(wrong).toEqual([]);
  expect(parameters.filter(({ example }) => example !== undefined).length).toBeGreaterThan(8);
});

test("every schema lets its own examples through, however deep it stands", () => {
  const wrong: string[] = [];
  let seen = 0;
  const look = (where: string, value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { examples } = value as { examples?: unknown };
    if (Array.isArray(examples) && !where.endsWith(".properties")) {
      seen += examples.length;
      for (const each of examples)
        if (!isExample(value, each)) wrong.push(`${where}: ${JSON.stringify(each)}`);
    }
    for (const [key, part] of Object.entries(value))
      if (key !== "examples" && key !== "example") look(`${where}.${key}`, part);
  };
  look("", followed);
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(200);
});

test("no example says what type it has in place of a value", () => {
  const types = /"(?:string|integer|number|boolean|array|object|null)( or [a-z ]+)?"/;
  expect(
    bodies.map(([, schema]) => JSON.stringify(exampleOf(schema))).filter((text) => types.test(text)),
  ).toEqual([]);
});
