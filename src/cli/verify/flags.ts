/** What `postern verify` was asked: its flags after parsing. */
export interface VerifyFlags {
  readonly source: string;
  readonly config?: string;
  /** An instant. */
  readonly at?: string;
}
