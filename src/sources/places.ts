/**
 * Parts of a request as a configuration names them: `header X-Name`, `query token`, `form
 * signature`, `json data.id`.
 */
import type { SignedRequest } from "../core/source.ts";
import type { Form } from "../lib/form.ts";
import { fieldNameMistake } from "../lib/header-field.ts";
import { type JsonTree, parseJsonTree } from "../lib/json-tree.ts";
import { boundaryOf } from "../lib/multipart.ts";
import { formOf } from "./form-tree.ts";
import { boundedForm, queryOf } from "./kind.ts";
import { parsePath } from "./paths.ts";
import { SchemeError } from "./schemes/proof.ts";

const PLACE_PARTS = /^(header|query|form|json)[ .](\S.*)$/s;

export interface Place {
  /** As it was named. */
  readonly text: string;
  readonly kind: "header" | "query" | "form" | "json";
  /** Of the header or parameter; of JSON the path. */
  readonly name: string;
  /** For people: `header X-Name`, `query parameter token`. */
  readonly words: string;
  /** Whether only the body tells what stands there. */
  readonly inBody: boolean;
  /**
   * What stands there; undefined for nothing, for what is no text, number or boolean, and in a body
   * of another form. Of equal names of a form the last counts, of a query the first. Throws
   * `BeyondBounds` for a body that is too much.
   */
  read(request: RequestParts, item?: JsonTree): string | undefined;
}

/**
 * A kind and a name, apart by a space or, as templates have it, by a dot. Throws `SchemeError`,
 * about `option`, for a text that is no place.
 */
export function parsePlace(text: string, option: string): Place {
  const [, kind, name = ""] = PLACE_PARTS.exec(text) ?? [];
  if (kind === "header") {
    const mistake = fieldNameMistake(name);
    if (mistake !== undefined) throw new SchemeError(mistake, option);
    return {
      ...{ text, kind, name, words: `header ${name}`, inBody: false },
      read: ({ headers }) => headers.get(name) ?? undefined,
    };
  }
  if (kind === "query")
    return {
      ...{ text, kind, name, words: `query parameter ${name}`, inBody: false },
      read: ({ query }) => query.get(name),
    };
  if (kind === "form")
    return {
      ...{ text, kind, name, words: `form field ${name}`, inBody: true },
      read: ({ form }) => form?.last(name),
    };
  if (kind !== "json")
    throw new SchemeError(`"${text}" is no place such as "header X-Name" or "json data.id"`, option);
  const path = parsePath(name, option);
  return {
    ...{ text, kind, name, words: `JSON member ${name}`, inBody: true },
    read: ({ json: document }, item = document) =>
      document === undefined || item === undefined ? undefined : path({ item, document })?.scalar,
  };
}

/** The items of the array to which a path leads; none where there is no array. */
export function itemsAt(path: string): (document: JsonTree) => readonly JsonTree[] {
  const at = parsePath(path);
  return (document) => at({ item: document, document })?.items ?? [];
}

/** A request whose parts are read once, and only when they are asked for. */
export class RequestParts {
  readonly request: SignedRequest;
  #query: Form | undefined;
  #form: Form | null | undefined;
  #json: JsonTree | null | undefined;

  constructor(request: SignedRequest) {
    this.request = request;
  }

  get headers(): Headers {
    return this.request.headers;
  }

  get query(): Form {
    this.#query ??= boundedForm(Buffer.from(queryOf(this.request.url) ?? ""));
    return this.#query;
  }

  /** Undefined when the body is none. */
  get form(): Form | undefined {
    const { headers, body } = this.request;
    if (this.#form === undefined) this.#form = formOf(body, headers.get("content-type") ?? "")?.form ?? null;
    return this.#form ?? undefined;
  }

  /** The same, where the form is all of the body: no files stand beside its parameters. */
  get parameters(): Form | undefined {
    return boundaryOf(this.headers.get("content-type") ?? "") === undefined ? this.form : undefined;
  }

  /** Undefined when the body is none. */
  get json(): JsonTree | undefined {
    if (this.#json === undefined) this.#json = parseJsonTree(this.request.body) ?? null;
    return this.#json ?? undefined;
  }
}
