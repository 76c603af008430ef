/** A to Z in lower case: what each engine's `lower` does to a text that is compared by bytes. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
