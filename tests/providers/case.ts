/** One webhook as its provider sends it, and what has to become of it. */
import type { Message } from "../../src/core/message.ts";

export interface ProviderCase {
  readonly id: string;
  /** The kind of the source. */
  readonly provider: string;
  readonly title: string;
  /** Several are configured at once. */
  readonly secret: string | readonly string[];
  /** What else the operator configures. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Null when the outcome doesn't depend on the time. */
  readonly now: string | null;
  readonly method: "GET" | "POST";
  /** As the provider knows it. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Its UTF-8 bytes are sent. */
  readonly body: string;
  /** Of a generic source. */
  readonly scheme?: unknown;
  readonly expected: Expected;
}

export interface Expected {
  readonly verdict: "accept" | "challenge" | "reject";
  readonly status: number;
  /** In the order in which they are stored; `message_id` without the source's name. */
  readonly records: readonly Message[];
  /** Of each record. */
  readonly record_types?: readonly string[];
  /** How many of the records are found by a text. */
  readonly search?: readonly (readonly [text: string, records: number])[];
  readonly events: readonly {
    readonly kind: string;
    /** The message that it is about. */
    readonly ref?: string;
    /** The provider's identifier. */
    readonly key?: string;
    /** The provider's own name of it. */
    readonly type?: string;
  }[];
  readonly response?: { readonly content_type: string; readonly body: string };
}
