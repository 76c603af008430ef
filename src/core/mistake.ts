/** A mistake in a file that a person wrote, told with the place where it stands. */

/** Both count from 1, columns in UTF-16 units, as editors do. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Mistake extends Place {
  /** One line that says what would be right. */
  readonly message: string;
}
