/** The part of an OpenAPI document that the page shows, and how its references are followed. */

export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, ApiSchema>> };
}

export interface ApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly ApiParameter[];
  readonly requestBody?: { readonly content: ApiContent };
  readonly responses: Readonly<Record<string, ApiAnswer>>;
  readonly security: readonly object[];
}

/** With where it stands in the document. */
export interface NamedOperation {
  readonly path: string;
  /** In capitals. */
  readonly method: string;
  readonly operation: ApiOperation;
}

interface ApiParameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: ApiSchema;
  /** What the example of a request has here. */
  readonly example?: string | number;
}

export interface ApiAnswer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string }>>;
  readonly content?: ApiContent;
}

type ApiContent = Readonly<Record<string, { readonly schema: ApiSchema }>>;

export interface ApiSchema {
  /** The component's name, where it is one. */
  readonly title?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly const?: unknown;
  readonly description?: string;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly examples?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, ApiSchema>>;
  readonly items?: ApiSchema;
  readonly anyOf?: readonly ApiSchema[];
}

/** Media types of one body have one schema. */
export function schemaOf(content: ApiContent): ApiSchema {
  return Object.values(content)[0]?.schema ?? {};
}

/**
 * The document with each component in the place of every reference to it, entitled with its name.
 * No component holds itself.
 */
export function withReferencesFollowed(document: ApiDocument): ApiDocument {
  const { schemas } = document.components;
  const follow = (_key: string, value: unknown): unknown => {
    if (typeof value !== "object" || value === null || !("$ref" in value)) return value;
    const title = String(value.$ref).slice("#/components/schemas/".length);
    return { ...schemas[title], title };
  };
  return JSON.parse(JSON.stringify(document, follow)) as ApiDocument;
}
