/** What is larger than anything that is sent in good faith, and so isn't taken apart. */
export class BeyondBounds extends Error {
  override readonly name = "BeyondBounds";
}
