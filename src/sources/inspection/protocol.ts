/** What the main thread and the thread that inspects large bodies say to each other. */
import type { SourceConfig } from "../../core/source.ts";

/** What is asked of the thread. Headers as pairs: a `Headers` can't be sent. */
export type Question = {
  /** Which its result has too. */
  readonly number: number;
  readonly body: Uint8Array;
} & (
  | {
      readonly kind: "provider";
      readonly name: string;
      readonly config: SourceConfig;
      readonly headers: readonly (readonly [name: string, value: string])[];
      readonly method: string;
      readonly url: string;
      readonly client: string | undefined;
      readonly now: number;
    }
  | { readonly kind: "native"; readonly secrets: readonly string[]; readonly proof: string }
);

/**
 * The result as JSON, which costs a fraction of a structured clone, without the body that is in it.
 */
export interface Result {
  readonly number: number;
  readonly json: string;
  /** Undefined when nobody wants it any more. */
  readonly body: Uint8Array | undefined;
}

/** Why the keys can't be had that would tell. */
export interface Unavailable {
  readonly unavailable: string;
}
