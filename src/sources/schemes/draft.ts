/** A request that is put together to be signed, for trials, place by place. */

import { FORM_TYPE, JSON_TYPE, queryOf } from "../kind.ts";
import { emptyObject, putAt } from "../paths.ts";
import { type Place, RequestParts } from "../places.ts";
import type { Signature, Unsigned } from "./proof.ts";

export class Draft {
  readonly #headers: Record<string, string> = {};
  readonly #query = new URLSearchParams();
  readonly #url: string;
  readonly #given: Uint8Array;
  #body: Uint8Array;
  #type: string | undefined;

  constructor({ body, url }: Unsigned) {
    this.#given = body;
    this.#body = body;
    this.#url = url;
  }

  /** Puts the value there; in JSON only where nothing stands yet. */
  put({ kind, name }: Place, value: string): void {
    if (kind === "header") this.#headers[name] = value;
    else if (kind === "query") this.#query.set(name, value);
    else if (kind === "form") {
      const form = new URLSearchParams(Buffer.from(this.#asForm()).toString());
      form.set(name, value);
      this.#body = Buffer.from(form.toString());
    } else {
      const document = this.document;
      putAt(name, { item: document, document }, value);
      this.document = document;
    }
  }

  /** The body as JSON; an empty object when it is none. */
  get document(): object {
    try {
      const value: unknown = JSON.parse(Buffer.from(this.#body).toString());
      return typeof value === "object" && value !== null ? value : emptyObject();
    } catch {
      return emptyObject();
    }
  }

  set document(document: object) {
    this.#body = Buffer.from(JSON.stringify(document));
    this.#type = JSON_TYPE;
  }

  /** A JSON object's members become fields. */
  #asForm(): Uint8Array {
    if (this.#type === FORM_TYPE) return this.#body;
    const fields = Object.entries(this.document).map(([name, value]): [string, string] => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    // What is no JSON is taken for a form already.
    if (fields.length > 0) this.#body = Buffer.from(new URLSearchParams(fields).toString());
    this.#type = FORM_TYPE;
    return this.#body;
  }

  toForm(): void {
    this.#asForm();
  }

  get parts(): RequestParts {
    const type = this.#type === undefined ? {} : { "Content-Type": this.#type };
    const query = this.#query.toString();
    const between = queryOf(this.#url) === undefined ? "?" : "&";
    return new RequestParts({
      method: "POST",
      headers: headersOf({ ...type, ...this.#headers }),
      url: query === "" ? this.#url : `${this.#url}${between}${query}`,
      body: this.#body,
    });
  }

  /** All that was put. */
  get signature(): Signature {
    const type = this.#type === undefined ? {} : { "Content-Type": this.#type };
    const query = this.#query.toString();
    return {
      headers: { ...type, ...this.#headers },
      ...(this.#body !== this.#given && { body: this.#body }),
      ...(query !== "" && { query }),
    };
  }
}

/** A value that no header can carry is told by whoever sends it. */
function headersOf(values: Readonly<Record<string, string>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(values)) {
    try {
      headers.set(name, value);
    } catch {
      headers.delete(name);
    }
  }
  return headers;
}
