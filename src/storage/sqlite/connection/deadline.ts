/** A read that took too long. */

/** The read did not finish before its deadline. */
export class TimeIsOver extends Error {
  override readonly name = "TimeIsOver";
}
