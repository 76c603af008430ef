/** Chance, as an argument. The system's source of randomness is read in this file alone. */

/** Gives identifiers that no one else gives. */
export type NewId = () => string;

export const randomId: NewId = () => crypto.randomUUID();

/** 32 bits for a hash whose result nobody outside can choose. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

/** A secret of 32 random bytes as 64 hexadecimal digits. */
export function randomSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex");
}

/** From 0 up to, not including, 1; for nothing that anybody could gain by guessing. */
export function chance(): number {
  return randomSeed() / 2 ** 32;
}
