/**
 * What an earlier version kept, brought to this version's schema: told once, by whoever has done
 * it. What is new, or was of this schema, is none.
 */
export interface Upgrade {
  /** Undefined where the database is a server's. */
  readonly file?: string;
  /** Versions of the schema; of an index, where they are the same, the rules that it is made by. */
  readonly from: number | string;
  readonly to: number | string;
  /** Undefined of an index that is made anew: that has its time, in the background. */
  readonly ms?: number;
  /** What a database got whose version stayed, so that earlier replicas go on beside it. */
  readonly added?: string;
}

export type OnUpgrade = (upgrade: Upgrade) => void;
