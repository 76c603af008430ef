// Numbers that look random and are the same on every machine: a counter through a bijection.

/** The finalizer of MurmurHash3: a bijection on 32 bits. */
export function scrambled(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Draws 32 bits; as random as the load needs. */
export type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = scrambled(seed + 1);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return scrambled(state);
  };
}

/**
 * A rank from 0 to `count` - 1 by the law of Zipf and Mandelbrot: rank r comes in proportion to 1 ÷
 * (r + shift).
 */
export function zipfRank(count: number, shift: number, random: Random): number {
  const place = shift * ((count + shift) / shift) ** (random() / 2 ** 32) - shift;
  return Math.min(count - 1, Math.floor(place));
}
