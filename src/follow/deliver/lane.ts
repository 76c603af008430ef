/**
 * What is handed on to a destination comes by lanes: what is new, what is tried again, and replays.
 * They share what the destination takes at once.
 */

export interface Lane {
  /** Something of it may be sent now. */
  readonly isReady: boolean;
  /** How many of it are on their way. */
  readonly flying: number;
  /** Sends what may be sent, until so many of it are on their way. */
  send(flyingMax: number): void;
}

/**
 * What each of some lanes may have on its way: all of `concurrency` together, as evenly as it goes.
 * Where there is less than one for each, it goes round by `turn`.
 */
export function sharesOf(concurrency: number, lanes: number, turn: number): readonly number[] {
  return Array.from({ length: lanes }, (_, index) =>
    Math.floor((concurrency + ((index + turn) % lanes)) / lanes),
  );
}
