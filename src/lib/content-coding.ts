/** Which form of an answer a client takes. */

/** RFC 9110, 12.5.3, as far as browsers go: a coding that is named, and not with the weight 0. */
export function takesCoding(accepted: string, coding: string): boolean {
  return accepted
    .toLowerCase()
    .split(",")
    .some((part) => new RegExp(`^\\s*${coding}\\s*(?:;\\s*q=(?!0(?:\\.0*)?\\s*$).*)?$`).test(part));
}
