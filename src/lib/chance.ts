/** Chance, as an argument. The system's source of randomness is read in this file alone. */

/** Gives identifiers that no one else gives. */
export type NewId = () => string;

export const randomId: NewId = () => crypto.randomUUID();

/** A secret of 32 random bytes as 64 hexadecimal digits. */
export function randomSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex");
}
