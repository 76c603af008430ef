/** A mistake in a file that a person wrote, told with the location where it stands. */

/** Both count from 1, columns in UTF-16 units, as editors do. */
export interface Location {
  readonly line: number;
  readonly column: number;
}

export interface Mistake extends Location {
  /** One line that says what would be right. */
  readonly message: string;
}
