/** A source as its page shows it. */
import type { Schemas } from "../api.ts";

export interface ShownSource {
  readonly name: string;
  /** Undefined for one that is configured no more. */
  readonly source: Schemas["Source"] | undefined;
  readonly figures: Schemas["SourceFigures"] | undefined;
}
