/** What Postern asks of a source: tell whether a request proves its origin, and turn its bytes into messages. */
import type { FieldError } from "./field-errors.ts";
import type { Delivery } from "./store.ts";

/** What a verified body held: a delivery, or every mistake that was found in it. */
export type Normalised = { readonly delivery: Delivery } | { readonly errors: readonly FieldError[] };

export interface Source {
  /** The name under which it is logged and counted. */
  readonly name: string;
  /**
   * The proof that the headers carry, or undefined when it is missing or malformed: then the request is refused
   * without reading its body.
   */
  proof(headers: Headers): string | undefined;
  /** Whether the proof holds for the body, byte for byte as received; in constant time. */
  verify(proof: string, body: Uint8Array): boolean;
  /** Only for a body that was verified. */
  normalise(body: Uint8Array): Normalised;
}
