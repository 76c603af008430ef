import { expect, test } from "bun:test";
import { Type } from "typebox";
import { DOCUMENTED_AS, type Route } from "../lib/route.ts";
import { openApiDocument } from "./openapi.ts";

const Leaf = Type.Object({ name: Type.String() }, { $id: "Leaf" });
const Tree = Type.Object({ leaves: Type.Array(Leaf), best: Type.Optional(Leaf) }, { $id: "Tree" });

const route = (method: string, path: string, doc: Partial<Route["doc"]> = {}): Route =>
  ({
    ...{ method, path, access: "open", listener: "read" },
    doc: { id: `${method}${path}`, tag: "Read", summary: "", description: "", answers: {}, ...doc },
  }) as Route;

/** As its readers get it. */
const documentOf = (...routes: readonly Route[]) =>
  JSON.parse(JSON.stringify(openApiDocument(routes, "1.2.3")));

test("a schema with an $id is a component, and a reference wherever it is used, within others too", () => {
  const { paths, components } = documentOf(
    route("PUT", "/tree", { body: Tree, answers: { 200: { description: "It.", schema: Leaf } } }),
    route("GET", "/trees", { answers: { 200: { description: "All.", schema: Type.Array(Tree) } } }),
  );
  const leaf = { $ref: "#/components/schemas/Leaf" };
  const tree = { $ref: "#/components/schemas/Tree" };
  expect(components.schemas).toMatchObject({
    Leaf: { type: "object", required: ["name"], properties: { name: { type: "string" } } },
    Tree: { required: ["leaves"], properties: { leaves: { type: "array", items: leaf }, best: leaf } },
  });
  expect(JSON.stringify(components)).not.toContain("$id");
  expect(paths["/tree"].put.requestBody.content).toEqual({ "application/json": { schema: tree } });
  expect(paths["/tree"].put.responses[200].content).toEqual({ "application/json": { schema: leaf } });
  expect(paths["/trees"].get.responses[200].content["application/json"].schema.items).toEqual(tree);
});

test("two schemas that differ can't have the same $id", () => {
  const other = Type.Object({ leaves: Type.Integer() }, { $id: "Tree" });
  const answers = { 200: { description: "", schema: other } };
  expect(() => documentOf(route("GET", "/a", { body: Tree }), route("GET", "/b", { answers }))).toThrow(
    "two schemas have the $id Tree",
  );
});

test("a schema is documented as another one where it says so", () => {
  const shown = Type.Integer({ minimum: 1, maximum: 9, default: 3 });
  const parameters = Type.Object({
    n: Type.Optional(Type.String({ pattern: "^[0-9]+$", [DOCUMENTED_AS]: shown })),
  });
  const { paths } = documentOf(route("GET", "/a", { parameters }));
  const schema = { type: "integer", minimum: 1, maximum: 9, default: 3 };
  expect(paths["/a"].get.parameters).toEqual([{ name: "n", in: "query", required: false, schema }]);
});

test("an answer has several media types, each with the schema of its pieces, or of text, or none at all", () => {
  const types = ["text/event-stream", "application/x-ndjson"];
  const { paths } = documentOf(
    route("GET", "/a", {
      answers: {
        200: { description: "A stream.", type: types, schema: Leaf },
        202: { description: "Text.", type: types },
        204: { description: "Nothing." },
      },
    }),
  );
  const leaf = { schema: { $ref: "#/components/schemas/Leaf" } };
  const text = { schema: { type: "string" } };
  const { responses } = paths["/a"].get;
  expect(responses[200].content).toEqual({ "text/event-stream": leaf, "application/x-ndjson": leaf });
  expect(responses[202].content).toEqual({ "text/event-stream": text, "application/x-ndjson": text });
  expect(responses[204]).toEqual({ description: "Nothing." });
});

test("every method of a path has its operation, and parameters stand anywhere in a path", () => {
  const path = Type.Object({ name: Type.String() });
  const methods = ["GET", "PUT", "DELETE"].map((method) => route(method, "/consumers/{name}", { path }));
  const { paths } = documentOf(...methods, route("POST", "/consumers/{name}/ack", { path }));
  expect(Object.keys(paths["/consumers/{name}"])).toEqual(["get", "put", "delete"]);
  expect(paths["/consumers/{name}/ack"].post.parameters).toEqual([
    { name: "name", in: "path", required: true, schema: { type: "string" } },
  ]);
});

test("the tags that routes have are described, in one order, and no others", () => {
  const { tags } = documentOf(
    route("GET", "/a", { tag: "Follow" }),
    route("GET", "/b", { tag: "Read" }),
    route("GET", "/c", { tag: "Read" }),
  );
  expect(tags).toEqual([
    { name: "Read", description: expect.any(String) },
    { name: "Follow", description: expect.any(String) },
  ]);
});
