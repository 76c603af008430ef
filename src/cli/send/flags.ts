/** What `postern send` was asked: its flags after parsing. */

export const FORMATS = ["ndjson", "csv", "tsv"] as const;
export type Format = (typeof FORMATS)[number];

export interface SendFlags {
  readonly id?: string;
  readonly from?: string;
  readonly to?: string;
  readonly ts?: string;
  readonly text?: string;
  readonly file?: string;
  readonly format?: Format;
  /** `FIELD=TEMPLATE`, as given. */
  readonly map?: readonly string[];
  readonly start?: string;
  readonly step: number;
  readonly url?: URL;
  /** The name of a configured source, and the file that configures it. */
  readonly source?: string;
  readonly config?: string;
  readonly concurrency: number;
  readonly retries: number;
  readonly timeout: number;
  readonly dryRun?: true;
}
