/**
 * What a schema's values look like: the examples that stand in it, put together. Where a part has
 * none nothing is made up.
 */
import type { ApiSchema } from "./api-document.ts";

/** Undefined where the schema has no example, and can't be put together from its parts. */
export function exampleOf(schema: ApiSchema): unknown {
  for (const value of [schema.const, schema.examples?.[0], schema.default, schema.enum?.[0]])
    if (value !== undefined) return value;
  if (schema.anyOf !== undefined) return exampleOf(schema.anyOf[0] ?? {});
  if (schema.properties !== undefined)
    return Object.fromEntries(
      Object.entries(schema.properties)
        .map(([name, property]) => [name, exampleOf(property)])
        .filter(([, value]) => value !== undefined),
    );
  if (schema.items === undefined) return undefined;
  const item = exampleOf(schema.items);
  return item === undefined ? undefined : [item];
}
